"""What may stand behind LIMIT, OFFSET, FETCH and TOP: a whole number that is known before the statement runs.

Source: sql-reference/constructs/limit ("must be a non-negative integer constant"; NULL and '' are no limit).
"""

from __future__ import annotations

from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.numbers import whole_number
from cleanroom_ml.engine.sql.tree.dialect import Node
from cleanroom_ml.engine.sql.tree.kinds import literal_text

_MOST: Final = (1 << 63) - 1
"""DuckDB counts rows in 64 bits; more than that is no limit either."""


def counted(given: Node, part: str) -> Node | None:
    """The rewritten number of LIMIT or OFFSET; None: it says nothing. Raises SqlError: it is no whole number."""
    node = given.unnest()
    if isinstance(node, exp.Null) or literal_text(node) == "":
        return None
    if isinstance(node, exp.Neg):
        raise SqlError.syntax(f"a negative {part.upper()}.")
    number = whole_number(str(node.this)) if isinstance(node, exp.Literal) and not node.is_string else None
    if number is None:
        raise SqlError.syntax(f"Invalid row count in {part} clause: it is a constant whole number.")
    return exp.Literal.number(min(number, _MOST))
