"""By what values are equal, where DuckDB tells values apart that Snowflake takes for one.

A TIMESTAMP_TZ is equal to another of the same moment, whatever their offsets (`sql-reference/data-types-datetime`:
"all operations are performed with the time zone offset specific to each record", comparisons in UTC); numbers in
VARIANTs are equal by value, whatever their types (`sql-reference/data-types-semistructured`).
"""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.sql.tree.arithmetic import once
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.tree.kinds import kind_of
from cleanroom_ml.engine.sql.types import fine
from cleanroom_ml.engine.sql.types.kind import FINE_TIMESTAMP, FINE_TZ, JSON, OTHER, TIMESTAMP, TZ, Kind
from cleanroom_ml.engine.sql.values.marks import IN_JSON

_MOMENT: Final = "struct_extract({0}, 'utc')"
_VALUE: Final = (
    f"CASE WHEN contains(CAST({{0}} AS VARCHAR), '{IN_JSON}') THEN _sf_same(CAST({{0}} AS VARCHAR))"
    " ELSE CAST({0} AS VARCHAR) END"
)


def is_finer(kind: Kind | None) -> bool:
    """Whether DuckDB's equality of such values is finer than Snowflake's."""
    return kind in {TZ, FINE_TZ, JSON}


def key(node: Node) -> Node:
    """What two expressions have the same of where their values are equal: the expression itself, of most kinds."""
    kind = kind_of(node)
    if kind == TZ:
        return raw(_MOMENT, node, kind=TIMESTAMP)
    if kind == FINE_TZ:
        return once(fine.made(fine.MICROS, fine.NANOS), node, kind=FINE_TIMESTAMP)
    if kind == JSON:
        return raw(_VALUE, node, kind=OTHER)
    return node
