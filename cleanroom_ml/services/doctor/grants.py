"""What the role must be able to pass on, so that a project's tables can be offered and linked.

Source: `service-behaviour.md`, "Data grants": registering needs REFERENCE_USAGE on the database, linking USAGE on
database and schema and SELECT on the table, all WITH GRANT OPTION; the owner of an object has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from cleanroom_ml.connection import Connection
from cleanroom_ml.naming import display, quote, split_name
from cleanroom_ml.services.doctor.finding import Finding, not_shown, truth
from cleanroom_ml.specs.data_offering import DataOffering
from cleanroom_ml.specs.load import load_spec
from cleanroom_ml.specs.project import Project

_MOST_TOLD: Final = 6


@dataclass(frozen=True, slots=True)
class Needed:
    """One privilege that the role passes on."""

    privilege: str
    kind: str
    parts: tuple[str, ...]

    def statement(self, role: str) -> str:
        """The grant that is missing."""
        name = ".".join(map(display, self.parts))
        return f"GRANT {self.privilege} ON {self.kind} {name} TO ROLE {display(role)} WITH GRANT OPTION"


def needed(project: Project) -> tuple[Needed, ...]:
    """What the project's offerings ask for, each once. Raises SpecProblems: an offering breaks a rule."""
    specs = [load_spec(path) for path in project.offering_paths if path.is_file()]
    tables = {
        split_name(dataset.data_object_fqn): None
        for spec in specs
        if isinstance(spec, DataOffering)
        for dataset in spec.datasets
    }
    found: dict[Needed, None] = {}
    for parts in (table for table in tables if len(table) == 3):
        found[Needed("REFERENCE_USAGE", "DATABASE", parts[:1])] = None
        found[Needed("USAGE", "DATABASE", parts[:1])] = None
        found[Needed("USAGE", "SCHEMA", parts[:2])] = None
        found[Needed("SELECT", "TABLE", parts)] = None
    return tuple(found)


def grants(connection: Connection, project: Project | None) -> Iterator[Finding]:
    """Which of them are missing, with the statement of each. Raises ServerError, SpecProblems."""
    name = "grants on the data"
    wanted = needed(project) if project is not None else ()
    if not wanted:
        yield Finding(name, None, "this directory offers no tables")
        return
    role = str(connection.execute("SELECT CURRENT_ROLE() AS ROLE")[0]["role"] or "")
    rows = connection.execute(f"SHOW GRANTS TO ROLE {quote(role)}") if role else []
    held = dict(_held(rows))
    if not any(kind == "DATABASE" for _, kind, _ in held):
        yield not_shown(name)
        return
    missing = [each for each in wanted if not _has(held, each)]
    if not missing:
        yield Finding(name, True, f"{role} can pass on what {len(wanted)} grants name")
    for each in missing[:_MOST_TOLD]:
        detail = f"{role} cannot pass on {each.privilege} on {'.'.join(map(display, each.parts))}"
        yield Finding(name, False, detail, each.statement(role))
    if len(missing) > _MOST_TOLD:
        yield Finding(name, False, f"and {len(missing) - _MOST_TOLD} more", "mend these, and ask again")


def _held(rows: Iterable[Mapping[str, object]]) -> Iterator[tuple[tuple[str, str, tuple[str, ...]], bool]]:
    for row in rows:
        try:
            parts = split_name(str(row.get("name") or ""))
        except ValueError:
            continue
        key = (str(row.get("privilege")).upper(), str(row.get("granted_on")).upper().replace("_", " "), parts)
        yield key, bool(truth(row.get("grant_option")))


def _has(held: Mapping[tuple[str, str, tuple[str, ...]], bool], each: Needed) -> bool:
    kinds = ("TABLE", "VIEW", "ICEBERG TABLE", "DYNAMIC TABLE") if each.kind == "TABLE" else (each.kind,)
    return any(
        ("OWNERSHIP", kind, each.parts) in held or held.get((each.privilege, kind, each.parts), False) for kind in kinds
    )
