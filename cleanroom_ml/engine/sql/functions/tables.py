"""Table functions: GENERATOR, FLATTEN and SPLIT_TO_TABLE. There are no others; `TABLE('name')` is a name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions.variant import element, pointer
from cleanroom_ml.engine.sql.tree.dialect import Raw, raw
from cleanroom_ml.engine.sql.tree.kinds import as_json, as_text, literal_text
from cleanroom_ml.engine.sql.types.kind import JSON, NUM, TEXT

MAX_GENERATED_ROWS: Final = 10_000_000_000


def _named(call: Any, *allowed: str) -> dict[str, Any]:
    """A call's arguments by name; those by position take the names in order."""
    arguments: dict[str, Any] = {}
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


def generator(call: Any, number: Callable[[Any], int]) -> Raw:
    """GENERATOR(ROWCOUNT => n): n rows without columns of their own."""
    arguments = _named(call, "ROWCOUNT")
    rows = number(arguments["ROWCOUNT"]) if "ROWCOUNT" in arguments else 0
    if rows > MAX_GENERATED_ROWS:
        raise SqlError.too_complex()
    return raw(f'(SELECT range AS "_GENERATED" FROM range({rows}))')


def flatten(call: Any, rewrite: Callable[[Any], Any]) -> tuple[Raw, Mapping[str, str | None]]:
    """FLATTEN(INPUT => v [, PATH => 'p'] [, OUTER => TRUE]): a row for each item of an array or member of an object."""
    arguments = _named(call, "INPUT", "PATH", "OUTER", "RECURSIVE", "MODE")
    if "INPUT" not in arguments:
        raise SqlError.syntax("FLATTEN needs INPUT.")
    for name, default in (("RECURSIVE", exp.Boolean(this=False)), ("MODE", None)):
        given = arguments.get(name)
        if given is not None and given != default and (literal_text(given) or "").upper() != "BOTH":
            raise SqlError.unsupported(f"FLATTEN with {name}")
    outer = arguments.get("OUTER")
    if outer is not None and not isinstance(outer, exp.Boolean):
        raise SqlError.syntax("OUTER must be TRUE or FALSE.")
    value = as_json(rewrite(arguments["INPUT"]))
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
    kinds = {"SEQ": NUM, "KEY": TEXT, "PATH": TEXT, "INDEX": NUM, "VALUE": JSON, "THIS": JSON}
    if outer is not None and outer.this:
        nothing = "SELECT 1, NULL, NULL, NULL, NULL, {0} WHERE coalesce(json_array_length({0}), 0) = 0 AND coalesce(len(json_keys({0})), 0) = 0"  # noqa: E501
        each = f"{each} UNION ALL {nothing}"
    return raw(f"({each})", value), kinds


def split_to_table(call: Any, rewrite: Callable[[Any], Any]) -> tuple[Raw, Mapping[str, str | None]]:
    """SPLIT_TO_TABLE(text, delimiter): a row for each part."""
    if len(call.expressions) != 2:
        raise SqlError.syntax("SPLIT_TO_TABLE needs a text and a delimiter.")
    parts = raw("string_split({0}, {1})", *(as_text(rewrite(argument)) for argument in call.expressions))
    each = (
        'SELECT 1 AS "SEQ", _part.i AS "INDEX", _part.v AS "VALUE"'
        " FROM (SELECT generate_subscripts({0}, 1) AS i, unnest({0}) AS v) AS _part"
    )
    return raw(f"({each})", parts), {"SEQ": NUM, "INDEX": NUM, "VALUE": TEXT}


__all__ = ["flatten", "generator", "pointer", "split_to_table"]
