"""Whether the role can pass on what offering and linking a project's tables asks for (passing_on.py)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from cleanroom_ml.connection import Connection
from cleanroom_ml.naming import display, quote, split_name
from cleanroom_ml.services.doctor.finding import Finding, not_shown, truth
from cleanroom_ml.services.passing_on import Needed, needed
from cleanroom_ml.specs.data_offering import DataOffering
from cleanroom_ml.specs.load import load_spec
from cleanroom_ml.specs.project import Project

_MOST_TOLD: Final = 6


def wanted_by(project: Project) -> tuple[Needed, ...]:
    """What the project's offerings ask for, each once. Raises SpecProblems: an offering breaks a rule."""
    specs = [load_spec(path) for path in project.offering_paths if path.is_file()]
    return needed(spec for spec in specs if isinstance(spec, DataOffering))


def grants(connection: Connection, project: Project | None) -> Iterator[Finding]:
    """Which of them are missing, with the statement of each. Raises ServerError, SpecProblems."""
    name = "grants on the data"
    wanted = wanted_by(project) if project is not None else ()
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
        yield Finding(name, False, detail, each.statement(display(role)))
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
