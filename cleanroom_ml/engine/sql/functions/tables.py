"""Functions of FROM: GENERATOR, FLATTEN, [STRTOK_]SPLIT_TO_TABLE, RESULT_SCAN. `TABLE('name')` is a name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions.entry import Function, Relation, TableArguments, TableFunction
from cleanroom_ml.engine.sql.functions.variant import MEMBER, pointer
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.tree.kinds import as_json, as_text, kind_of, kinds_of_columns, literal_text
from cleanroom_ml.engine.sql.types.kind import JSON, TEXT, WHOLE, Kind
from cleanroom_ml.engine.sql.values import paths

MAX_GENERATED_ROWS: Final = 10_000_000_000
MAX_GENERATED_SECONDS: Final = 604_800
ROWS_A_SECOND: Final = 1000
_FLATTENED: Final[dict[str, Kind | None]] = {
    "SEQ": WHOLE,
    "KEY": TEXT,
    "PATH": TEXT,
    "INDEX": WHOLE,
    "VALUE": JSON,
    "THIS": JSON,
}


def named(call: exp.Anonymous, *allowed: str) -> dict[str, Node]:
    """A call's arguments by name; those by position take the names in order. Raises SqlError."""
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
    """GENERATOR(ROWCOUNT => n): n rows without columns of their own. With TIMELIMIT alone it takes that many seconds,
    and how many rows that gives is nobody's promise (functions/generator.md).
    """
    arguments = named(call, "ROWCOUNT", "TIMELIMIT")
    if "ROWCOUNT" not in arguments and "TIMELIMIT" in arguments:
        seconds = given.number(arguments["TIMELIMIT"])
        if not 0 < seconds <= MAX_GENERATED_SECONDS:
            raise SqlError.unsupported(f"GENERATOR with TIMELIMIT {seconds}: 1 to {MAX_GENERATED_SECONDS}")
        waited = f"(SELECT sleep_ms({seconds * 1000}) IS NULL AS _over) AS _waited"
        rows = seconds * ROWS_A_SECOND
        return raw(f'(SELECT range AS "_GENERATED" FROM {waited}, range({rows}) WHERE _waited._over)'), {}
    rows = given.number(arguments["ROWCOUNT"]) if "ROWCOUNT" in arguments else 0
    if rows > MAX_GENERATED_ROWS:
        raise SqlError.too_complex()
    return raw(f'(SELECT range AS "_GENERATED" FROM range({rows}))'), {}


def _flatten(call: exp.Anonymous, given: TableArguments) -> Relation:
    """FLATTEN(INPUT => v [, PATH => 'p'] [, OUTER => TRUE] [, RECURSIVE => TRUE] [, MODE => 'ARRAY']): a row for each
    item of an array or member of an object (`sql-reference/functions/flatten`).
    """
    arguments = named(call, "INPUT", "PATH", "OUTER", "RECURSIVE", "MODE")
    if "INPUT" not in arguments:
        raise SqlError.syntax("FLATTEN needs INPUT.")
    source = given.value(arguments["INPUT"])
    if kind_of(source) == TEXT:
        raise SqlError.arguments("FLATTEN", "a VARCHAR is no VARIANT, OBJECT or ARRAY, PARSE_JSON makes one of it")
    value = as_json(source)
    path = literal_text(arguments["PATH"]) if "PATH" in arguments else ""
    mode = (literal_text(arguments["MODE"]) or "").upper() if "MODE" in arguments else "BOTH"
    if path is None or mode not in {"BOTH", "ARRAY", "OBJECT"}:
        raise SqlError.syntax("FLATTEN takes a constant PATH, and 'OBJECT', 'ARRAY' or 'BOTH' as MODE.")
    try:
        steps = paths.steps(path)
    except ValueError:
        raise SqlError.syntax("invalid PATH of FLATTEN.") from None
    outer, recursive = (_truth(arguments, name) for name in ("OUTER", "RECURSIVE"))
    compound = raw(MEMBER, value, exp.Literal.string(pointer(steps))) if steps else value
    this = "CAST(_row.t AS JSON)"
    if not recursive.this:
        this = "CASE WHEN json_type(_this) IN ('ARRAY', 'OBJECT') THEN _this END"
    rows = given.unnested("_sf_flatten(CAST({0} AS VARCHAR), {1}, {2}, {3}, {4})", [value], "{5}")
    each = (
        'SELECT _row.s AS "SEQ", _row.k AS "KEY", _row.p AS "PATH", _row.i AS "INDEX", CAST(_row.v AS JSON) AS "VALUE",'
        f' {this} AS "THIS" FROM {rows}'
    )
    made = raw(f"({each})", value, exp.Literal.string(path), outer, recursive, exp.Literal.string(mode), compound)
    return made, _FLATTENED


def _truth(arguments: Mapping[str, Node], name: str) -> exp.Boolean:
    found = arguments.get(name, exp.Boolean(this=False))
    if not isinstance(found, exp.Boolean):
        raise SqlError.syntax(f"{name} must be TRUE or FALSE.")
    return found


def _parts(function: str) -> Callable[[exp.Anonymous, TableArguments], Relation]:
    """SPLIT_TO_TABLE and STRTOK_SPLIT_TO_TABLE: a row for each part of a text."""

    def build(call: exp.Anonymous, given: TableArguments) -> Relation:
        arguments = [as_text(given.value(argument)) for argument in call.expressions]
        if len(arguments) == 1:
            arguments.append(exp.Literal.string(" "))
        rows = given.unnested(f"_sf_{function}({{0}}, {{1}})", arguments)
        each = f'SELECT _row.s AS "SEQ", _row.i AS "INDEX", _row.v AS "VALUE" FROM {rows}'
        return raw(f"({each})", *arguments), {"SEQ": WHOLE, "INDEX": WHOLE, "VALUE": TEXT}

    return build


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
    TableFunction("SPLIT_TO_TABLE", 2, build=_parts("split_to_table")),
    TableFunction("STRTOK_SPLIT_TO_TABLE", (1, 2), build=_parts("strtok_split_to_table")),
    TableFunction("RESULT_SCAN", build=_result_scan),
    TableFunction("INFER_SCHEMA", (0, None), build=_infer_schema),
)
