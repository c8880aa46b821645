"""FILTER, TRANSFORM and REDUCE: functions of an array and a lambda, whose parameter is an item of it
(`sql-reference/functions/filter`, `…/transform`, `…/reduce`).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions.arrays import array
from cleanroom_ml.engine.sql.resolve.identifiers import fold
from cleanroom_ml.engine.sql.resolve.scope import CommonTables, Rewrite, Scope
from cleanroom_ml.engine.sql.tree.arithmetic import as_number
from cleanroom_ml.engine.sql.tree.dialect import Node, Raw, raw
from cleanroom_ml.engine.sql.tree.kinds import as_text, as_variant, kind_of
from cleanroom_ml.engine.sql.types.kind import ARRAY, FLOAT, JSON, MAX_PRECISION, NUM, TEXT, Kind, Number
from cleanroom_ml.engine.sql.values import marks

NAMES: Final = frozenset({"FILTER", "TRANSFORM", "REDUCE"})
_UNDEFINED: Final = f"CAST('\"{marks.IN_JSON}U\"' AS JSON)"
_TEMPLATES: Final = {
    "FILTER": "to_json(list_filter(CAST(CAST({0} AS JSON) AS JSON[]), lambda ITEM: coalesce({1}, FALSE)))",
    "TRANSFORM": (
        f"to_json(list_transform(CAST(CAST({{0}} AS JSON) AS JSON[]), lambda ITEM: coalesce({{1}}, {_UNDEFINED})))"
    ),
}
_REDUCED: Final = (
    "CASE WHEN {0} IS NOT NULL AND {1} IS NOT NULL THEN struct_extract(list_reduce(list_concat("
    "[struct_pack(a := CAST({1} AS TYPE), v := CAST(NULL AS JSON))],"
    " list_transform(CAST(CAST({0} AS JSON) AS JSON[]), lambda ITEM: struct_pack(a := CAST(NULL AS TYPE), v := ITEM))),"
    " lambda ACC, ITEM: struct_pack(a := CAST({2} AS TYPE), v := CAST(NULL AS JSON))), 'a') END"
)
"""The accumulator goes before the items, so that what is folded is of one type."""
_TYPES: Final[Mapping[str, str]] = {"TEXT": "VARCHAR", "JSON": "JSON", "DATE": "DATE", "TIMESTAMP": "TIMESTAMP"}
_MOST_WIDENED: Final = 3
_NAMED: Final = (exp.Column, exp.PropertyEQ, exp.Alias, exp.TableAlias, exp.Kwarg, exp.Lambda)
_COUNTER: Final = itertools.count(1)


def call(name: str, given: list[Node], rewrite: Rewrite, scope: Scope, ctes: CommonTables) -> Node:
    """FILTER(array, x -> …), TRANSFORM(array, x -> …) or REDUCE(array, init, (acc, x) -> …). Raises SqlError."""
    if name == "REDUCE":
        return _reduce(given, rewrite, scope, ctes)
    if len(given) != 2 or not isinstance(given[1], exp.Lambda):
        raise SqlError.syntax(f"{name} takes an array and a lambda.")
    parameters = given[1].expressions
    if len(parameters) != 1 or not isinstance(parameters[0], exp.Identifier):
        raise SqlError.syntax(f"a lambda of {name} has one parameter.")
    _check(given[1])
    item = f"_item{next(_COUNTER)}"
    body = rewrite(_bound(given[1].this, {fold(parameters[0]): _item(item)}), scope, ctes)
    template = _TEMPLATES[name].replace("ITEM", item)
    return raw(
        template, array(rewrite(given[0], scope, ctes)), body if name == "FILTER" else as_variant(body), kind=ARRAY
    )


def _reduce(given: list[Node], rewrite: Rewrite, scope: Scope, ctes: CommonTables) -> Node:
    """REDUCE. The accumulator is of a type that both its first value and what the lambda gives fit into."""
    if len(given) != 3 or not isinstance(given[2], exp.Lambda):
        raise SqlError.syntax("REDUCE takes an array, the first value of the accumulator and a lambda.")
    written = given[2]
    _check(written)
    if len(written.expressions) != 2 or not all(isinstance(each, exp.Identifier) for each in written.expressions):
        raise SqlError.unsupported("a lambda of REDUCE that has not two parameters without types")
    accumulator, value = (fold(each) for each in written.expressions)
    number = next(_COUNTER)
    item, gathered = f"_item{number}", f"_acc{number}"
    members = array(rewrite(given[0], scope, ctes))
    first = rewrite(given[1], scope, ctes)
    kind = _widest(kind_of(first), None)
    for _ in range(_MOST_WIDENED):
        bound = {
            accumulator: raw(f"struct_extract({gathered}, 'a')", kind=kind),
            value: raw(f"nullif(struct_extract({item}, 'v'), {_UNDEFINED})", kind=JSON),
        }
        body = rewrite(_bound(written.this.copy(), bound), scope, ctes)
        if kind_of(body) == JSON and kind in {TEXT, NUM}:
            body = as_text(body) if kind == TEXT else as_number(body)
        wider = _widest(kind, kind_of(body))
        if _type_of(wider) == _type_of(kind):
            template = _REDUCED.replace("TYPE", _type_of(kind)).replace("ITEM", item).replace("ACC", gathered)
            return raw(template, members, first, body, kind=kind)
        kind = wider
    raise SqlError.unsupported("REDUCE whose accumulator gets more digits with every item: cast what the lambda gives")


def _widest(kind: Kind | None, other: Kind | None) -> Kind | None:
    """The type of an accumulator. Raises SqlError: there is none for both."""
    found = [each for each in (kind, other) if each is not None]
    if not found or any(each != found[0] for each in found):
        raise SqlError.unsupported("REDUCE whose lambda gives another type than its first value: cast one of them")
    if found[0] == NUM:
        numbers = [each for each in found if isinstance(each, Number)]
        scales = [each.scale for each in numbers]
        if len(numbers) < len(found) or None in scales:
            return FLOAT
        return Number(MAX_PRECISION, max(scale for scale in scales if scale is not None))
    if found[0] != JSON:
        return TEXT if found[0] == TEXT else found[0]
    return found[0] if len({getattr(each, "name", "") for each in found}) == 1 else JSON


def _type_of(kind: Kind | None) -> str:
    """DuckDB's type of an accumulator. Raises SqlError."""
    if isinstance(kind, Number):
        return "DOUBLE" if kind.scale is None else f"DECIMAL({kind.precision},{kind.scale})"
    named = _TYPES.get(str(kind))
    if named is None:
        raise SqlError.unsupported("REDUCE to this type")
    return named


def _check(written: exp.Lambda) -> None:
    if {part for part, found in written.args.items() if found} - {"this", "expressions"}:
        raise SqlError.unsupported("this lambda")


def _bound(body: Node, parameters: Mapping[str, Raw]) -> Node:
    """A lambda's body with its parameters as DuckDB's; an item that is undefined is NULL in it."""
    for parameter, value in parameters.items():
        if _means(body, parameter):
            return value
        for node in list(body.find_all(exp.Column, exp.Identifier)):
            if _means(node, parameter) and not isinstance(node.parent, _NAMED):
                node.replace(value.copy())
    return body


def _means(node: Node, parameter: str) -> bool:
    """Whether it is the parameter: the parser knows it as such only where it is written in the same case."""
    if isinstance(node, exp.Column):
        return isinstance(node.this, exp.Identifier) and not node.args.get("table") and fold(node.this) == parameter
    return isinstance(node, exp.Identifier) and fold(node) == parameter


def _item(item: str) -> Raw:
    return raw(f"nullif({item}, {_UNDEFINED})", kind=JSON)
