"""A policy as CREATE … POLICY declares it, and what its kind says of it.

Source: sql-reference/sql/create-aggregation-policy, -/create-join-policy, -/create-masking-policy,
-/create-projection-policy, -/create-row-access-policy of Snowflake's documentation.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.sql.routines import Parameter
from cleanroom_ml.engine.sql.types.sql_type import SqlType, parse_type

AGGREGATION: Final = "AGGREGATION POLICY"
JOIN: Final = "JOIN POLICY"
MASKING: Final = "MASKING POLICY"
PROJECTION: Final = "PROJECTION POLICY"
ROW_ACCESS: Final = "ROW ACCESS POLICY"
KINDS: Final = (AGGREGATION, JOIN, MASKING, PROJECTION, ROW_ACCESS)
CONSTRAINTS: Final = {
    AGGREGATION: "AGGREGATION_CONSTRAINT",
    JOIN: "JOIN_CONSTRAINT",
    PROJECTION: "PROJECTION_CONSTRAINT",
}
"""What RETURNS of these kinds says: their bodies say how a query has to be, and compute no values."""
MAX_BODY: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Policy:
    """`returns`: of a policy of values (masking, row access), the type; else None. `body`: an expression as written."""

    kind: str
    parameters: tuple[Parameter, ...]
    returns: SqlType | None
    body: str

    @property
    def signature(self) -> str:
        """Its arguments, as DESCRIBE shows them."""
        return f"({', '.join(f'{each.name} {each.type}' for each in self.parameters)})"

    @property
    def returned(self) -> str:
        """What RETURNS says."""
        return CONSTRAINTS[self.kind] if self.returns is None else str(self.returns)

    def to_json(self) -> str:
        """As it is kept."""
        return json.dumps(
            {
                "kind": self.kind,
                "parameters": [[each.name, str(each.type)] for each in self.parameters],
                "returns": None if self.returns is None else str(self.returns),
                "body": self.body,
            },
            ensure_ascii=False,
        )

    @classmethod
    def from_json(cls, text: str) -> Policy:
        """The inverse of `to_json`."""
        value = json.loads(text)
        return cls(
            value["kind"],
            tuple(Parameter(name, parse_type(kind)) for name, kind in value["parameters"]),
            None if value["returns"] is None else parse_type(value["returns"]),
            value["body"],
        )
