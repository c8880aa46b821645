"""Functions of arrays and objects. Values compare by their JSON text, which is minimal here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlglot import exp

from cleanroom_ml.engine.sql.functions.entry import Builder, Entry, built, entry
from cleanroom_ml.engine.sql.tree.dialect import raw
from cleanroom_ml.engine.sql.tree.kinds import as_json
from cleanroom_ml.engine.sql.types.kind import JSON, NUM, OTHER


def _arrays(template: str, kind: str = JSON) -> Builder:
    """Each argument, an array, as a DuckDB list of JSON values; NULL where any is NULL."""
    return lambda args: raw(template, *(raw("CAST({0} AS JSON[])", as_json(arg)) for arg in args), kind=kind)


def _slice(args: Sequence[Any]) -> Any:
    """(array, from, to): from 0, `to` not included, negative ones from the end."""
    first = "CASE WHEN {1} >= 0 THEN CAST({1} AS BIGINT) + 1 ELSE CAST({1} AS BIGINT) END"
    last = "CASE WHEN {2} >= 0 THEN CAST({2} AS BIGINT) ELSE CAST({2} AS BIGINT) - 1 END"
    return raw(f"to_json(list_slice(CAST({{0}} AS JSON[]), {first}, {last}))", as_json(args[0]), *args[1:], kind=JSON)


def _position(args: Sequence[Any]) -> Any:
    template = "nullif(list_position(CAST({1} AS JSON[]), to_json({0})), 0) - 1"
    return raw(f"({template})", args[0], as_json(args[1]), kind=NUM)


def _prepend(args: Sequence[Any]) -> Any:
    return raw("to_json(list_prepend(to_json({1}), CAST({0} AS JSON[])))", as_json(args[0]), args[1], kind=JSON)


def _delete(args: Sequence[Any]) -> Any:
    """OBJECT_DELETE(object, key, …): a merge patch takes away what it has as null."""
    nulls = ", ".join(f"{{{number}}}, NULL" for number in range(1, len(args)))
    return raw(f"json_merge_patch({{0}}, json_object({nulls}))", as_json(args[0]), *args[1:], kind=JSON)


def _is(*types: str) -> Entry:
    listed = ", ".join(f"'{name}'" for name in types)
    return built(lambda args: raw(f"(json_type({{0}}) IN ({listed}))", as_json(args[0]), kind=OTHER), 1)


def _range(args: Sequence[Any]) -> Any:
    step = args[2] if len(args) > 2 else exp.Literal.number(1)
    numbers = ", ".join(f"CAST({{{number}}} AS BIGINT)" for number in range(3))
    return raw(f"to_json(range({numbers}))", args[0], args[1], step, kind=JSON)


SCALARS: Final[dict[str, Entry]] = {
    "ARRAY_SLICE": built(_slice, 3),
    "ARRAY_POSITION": built(_position, 2),
    "ARRAY_PREPEND": built(_prepend, 2),
    "ARRAY_DISTINCT": built(_arrays("to_json(list_distinct({0}))"), 1),
    "ARRAY_INTERSECTION": built(_arrays("to_json(list_intersect({0}, {1}))"), 2),
    "ARRAYS_OVERLAP": built(_arrays("list_has_any({0}, {1})", OTHER), 2),
    "ARRAY_FLATTEN": built(lambda args: raw("to_json(flatten(CAST({0} AS JSON[][])))", as_json(args[0]), kind=JSON), 1),
    "ARRAY_GENERATE_RANGE": built(_range, 2, 3),
    "ARRAY_CONSTRUCT_COMPACT": entry("to_json(list_filter([{*}], lambda _v: _v IS NOT NULL))", 1, None, JSON),
    "OBJECT_DELETE": built(_delete, 2, None),
    "IS_INTEGER": _is("UBIGINT", "BIGINT", "HUGEINT", "UHUGEINT"),
    **dict.fromkeys(("IS_DECIMAL", "IS_DOUBLE", "IS_REAL"), _is("UBIGINT", "BIGINT", "HUGEINT", "UHUGEINT", "DOUBLE")),
    **dict.fromkeys(("IS_VARCHAR", "IS_CHAR"), _is("VARCHAR")),
    "IS_BOOLEAN": _is("BOOLEAN"),
    "IS_ARRAY": _is("ARRAY"),
    "IS_OBJECT": _is("OBJECT"),
}
