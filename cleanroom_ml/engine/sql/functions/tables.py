"""Functions of FROM: GENERATOR, FLATTEN, SPLIT_TO_TABLE, RESULT_SCAN. `TABLE('name')` is a name."""

from __future__ import annotations

from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions.entry import Function, Relation, TableArguments, TableFunction
from cleanroom_ml.engine.sql.functions.variant import element
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.tree.kinds import as_json, as_text, kinds_of_columns, literal_text
from cleanroom_ml.engine.sql.types.kind import JSON, NUM, TEXT, Kind

MAX_GENERATED_ROWS: Final = 10_000_000_000
_FLATTENED: Final[dict[str, Kind | None]] = {
    "SEQ": NUM,
    "KEY": TEXT,
    "PATH": TEXT,
    "INDEX": NUM,
    "VALUE": JSON,
    "THIS": JSON,
}


def _named(call: exp.Anonymous, *allowed: str) -> dict[str, Node]:
    """A call's arguments by name; those by position take the names in order."""
    arguments: dict[str, Node] = {}
    for number, argument in enumerate(call.expressions):
        if isinstance(argument, exp.Kwarg):
            name = str(argument.this.name).upper()
            value = argument.expression
        elif number < len(allowed):
            name, value = allowed[number], argument
        else:
            raise SqlError.syntax(f"too many arguments for {str(call.this).upper()}.")
        if name not in allowed or name in arguments:
            raise SqlError.syntax(f"unexpected argument {name[:40]} for {str(call.this).upper()}.")
        arguments[name] = value
    return arguments


def _generator(call: exp.Anonymous, given: TableArguments) -> Relation:
    """GENERATOR(ROWCOUNT => n): n rows without columns of their own."""
    arguments = _named(call, "ROWCOUNT")
    rows = given.number(arguments["ROWCOUNT"]) if "ROWCOUNT" in arguments else 0
    if rows > MAX_GENERATED_ROWS:
        raise SqlError.too_complex()
    return raw(f'(SELECT range AS "_GENERATED" FROM range({rows}))'), {}


def _flatten(call: exp.Anonymous, given: TableArguments) -> Relation:
    """FLATTEN(INPUT => v [, PATH => 'p'] [, OUTER => TRUE]): a row for each item of an array or member of an object."""
    arguments = _named(call, "INPUT", "PATH", "OUTER", "RECURSIVE", "MODE")
    if "INPUT" not in arguments:
        raise SqlError.syntax("FLATTEN needs INPUT.")
    for name, default in (("RECURSIVE", exp.Boolean(this=False)), ("MODE", None)):
        asked = arguments.get(name)
        if asked is not None and asked != default and (literal_text(asked) or "").upper() != "BOTH":
            raise SqlError.unsupported(f"FLATTEN with {name}")
    outer = arguments.get("OUTER")
    if outer is not None and not isinstance(outer, exp.Boolean):
        raise SqlError.syntax("OUTER must be TRUE or FALSE.")
    value = as_json(given.value(arguments["INPUT"]))
    path = literal_text(arguments["PATH"]) if "PATH" in arguments else None
    if path:
        for step in path.split("."):
            value = element(value, exp.Literal.string(step))
    each = (
        'SELECT 1 AS "SEQ", CASE WHEN json_type({0}) = \'OBJECT\' THEN _each.key END AS "KEY",'
        " CASE WHEN json_type({0}) = 'ARRAY' THEN '[' || _each.key || ']' ELSE _each.key END AS \"PATH\","
        " CASE WHEN json_type({0}) = 'ARRAY' THEN CAST(_each.key AS BIGINT) END AS \"INDEX\","
        ' CAST(_each.value AS JSON) AS "VALUE", {0} AS "THIS"'
        " FROM json_each(CASE WHEN json_type({0}) IN ('ARRAY', 'OBJECT') THEN {0} END) AS _each"
    )
    if outer is not None and outer.this:
        nothing = (
            "SELECT 1, NULL, NULL, NULL, NULL, {0}"
            " WHERE coalesce(json_array_length({0}), 0) = 0 AND coalesce(len(json_keys({0})), 0) = 0"
        )
        each = f"{each} UNION ALL {nothing}"
    return raw(f"({each})", value), _FLATTENED


def _split_to_table(call: exp.Anonymous, given: TableArguments) -> Relation:
    """SPLIT_TO_TABLE(text, delimiter): a row for each part."""
    if len(call.expressions) != 2:
        raise SqlError.syntax("SPLIT_TO_TABLE needs a text and a delimiter.")
    parts = raw("string_split({0}, {1})", *(as_text(given.value(argument)) for argument in call.expressions))
    each = (
        'SELECT 1 AS "SEQ", _part.i AS "INDEX", _part.v AS "VALUE"'
        " FROM (SELECT generate_subscripts({0}, 1) AS i, unnest({0}) AS v) AS _part"
    )
    return raw(f"({each})", parts), {"SEQ": NUM, "INDEX": NUM, "VALUE": TEXT}


def _result_scan(call: exp.Anonymous, given: TableArguments) -> Relation:
    """`RESULT_SCAN('id')`: Snowpark sends it for what it does with a SHOW, LIST, DESCRIBE or CALL."""
    query_id = given.text(call.expressions[0])
    source = given.result(query_id)
    if source is None:
        raise SqlError.not_found("Result", query_id)
    return raw("({0})", given.scan(source)), kinds_of_columns(source.columns)


def _infer_schema(call: exp.Anonymous, given: TableArguments) -> Relation:
    raise SqlError.unsupported("TABLE(INFER_SCHEMA(…)) inside of another query")


FUNCTIONS: Final[tuple[Function, ...]] = (
    TableFunction("GENERATOR", (0, None), build=_generator, numbered=True),
    TableFunction("FLATTEN", (0, None), build=_flatten),
    TableFunction("SPLIT_TO_TABLE", (0, None), build=_split_to_table),
    TableFunction("RESULT_SCAN", build=_result_scan),
    TableFunction("INFER_SCHEMA", (0, None), build=_infer_schema),
)
