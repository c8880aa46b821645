"""What a role must be able to pass on, so that tables can be offered and linked.

Source: `service-behaviour.md`, "Data grants": registering needs REFERENCE_USAGE on the database, linking USAGE on
database and schema and SELECT on the table, all WITH GRANT OPTION; the owner of an object has them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cleanroom_ml.naming import display, split_name
from cleanroom_ml.specs.data_offering import DataOffering

REFERENCE_USAGE: Final = "REFERENCE_USAGE"


@dataclass(frozen=True, slots=True)
class Needed:
    """One privilege that the role passes on."""

    privilege: str
    kind: str
    parts: tuple[str, ...]

    def statement(self, role: str) -> str:
        """The grant, to a role by its name as SQL."""
        name = ".".join(part if part.startswith("<") else display(part) for part in self.parts)
        return f"GRANT {self.privilege} ON {self.kind} {name} TO ROLE {role} WITH GRANT OPTION"


def needed(offerings: Iterable[DataOffering]) -> tuple[Needed, ...]:
    """What registering and linking these offerings asks for, each once."""
    tables = {split_name(dataset.data_object_fqn): None for offering in offerings for dataset in offering.datasets}
    each = (need for parts in tables if len(parts) == 3 for need in needed_of(*parts))
    return tuple(dict.fromkeys(each))


def needed_of(database: str, schema: str, table: str) -> tuple[Needed, ...]:
    """What registering and linking a table asks for, by the folded parts of its name."""
    return (
        Needed(REFERENCE_USAGE, "DATABASE", (database,)),
        Needed("USAGE", "DATABASE", (database,)),
        Needed("USAGE", "SCHEMA", (database, schema)),
        Needed("SELECT", "TABLE", (database, schema, table)),
    )


def to_link(offering: DataOffering) -> str:
    """The statements that let `<role>` link an offering."""
    grants = [each for each in needed([offering]) if each.privilege != REFERENCE_USAGE]
    return "; ".join(each.statement("<role>") for each in grants)
