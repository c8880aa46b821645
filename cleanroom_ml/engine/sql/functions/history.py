"""QUERY_HISTORY, …_BY_SESSION, …_BY_USER, …_BY_WAREHOUSE of INFORMATION_SCHEMA: what these table functions choose of
the statements that the catalog shows (sql-reference/functions/query_history).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.catalog import ContextValues
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions.entry import TableArguments
from cleanroom_ml.engine.sql.functions.tables import named
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.naming import fold

FUNCTION: Final = "QUERY_HISTORY()"
"""The relation of INFORMATION_SCHEMA that has all of them: it is no name of a view there."""
SCHEMA: Final = "INFORMATION_SCHEMA"
_DEFAULT, _MOST = 100, 10_000
_RANGE: Final = ("END_TIME_RANGE_START", "END_TIME_RANGE_END", "RESULT_LIMIT", "INCLUDE_CLIENT_GENERATED_STATEMENT")
_BY: Final[Mapping[str, str]] = {
    "QUERY_HISTORY_BY_SESSION": "SESSION_ID",
    "QUERY_HISTORY_BY_USER": "USER_NAME",
    "QUERY_HISTORY_BY_WAREHOUSE": "WAREHOUSE_NAME",
}
"""The argument, and the column, by which each chooses."""


def is_history(name: tuple[str, ...]) -> bool:
    """Whether this is the name of one of the functions, in an INFORMATION_SCHEMA or in none that is written."""
    return (name[-1] == "QUERY_HISTORY" or name[-1] in _BY) and (len(name) == 1 or name[-2] == SCHEMA)


def chosen(call: exp.Anonymous, given: TableArguments, rows: Node, context: ContextValues) -> Node:
    """The rows that a call gives, of `rows`.

    Raises:
        SqlError: another argument, or one out of its range.
    """
    by = _BY.get(str(call.this))
    arguments = named(call, *((by,) if by else ()), *_RANGE)
    limit = given.number(arguments["RESULT_LIMIT"]) if "RESULT_LIMIT" in arguments else _DEFAULT
    if not 1 <= limit <= _MOST:
        raise SqlError.bad_value(f"RESULT_LIMIT must be between 1 and {_MOST}, and is {limit}.")
    conditions: list[Node] = []
    if by is not None:
        wanted = _text(by, arguments.get(by), given, context)
        conditions.append(raw(f'CAST("{by}" AS VARCHAR) = {{0}}', exp.Literal.string(wanted)))
    for bound, sign in (("END_TIME_RANGE_START", ">="), ("END_TIME_RANGE_END", "<=")):
        if bound in arguments and not isinstance(arguments[bound], exp.Null):
            moment = given.value(arguments[bound])
            ended = "\"EXECUTION_STATUS\" NOT IN ('running', 'queued')"
            open_end = "" if bound.endswith("END") else f" OR NOT ({ended})"
            both = ended if bound.endswith("END") else "TRUE"
            conditions.append(raw(f'(("END_TIME" {sign} CAST({{0}} AS TIMESTAMPTZ) AND {both}){open_end})', moment))
    where = " AND ".join(f"{{{number + 1}}}" for number in range(len(conditions))) or "TRUE"
    newest = "\"EXECUTION_STATUS\" NOT IN ('running', 'queued'), \"END_TIME\" DESC"
    return raw(f"(SELECT * FROM ({{0}}) AS _history WHERE {where} ORDER BY {newest} LIMIT {limit})", rows, *conditions)


def _text(by: str, node: Node | None, given: TableArguments, context: ContextValues) -> str:
    """What the rows are of, as it is kept: names are folded as identifiers are. The session's own where nothing is
    said.
    """
    if node is None or isinstance(node, exp.CurrentUser):
        current = {"SESSION_ID": context.session_id, "USER_NAME": context.user, "WAREHOUSE_NAME": context.warehouse}
        return current[by] or ""
    if isinstance(node, exp.Literal) and not node.is_string:
        return str(node.this)
    text = given.text(node)
    if isinstance(node, exp.Anonymous) or by == "SESSION_ID":
        return text
    try:
        return fold(text)
    except ValueError:
        raise SqlError.syntax(f"{by} is no name.") from None
