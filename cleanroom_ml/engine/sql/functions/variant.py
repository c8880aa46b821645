"""Functions of semi-structured values: VARIANT and OBJECT; those of arrays are in arrays.py.

A VARIANT is JSON text in one form (sql/values/json_text.py), so equal values are equal texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions.entry import VALUE, Builder, Function, Scalar
from cleanroom_ml.engine.sql.settings import keeps_nanoseconds
from cleanroom_ml.engine.sql.tree import moments
from cleanroom_ml.engine.sql.tree.arithmetic import once
from cleanroom_ml.engine.sql.tree.dialect import Node, Raw, raw
from cleanroom_ml.engine.sql.tree.kinds import as_digits, as_json, as_text, as_variant, kind_of, literal_text
from cleanroom_ml.engine.sql.types.checks import fails
from cleanroom_ml.engine.sql.types.kind import (
    ARRAY,
    BINARY,
    DATE,
    FLOAT,
    JSON,
    NUM,
    OBJECT,
    OTHER,
    TEXT,
    WHOLE,
    Kind,
)
from cleanroom_ml.engine.sql.types.moment_casts import DUCKDB, Moment
from cleanroom_ml.engine.sql.values import marks, paths

MEMBER: Final = f"nullif(json_extract({{0}}, {{1}}), '\"{marks.IN_JSON}U\"')"
"""What stands at a pointer; an item that is undefined is NULL."""
_MARK_TYPES: Final = " ".join(f"WHEN '{mark[1]}' THEN '{name}'" for mark, name in marks.TYPES.items())
_TYPEOF: Final = (
    f"CASE WHEN starts_with(CAST({{0}} AS VARCHAR), '\"{marks.IN_JSON}') THEN"
    f" CASE substr(CAST({{0}} AS VARCHAR), 8, 1) {_MARK_TYPES} END ELSE"
    " CASE json_type({0}) WHEN 'UBIGINT' THEN 'INTEGER' WHEN 'BIGINT' THEN 'INTEGER' WHEN 'NULL' THEN 'NULL_VALUE'"
    " WHEN 'DOUBLE' THEN CASE WHEN contains(CAST({0} AS VARCHAR), '.') THEN 'DECIMAL' ELSE 'INTEGER' END"
    " ELSE json_type({0}) END END"
)


def called(name: str, *, kind: Kind = JSON) -> str:
    """The template of a call of a worker's function with texts, which gives a VARIANT or a value of another kind."""
    made = f"_sf_{name}({{*}})"
    return f"CAST({made} AS JSON)" if kind == JSON else made


def texts(*values: Node) -> list[Node]:
    """VARIANTs as the texts that workers' functions take."""
    return [raw("CAST({0} AS VARCHAR)", value, kind=OTHER) for value in values]


def listed(*values: Node) -> Raw:
    """VARIANTs as one list of texts."""
    return raw("CAST([{*}] AS VARCHAR[])", *texts(*values), kind=OTHER) if values else raw("CAST([] AS VARCHAR[])")


def _object(name: str) -> Builder:
    def build(args: Sequence[Node]) -> Node:
        if len(args) % 2:
            raise SqlError.syntax(f"{name.upper()} takes keys and values in turn.")
        pairs: list[Node] = []
        for key, value in zip(args[::2], args[1::2], strict=True):
            pairs += [as_text(key), as_variant(value)]
        return raw(called(name), listed(*pairs), kind=OBJECT)

    return build


def element(value: Node, key: Node) -> Raw:
    """`v[key]`: a JSON value's member or item; a constant key is exact, whatever characters it has."""
    text = literal_text(key)
    if text is not None:
        return raw(MEMBER, as_json(value), exp.Literal.string(pointer([text])), kind=JSON)
    if kind_of(key) == NUM:
        return raw(MEMBER, as_json(value), raw("concat('/', CAST({0} AS BIGINT))", key), kind=JSON)
    return raw(called("get"), *texts(as_json(value), as_text(key)), kind=JSON)


def pointer(steps: Sequence[str | int]) -> str:
    """A JSON pointer: unlike a path it can name every key."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def _get_path(args: Sequence[Node]) -> Node:
    text = literal_text(args[1])
    if text is None:
        return raw(called("get_path"), *texts(args[0]), as_text(args[1]), kind=JSON)
    try:
        steps = paths.steps(text)
    except ValueError:
        raise SqlError.bad_value("Invalid extraction path.") from None
    return raw(MEMBER, args[0], exp.Literal.string(pointer(steps)), kind=JSON) if steps else args[0]


def _path_text(args: Sequence[Node]) -> Node:
    """JSON_EXTRACT_PATH_TEXT(text, path): what is there in a JSON document, as text."""
    return as_text(_get_path([raw(called("parse_json"), as_text(args[0]), kind=JSON), args[1]]))


def _parse(name: str) -> Builder:
    def build(args: Sequence[Node]) -> Node:
        mode = (literal_text(args[1]) or "").lower() if len(args) > 1 else "s"
        if mode not in {"s", "d"}:
            raise SqlError.syntax("PARSE_JSON takes 's' or 'd'.")
        return raw(called(name if mode == "s" else f"{name}_last"), as_text(args[0]), kind=JSON)

    return build


def _insert(args: Sequence[Node]) -> Node:
    update = raw("CAST({0} AS BOOLEAN)", args[3]) if len(args) > 3 else exp.Boolean(this=False)
    target, value = texts(args[0], as_variant(args[2]))
    return raw(called("object_insert"), target, as_text(args[1]), value, update, kind=OBJECT)


def _keyed(name: str) -> Builder:
    """OBJECT_DELETE and OBJECT_PICK: an object and keys, or, to pick, an array of them."""

    def build(args: Sequence[Node]) -> Node:
        target = texts(args[0])[0]
        if name == "object_pick" and len(args) == 2 and kind_of(args[1]) == JSON:
            return raw(called("object_pick_listed"), target, *texts(args[1]), kind=OBJECT)
        return raw(called(name), target, listed(*[as_text(key) for key in args[1:]]), kind=OBJECT)

    return build


def _of_texts(names: str, count: int = 1, gives: Kind = JSON) -> Scalar:
    """A function of a worker's over VARIANTs."""
    name = names.split()[0].lower()
    return Scalar(
        names,
        arguments=count,
        sql=lambda args: raw(called(name), *texts(*args), kind=gives),
        takes=JSON,
    )


_TYPES: Final = {
    "INTEGER": "'INTEGER'",
    "DECIMAL": "'INTEGER', 'DECIMAL'",
    "DOUBLE": "'INTEGER', 'DECIMAL', 'DOUBLE'",
}


def _is(names: str, *types: str) -> Scalar:
    listed = ", ".join(_TYPES.get(name, f"'{name}'") for name in types)
    return Scalar(names, sql=f"coalesce(({_TYPEOF}) IN ({listed}), FALSE)", takes=VALUE, gives=OTHER, variants=True)


def _as(names: str, kind: str, cast: str, gives: Kind, *, count: int = 1) -> Scalar:
    """AS_…: the value where it is of that type, else NULL."""
    listed = _TYPES.get(kind, f"'{kind}'")

    def build(args: Sequence[Node]) -> Node:
        value = as_variant(args[0])
        target = cast
        if len(args) > 1:
            sizes = [argument.name for argument in args[1:]]
            if not all(size.isdecimal() for size in sizes):
                raise SqlError.unsupported(f"{names.split()[0]} with a precision that is not a constant")
            target = f"DECIMAL({', '.join(sizes)})"
        taken = value if gives == JSON else (as_digits if gives == NUM else as_text)(value)
        made = "{1}" if gives == JSON else target if "{1}" in target else f"CAST({{1}} AS {target})"
        return raw(f"CASE WHEN ({_TYPEOF}) IN ({listed}) THEN {made} END", value, taken, kind=gives)

    return Scalar(names, arguments=(1, count), sql=build, variants=True)


def _as_zoned(args: Sequence[Node]) -> Node:
    value = as_variant(args[0])
    made = moments.to("TZ", as_text(value.copy()), attempt=True)
    return raw(f"CASE WHEN ({_TYPEOF}) = 'TIMESTAMP_TZ' THEN {{1}} END", value, made, kind=kind_of(made))


def _as_moment(target: Moment) -> Scalar:
    """AS_TIME and AS_TIMESTAMP_…: DuckDB reads its own text of a moment, and drops nanoseconds without a word."""
    kind = target if target == "TIME" else f"TIMESTAMP_{target}"

    def build(args: Sequence[Node]) -> Node:
        value = as_variant(args[0])
        text = as_text(value.copy())
        if keeps_nanoseconds():
            made = moments.to(target, text, layout="AUTO")
        else:
            too_fine = f"regexp_matches({{0}}, '\\.{'[0-9]' * 6}[0-9]*[1-9]')"
            template = f"CASE WHEN {too_fine} THEN {fails('nanoseconds')} ELSE CAST({{0}} AS {DUCKDB[target]}) END"
            made = once(template, text, kind=moments.KINDS[target])
        return raw(f"CASE WHEN ({_TYPEOF}) = '{kind}' THEN {{1}} END", value, made, kind=kind_of(made))

    return Scalar(f"AS_{kind}", sql=build, variants=True)


FUNCTIONS: Final[tuple[Function, ...]] = (
    Scalar("PARSE_JSON", arguments=(1, 2), sql=_parse("parse_json")),
    Scalar("TRY_PARSE_JSON", arguments=(1, 2), sql=_parse("try_parse_json")),
    Scalar("CHECK_JSON", sql="_sf_check_json({0})", takes=TEXT, gives=TEXT),
    Scalar("TO_JSON", sql="_sf_to_json(CAST({0} AS VARCHAR))", takes=VALUE, gives=TEXT),
    Scalar("TO_VARIANT", sql="{0}", takes=VALUE, gives=JSON),
    Scalar("TO_OBJECT", sql="CAST(_sf_to_object(CAST({0} AS VARCHAR)) AS JSON)", takes=JSON, gives=OBJECT),
    Scalar("OBJECT_CONSTRUCT", arguments=(0, None), sql=_object("object_construct"), star=True, fine=True),
    Scalar(
        "OBJECT_CONSTRUCT_KEEP_NULL",
        arguments=(0, None),
        sql=_object("object_construct_keep_null"),
        star=True,
        fine=True,
    ),
    Scalar("OBJECT_INSERT", arguments=(3, 4), sql=_insert),
    Scalar("OBJECT_DELETE", arguments=(2, None), sql=_keyed("object_delete")),
    Scalar("OBJECT_PICK", arguments=(2, None), sql=_keyed("object_pick")),
    _of_texts("OBJECT_KEYS", gives=ARRAY),
    _of_texts("STRIP_NULL_VALUE"),
    Scalar("GET", arguments=2, sql=lambda args: element(args[0], args[1])),
    Scalar(
        "GET_IGNORE_CASE",
        arguments=2,
        sql=lambda args: raw(called("get_ignore_case"), *texts(as_json(args[0]), as_text(args[1])), kind=JSON),
    ),
    Scalar("JSON_EXTRACT_PATH_TEXT", arguments=2, sql=_path_text),
    Scalar("GET_PATH", arguments=2, sql=_get_path, takes=(JSON, None)),
    Scalar("TYPEOF", sql=_TYPEOF, takes=VALUE, gives=TEXT),
    Scalar("IS_NULL_VALUE", sql="(json_type({0}) = 'NULL')", takes=JSON, gives=OTHER),
    _is("IS_INTEGER", "INTEGER"),
    _is("IS_DECIMAL", "DECIMAL"),
    _is("IS_DOUBLE IS_REAL", "DOUBLE"),
    _is("IS_VARCHAR IS_CHAR", "VARCHAR"),
    _is("IS_BOOLEAN", "BOOLEAN"),
    _is("IS_ARRAY", "ARRAY"),
    _is("IS_OBJECT", "OBJECT"),
    _is("IS_BINARY", "BINARY"),
    _is("IS_DATE IS_DATE_VALUE", "DATE"),
    _is("IS_TIME", "TIME"),
    *(_is(f"IS_TIMESTAMP_{zone}", f"TIMESTAMP_{zone}") for zone in ("NTZ", "LTZ", "TZ")),
    _as("AS_VARCHAR AS_CHAR", "VARCHAR", "VARCHAR", TEXT),
    _as("AS_INTEGER", "DECIMAL", "BIGINT", WHOLE),
    _as("AS_DECIMAL AS_NUMBER", "DECIMAL", "DECIMAL(38, 0)", WHOLE, count=3),
    _as("AS_DOUBLE AS_REAL", "DOUBLE", "DOUBLE", FLOAT),
    _as("AS_BOOLEAN", "BOOLEAN", "BOOLEAN", OTHER),
    _as("AS_ARRAY", "ARRAY", "JSON", ARRAY),
    _as("AS_OBJECT", "OBJECT", "JSON", OBJECT),
    _as("AS_DATE", "DATE", "DATE", DATE),
    _as_moment("TIME"),
    _as("AS_BINARY", "BINARY", "unhex({1})", BINARY),
    _as_moment("NTZ"),
    _as_moment("LTZ"),
    Scalar("AS_TIMESTAMP_TZ", sql=_as_zoned, variants=True),
)
