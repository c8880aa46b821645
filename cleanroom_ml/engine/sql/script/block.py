"""Snowflake Scripting: BEGIN … END blocks, of a session and of a template (developer-guide/snowflake-scripting).

Variables, cursors, RESULTSETs, exceptions, IF, CASE, FOR, WHILE, REPEAT, LOOP, BREAK, CONTINUE, RETURN, RETURN TABLE,
EXECUTE IMMEDIATE, nested blocks, and SQL statements with `:v`. Everything else is refused by name. Values never enter a
statement's text: they are bound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.script.parse import parse
from cleanroom_ml.engine.sql.script.results import BlockResult, Returned, RunStatement
from cleanroom_ml.engine.sql.script.run import Runner
from cleanroom_ml.engine.sql.script.variables import Variable
from cleanroom_ml.engine.sql.types.sql_type import SqlType

__all__ = ("BlockResult", "Returned", "RunStatement", "run_block")


def run_block(
    text: str,
    run: RunStatement,
    variables: Mapping[str, Value] | None = None,
    declared: Mapping[str, SqlType] | None = None,
    *,
    max_steps: int = 10_000,
    named: Callable[[str], None] = lambda _: None,
    dynamic: bool = True,
    finished: Callable[[BlockResult], None] = lambda _: None,
) -> Returned:
    """Run a block. Expressions are run as `SELECT <expression>` through `run`. `variables` are there from its start,
    of the types that `declared` says.

    `named` is told the name of each variable before it has a value, and may refuse it. `dynamic`: EXECUTE IMMEDIATE is
    there. `finished` is told what each statement gave that is no expression of the block's own.

    Raises:
        SqlError: it is no block, says something that is not supported, takes more than `max_steps` steps, or a
        statement of it failed.
    """
    types = declared or {}
    given = {
        name: Variable(value, types.get(name), str(types[name]) if name in types else None)
        for name, value in (variables or {}).items()
    }
    try:
        return Runner(text, run, given, max_steps, named, dynamic=dynamic, finished=finished).run(parse(text))
    except RecursionError:
        raise SqlError.too_complex() from None
