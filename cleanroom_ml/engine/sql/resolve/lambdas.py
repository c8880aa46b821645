"""FILTER and TRANSFORM: functions of an array and a lambda, whose parameter is an item of it
(`sql-reference/functions/filter`, `…/transform`).
"""

from __future__ import annotations

import itertools
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions.arrays import array
from cleanroom_ml.engine.sql.resolve.identifiers import fold
from cleanroom_ml.engine.sql.resolve.scope import CommonTables, Rewrite, Scope
from cleanroom_ml.engine.sql.tree.dialect import Node, Raw, raw
from cleanroom_ml.engine.sql.tree.kinds import as_variant
from cleanroom_ml.engine.sql.types.kind import ARRAY, JSON
from cleanroom_ml.engine.sql.values import marks

NAMES: Final = frozenset({"FILTER", "TRANSFORM"})
_UNDEFINED: Final = f"CAST('\"{marks.IN_JSON}U\"' AS JSON)"
_TEMPLATES: Final = {
    "FILTER": "to_json(list_filter(CAST(CAST({0} AS JSON) AS JSON[]), lambda ITEM: coalesce({1}, FALSE)))",
    "TRANSFORM": (
        f"to_json(list_transform(CAST(CAST({{0}} AS JSON) AS JSON[]), lambda ITEM: coalesce({{1}}, {_UNDEFINED})))"
    ),
}
_NAMED: Final = (exp.Column, exp.PropertyEQ, exp.Alias, exp.TableAlias, exp.Kwarg, exp.Lambda)
_COUNTER: Final = itertools.count(1)


def call(name: str, given: list[Node], rewrite: Rewrite, scope: Scope, ctes: CommonTables) -> Node:
    """FILTER(array, x -> …) or TRANSFORM(array, x -> …). Raises SqlError."""
    if len(given) != 2 or not isinstance(given[1], exp.Lambda):
        raise SqlError.syntax(f"{name} takes an array and a lambda.")
    parameters = given[1].expressions
    if len(parameters) != 1 or not isinstance(parameters[0], exp.Identifier):
        raise SqlError.syntax(f"a lambda of {name} has one parameter.")
    if {part for part, found in given[1].args.items() if found} - {"this", "expressions"}:
        raise SqlError.unsupported("this lambda")
    item = f"_item{next(_COUNTER)}"
    body = rewrite(_bound(given[1].this, fold(parameters[0]), item), scope, ctes)
    template = _TEMPLATES[name].replace("ITEM", item)
    return raw(
        template, array(rewrite(given[0], scope, ctes)), body if name == "FILTER" else as_variant(body), kind=ARRAY
    )


def _bound(body: Node, parameter: str, item: str) -> Node:
    """A lambda's body with its parameter as DuckDB's; an item that is undefined is NULL in it."""
    if _means(body, parameter):
        return _item(item)
    for node in list(body.find_all(exp.Column, exp.Identifier)):
        if _means(node, parameter) and not isinstance(node.parent, _NAMED):
            node.replace(_item(item))
    return body


def _means(node: Node, parameter: str) -> bool:
    """Whether it is the parameter: the parser knows it as such only where it is written in the same case."""
    if isinstance(node, exp.Column):
        return isinstance(node.this, exp.Identifier) and not node.args.get("table") and fold(node.this) == parameter
    return isinstance(node, exp.Identifier) and fold(node) == parameter


def _item(item: str) -> Raw:
    return raw(f"nullif({item}, {_UNDEFINED})", kind=JSON)
