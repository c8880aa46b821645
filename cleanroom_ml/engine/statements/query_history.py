"""QUERY_HISTORY, QUERY_HISTORY_BY_SESSION and QUERY_HISTORY_BY_USER (sql-reference/functions/query_history): what the
session's own user asked, as long as it is recorded.

The engine keeps no text of a statement, as it may hold data, and not in which context it was compiled: such columns are
NULL. Nobody sees what another user asked: there is no MONITOR on a warehouse here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.catalog import Columns, RowsSource
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.names import folded
from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.engine.storage.queries import QueryRecord
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage

_ARGUMENTS: Final[Mapping[str, frozenset[str]]] = {
    "QUERY_HISTORY": frozenset({"RESULT_LIMIT"}),
    "QUERY_HISTORY_BY_SESSION": frozenset({"RESULT_LIMIT", "SESSION_ID"}),
    "QUERY_HISTORY_BY_USER": frozenset({"RESULT_LIMIT", "USER_NAME"}),
}
_MOST: Final = 10_000
_USUAL: Final = 100
_TEXT: Final = SqlType("VARCHAR")
_NUMBER: Final = SqlType("NUMBER", 38, 0)
_TIME: Final = SqlType("TIMESTAMP_LTZ")
_COLUMNS: Final[Columns] = (
    *((name, _TEXT) for name in ("QUERY_ID", "QUERY_TEXT", "DATABASE_NAME", "SCHEMA_NAME", "QUERY_TYPE")),
    *(("SESSION_ID", _NUMBER), ("USER_NAME", _TEXT), ("ROLE_NAME", _TEXT), ("WAREHOUSE_NAME", _TEXT)),
    *(("QUERY_TAG", _TEXT), ("EXECUTION_STATUS", _TEXT), ("ERROR_CODE", _NUMBER), ("ERROR_MESSAGE", _TEXT)),
    *(("START_TIME", _TIME), ("END_TIME", _TIME), ("TOTAL_ELAPSED_TIME", _NUMBER)),
)
_STATUS: Final[Mapping[str, str]] = {
    "QUEUED": "QUEUED", "RUNNING": "RUNNING", "SUCCESS": "SUCCESS", "FAILED": "FAILED_WITH_ERROR",
    "ABORTED": "FAILED_WITH_ERROR",
}  # fmt: skip
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def query_history(
    storage: Storage, session: Session, name: str, arguments: Mapping[str, int | str]
) -> RowsSource | None:
    """The rows of one of these functions; None: it is none of them. Raises SqlError."""
    known = _ARGUMENTS.get(name)
    if known is None:
        return None
    for argument in arguments.keys() - known:
        raise SqlError.unsupported(f"{name} with {argument}")
    limit = int(arguments.get("RESULT_LIMIT", _USUAL))
    if not 1 <= limit <= _MOST:
        raise SqlError(1014, "22023", f"Invalid value [{limit}] for argument 'RESULT_LIMIT' of function '{name}'")
    user = folded(str(arguments["USER_NAME"]))[0] if "USER_NAME" in arguments else session.user
    whose = str(arguments.get("SESSION_ID", session.id)) if name == "QUERY_HISTORY_BY_SESSION" else None
    found = storage.queries.of_user(session.account, session.user, whose, limit) if user == session.user else []
    return RowsSource(_COLUMNS, tuple(_row(each) for each in found))


def _row(record: QueryRecord) -> tuple[Value, ...]:
    ended = record.ended_on
    elapsed = None if ended is None else int((ended - record.started_on).total_seconds() * 1000)
    values: Mapping[str, Value] = {
        "QUERY_ID": record.query_id, "SESSION_ID": int(record.session_id) if record.session_id.isdecimal() else None,
        "USER_NAME": record.user, "QUERY_TAG": record.tag, "EXECUTION_STATUS": _STATUS[record.state],
        "ERROR_CODE": record.code, "ERROR_MESSAGE": record.message, "START_TIME": record.started_on,
        "END_TIME": ended or _EPOCH, "TOTAL_ELAPSED_TIME": elapsed,
    }  # fmt: skip
    return tuple(values.get(name) for name, _ in _COLUMNS)
