"""Functions of semi-structured values: VARIANT and OBJECT; those of arrays are in arrays.py.

Values compare by their JSON text, which is minimal here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions.entry import Builder, Function, Scalar, as_given
from cleanroom_ml.engine.sql.tree.dialect import Node, Raw, raw
from cleanroom_ml.engine.sql.tree.kinds import as_json, literal_text
from cleanroom_ml.engine.sql.types.kind import FLOAT, JSON, OTHER, TEXT, WHOLE

_TYPEOF: Final = (
    "CASE json_type({0}) WHEN 'UBIGINT' THEN 'INTEGER' WHEN 'BIGINT' THEN 'INTEGER' WHEN 'NULL' THEN 'NULL_VALUE'"
    " ELSE json_type({0}) END"
)


def _object(keep_nulls: bool) -> Builder:
    def build(args: Sequence[Node]) -> Node:
        if len(args) % 2:
            raise SqlError.unsupported("OBJECT_CONSTRUCT(*)")
        made = raw("json_object({*})", *args, kind=JSON)
        return made if keep_nulls or not args else raw("json_merge_patch(CAST('{}' AS JSON), {0})", made, kind=JSON)

    return build


def element(value: Node, key: Node) -> Raw:
    """`v[key]`: a JSON value's member or item; a constant key is exact, whatever characters it has."""
    text = literal_text(key)
    if text is not None:
        return raw("json_extract({0}, {1})", as_json(value), exp.Literal.string(pointer([text])), kind=JSON)
    return raw("({0} -> {1})", as_json(value), key, kind=JSON)


def pointer(steps: Sequence[str | int]) -> str:
    """A JSON pointer: unlike a path it can name every key."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def _get_path(args: Sequence[Node]) -> Node:
    text = literal_text(args[1])
    if text is None:
        raise SqlError.unsupported("GET_PATH with a path that is not a constant")
    steps: list[str | int] = []
    for piece in text.replace("[", ".[").split("."):
        name = piece.strip("[]'\"")
        if name:
            steps.append(name)
    return raw("json_extract({0}, {1})", args[0], exp.Literal.string(pointer(steps)), kind=JSON)


def _delete(args: Sequence[Node]) -> Node:
    """OBJECT_DELETE(object, key, …): a merge patch takes away what it has as null."""
    nulls = ", ".join(f"{{{number}}}, NULL" for number in range(1, len(args)))
    return raw(f"json_merge_patch({{0}}, json_object({nulls}))", *args, kind=JSON)


def _is(names: str, *types: str) -> Scalar:
    listed = ", ".join(f"'{name}'" for name in types)
    return Scalar(names, sql=f"(json_type({{0}}) IN ({listed}))", takes=JSON, gives=OTHER)


_WHOLE: Final = ("UBIGINT", "BIGINT", "HUGEINT", "UHUGEINT")

FUNCTIONS: Final[tuple[Function, ...]] = (
    Scalar("PARSE_JSON", sql="CAST({0} AS JSON)", takes=TEXT, gives=JSON),
    Scalar("TRY_PARSE_JSON", sql="TRY_CAST({0} AS JSON)", takes=TEXT, gives=JSON),
    Scalar(
        "CHECK_JSON",
        sql="CASE WHEN json_valid({0}) OR {0} IS NULL THEN NULL ELSE 'not valid JSON' END",
        takes=TEXT,
        gives=TEXT,
    ),
    Scalar("TO_JSON", sql="CAST(to_json({0}) AS VARCHAR)", gives=TEXT),
    Scalar("TO_VARIANT TO_OBJECT", sql="to_json({0})", gives=JSON),
    Scalar("OBJECT_CONSTRUCT", arguments=(0, None), sql=_object(False)),
    Scalar("OBJECT_CONSTRUCT_KEEP_NULL", arguments=(0, None), sql=_object(True)),
    Scalar("OBJECT_DELETE", arguments=(2, None), sql=_delete, takes=(JSON, None)),
    Scalar("OBJECT_KEYS", sql="to_json(json_keys({0}))", takes=JSON, gives=JSON),
    Scalar("GET", arguments=2, sql=lambda args: element(args[0], args[1])),
    Scalar("GET_PATH", arguments=2, sql=_get_path, takes=(JSON, None)),
    Scalar("TYPEOF", sql=_TYPEOF, takes=JSON, gives=TEXT),
    Scalar("IS_NULL_VALUE", sql="(json_type({0}) = 'NULL')", takes=JSON),
    Scalar("AS_VARCHAR", sql=as_given, takes=TEXT),
    Scalar("AS_INTEGER", sql="TRY_CAST({0} AS BIGINT)", takes=TEXT, gives=WHOLE),
    Scalar("AS_DOUBLE", sql="TRY_CAST({0} AS DOUBLE)", takes=TEXT, gives=FLOAT),
    _is("IS_INTEGER", *_WHOLE),
    _is("IS_DECIMAL IS_DOUBLE IS_REAL", *_WHOLE, "DOUBLE"),
    _is("IS_VARCHAR IS_CHAR", "VARCHAR"),
    _is("IS_BOOLEAN", "BOOLEAN"),
    _is("IS_ARRAY", "ARRAY"),
    _is("IS_OBJECT", "OBJECT"),
)
