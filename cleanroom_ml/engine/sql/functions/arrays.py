"""Functions of arrays: JSON arrays, taken as DuckDB lists of JSON values where they are worked on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cleanroom_ml.engine.sql.functions.entry import Function, Scalar
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.tree.kinds import kind_of
from cleanroom_ml.engine.sql.types.kind import JSON, OTHER, TEXT, WHOLE

_SLICE: Final = (
    "to_json(list_slice(CAST({0} AS JSON[]),"
    " CASE WHEN {1} >= 0 THEN CAST({1} AS BIGINT) + 1 ELSE CAST({1} AS BIGINT) END,"
    " CASE WHEN {2} >= 0 THEN CAST({2} AS BIGINT) ELSE CAST({2} AS BIGINT) - 1 END))"
)
"""(array, from, to): from 0, `to` not included, negative ones from the end."""
_POSITION: Final = "(nullif(list_position(CAST({1} AS JSON[]), to_json({0})), 0) - 1)"
_RANGE: Final = (
    "to_json(range(CAST({0} AS BIGINT), CAST({1} AS BIGINT), CAST(1 AS BIGINT)))",
    "to_json(range(CAST({0} AS BIGINT), CAST({1} AS BIGINT), CAST({2} AS BIGINT)))",
)


def _to_array(args: Sequence[Node]) -> Node:
    return args[0] if kind_of(args[0]) == JSON else raw("json_array({0})", args[0], kind=JSON)


FUNCTIONS: Final[tuple[Function, ...]] = (
    Scalar("TO_ARRAY", sql=_to_array),
    Scalar("ARRAY_CONSTRUCT", arguments=(0, None), sql="json_array({*})", gives=JSON),
    Scalar(
        "ARRAY_CONSTRUCT_COMPACT",
        arguments=(1, None),
        sql="to_json(list_filter([{*}], lambda _v: _v IS NOT NULL))",
        gives=JSON,
    ),
    Scalar("ARRAY_SIZE", sql="json_array_length({0})", takes=JSON, gives=WHOLE),
    Scalar("ARRAY_CONTAINS", arguments=2, sql="json_contains({1}, to_json({0}))", takes=(None, JSON)),
    Scalar("ARRAY_POSITION", arguments=2, sql=_POSITION, takes=(None, JSON), gives=WHOLE),
    Scalar("ARRAY_SLICE", arguments=3, sql=_SLICE, takes=(JSON, None), gives=JSON),
    Scalar(
        "ARRAY_CAT",
        arguments=2,
        sql="to_json(list_concat(CAST({0} AS JSON[]), CAST({1} AS JSON[])))",
        takes=JSON,
        gives=JSON,
    ),
    Scalar(
        "ARRAY_APPEND",
        arguments=2,
        sql="to_json(list_append(CAST({0} AS JSON[]), to_json({1})))",
        takes=(JSON, None),
        gives=JSON,
    ),
    Scalar(
        "ARRAY_PREPEND",
        arguments=2,
        sql="to_json(list_prepend(to_json({1}), CAST({0} AS JSON[])))",
        takes=(JSON, None),
        gives=JSON,
    ),
    Scalar("ARRAY_DISTINCT", sql="to_json(list_distinct(CAST({0} AS JSON[])))", takes=JSON, gives=JSON),
    Scalar(
        "ARRAY_INTERSECTION",
        arguments=2,
        sql="to_json(list_intersect(CAST({0} AS JSON[]), CAST({1} AS JSON[])))",
        takes=JSON,
        gives=JSON,
    ),
    Scalar(
        "ARRAYS_OVERLAP",
        arguments=2,
        sql="list_has_any(CAST({0} AS JSON[]), CAST({1} AS JSON[]))",
        takes=JSON,
        gives=OTHER,
    ),
    Scalar("ARRAY_FLATTEN", sql="to_json(flatten(CAST({0} AS JSON[][])))", takes=JSON, gives=JSON),
    Scalar("ARRAY_GENERATE_RANGE", arguments=(2, 3), sql=_RANGE, gives=JSON),
    Scalar(
        "ARRAY_TO_STRING",
        arguments=2,
        sql="array_to_string(CAST({0} AS VARCHAR[]), {1})",
        takes=(JSON, TEXT),
        gives=TEXT,
    ),
)
