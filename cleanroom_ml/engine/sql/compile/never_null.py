"""Which columns of a query are never NULL, where its own text shows it: clients are told (`is_nullable` of PEP 249's
description, Snowpark's schemas). Of all others it is said that they may be.
"""

from __future__ import annotations

from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.tree.dialect import Node

_NEVER: Final = frozenset({"COUNT", "RANDOM", "SEQ1", "SEQ2", "SEQ4", "SEQ8", "ROW_NUMBER", "RANK", "DENSE_RANK"})
_STRICT: Final = frozenset({"RANDSTR"})
"""Not NULL where none of their arguments is."""


def never_null(tree: Node) -> tuple[bool, ...]:
    """For each column of a plain SELECT whether it is never NULL; nothing of what is another query, or has a star."""
    if not isinstance(tree, exp.Select) or any(item.is_star for item in tree.expressions):
        return ()
    group = tree.args.get("group")
    if group is not None and group.find(exp.Rollup, exp.Cube, exp.GroupingSets) is not None:
        return ()  # which make NULLs of anything
    return tuple(_is(item) for item in tree.expressions)


def _is(node: Node) -> bool:
    while isinstance(node, exp.Alias | exp.Paren | exp.Window | exp.Neg):
        node = node.this
    if isinstance(node, exp.Literal | exp.Boolean | exp.RawString | exp.Count):
        return True
    if not isinstance(node, exp.Func):
        return False
    name = node.name.upper() if isinstance(node, exp.Anonymous) else node.sql_name()
    return name in _NEVER or (name in _STRICT and all(_is(item) for item in node.iter_expressions()))
