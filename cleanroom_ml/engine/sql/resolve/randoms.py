"""Random numbers that are asked for more than once: windows that are ordered or parted by RANDOM(), and what is made of
it and named by its alias (`ROW_NUMBER() OVER (ORDER BY RANDOM())`, `UNIFORM(0, 1, RANDOM()) AS r … WHERE r < 0.8`).

DuckDB refuses both of its own random(). The rows of FROM are numbered instead, as those of a GENERATOR are, and what is
drawn is a hash of the row's number.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.resolve.identifiers import fold, fold_column
from cleanroom_ml.engine.sql.resolve.scope import Relation
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.naming import quote

ROW: Final = "_GENERATED"
"""What the number of a row is called."""
_PARTS: Final = ("expressions", "where", "qualify", "order")


def asks_again(select: exp.Select) -> bool:
    """Whether the rows of a SELECT's one FROM item have to be numbered."""
    if any(select.args.get(part) for part in ("joins", "group", "having", "distinct")):
        return False
    own = [node for part in _PARTS for item in _listed(select.args.get(part)) for node in _own(item)]
    if not any(map(_is_random, own)):
        return False
    if any(_is_random(node) for window in own if isinstance(window, exp.Window) for node in _own(window)):
        return True
    named = {
        fold(item.args["alias"])
        for item in select.expressions
        if isinstance(item, exp.Alias) and any(map(_is_random, _own(item.this)))
    }
    columns = (node for node in own if isinstance(node, exp.Column) and isinstance(node.this, exp.Identifier))
    return any(not column.args.get("table") and fold_column(column) in named for column in columns)


def numbered(relation: Relation, table: Node) -> Node | None:
    """A FROM item with the number of each row; None: its columns are not known, or it has one that is called so."""
    if relation.kinds is None or ROW in relation.kinds:
        return None
    return raw(f"(SELECT *, row_number() OVER () AS {quote(ROW)} FROM {{0}} AS _numbered)", table)


def _listed(part: object) -> list[Node]:
    if isinstance(part, list):
        return part
    return [part] if isinstance(part, exp.Expr) else []


def _own(node: Node) -> Iterator[Node]:
    """What a part of a SELECT is made of, without the queries in it."""
    return node.walk(prune=lambda each: isinstance(each, exp.Query))


def _is_random(node: Node) -> bool:
    return isinstance(node, exp.Anonymous) and str(node.this).upper() == "RANDOM"
