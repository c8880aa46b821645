"""The form in which something is answered: columns, logs, errors, and what a target does not have."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.service_mode.asked import Asked, Plain
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.statements.results import VARCHAR, StatementResult
from cleanroom_ml.error_names import NUMBER, SQLSTATE

LOG_BYTES: Final = 100_000
OWN_DATABASE: Final = "CLEANROOM_ML"
UNKNOWN: Final = 2140
_OR: Final = "or operation cannot be performed."
_NAMED: Final = re.compile(r"([A-Z][A-Za-z]+): (.*)", re.DOTALL)
_AS_TEXT: Final = frozenset({"ARRAY", "OBJECT", "VARIANT"})


class ShortLogs(Plain):
    """get_logs gives the newest 100 KB."""

    def after(self, asked: Asked, result: StatementResult) -> StatementResult:
        """Cuts them."""
        action = str(asked.args[1]) if len(asked.args) > 1 else ""
        if asked.procedure != "RUN_ML_JOB_ACTION" or "get_logs" not in action.lower() or not isinstance(result, Rows):
            return result
        return replace(result, rows=[tuple(_newest(value) for value in row) for row in result.rows])


class LowerCase(Plain):
    """Names in lower case; what the documentation calls an array comes as text."""

    def after(self, asked: Asked, result: StatementResult) -> StatementResult:
        """Rewrites a procedure's answer."""
        if not asked.procedure or not isinstance(result, Rows):
            return result
        columns = tuple((name.lower(), VARCHAR if kind.name in _AS_TEXT else kind) for name, kind in result.columns)
        return replace(result, columns=columns, rows=[tuple(_text(value) for value in row) for row in result.rows])


class NoOwnDatabase(Plain):
    """What only the embedded engine has is not there."""

    def before(self, asked: Asked) -> Rows | None:
        """Knows no such database."""
        if asked.database == OWN_DATABASE:
            name = f"{OWN_DATABASE}.{asked.procedure}"
            raise SqlError(UNKNOWN, "42601", f"SQL compilation error:\nUnknown user-defined function {name}")
        if asked.words.startswith("SHOW PROCEDURES") and OWN_DATABASE in asked.words:
            raise SqlError(2043, "02000", f"SQL compilation error:\nObject '{OWN_DATABASE}' does not exist, {_OR}")
        return None


def told(asked: Asked, error: SqlError) -> SqlError:
    """An error of a procedure as it arrives: the two forms of service-behaviour.md, "Errors as they arrive"."""
    if not asked.procedure or error.code == UNKNOWN:
        return error  # of the statement, and not from within a procedure
    ending = f"\n in function {asked.procedure} with handler main"
    named = _NAMED.match(error.message)
    if named:
        text = (
            f"(1304): {asked.query_id}: {NUMBER} ({SQLSTATE}): Python Interpreter Error:\n"
            'Traceback (most recent call last):\n  File "_udf_code.py", line 23, in main\n'
            "    raise e.with_traceback(None) from None\n"
            f"navlib.app.collaboration.exceptions.{named[1]}: {named[2]}"
        )
    else:
        observed = f"{error.code:06d} ({error.sqlstate}): {error.message}"
        text = f"Exception: **FAILURE**: Received error, observed: {observed}"
    return SqlError(NUMBER, SQLSTATE, text + ending)


def _newest(value: Value) -> Value:
    if not isinstance(value, str):
        return value
    return value.encode("utf-8")[-LOG_BYTES:].decode("utf-8", "ignore")


def _text(value: Value) -> Value:
    return json.dumps(value, default=str) if isinstance(value, dict | list | tuple) else value
