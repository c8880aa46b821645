"""The server's errors as ours. The clean room's are known by their names (error_names.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from cleanroom_ml.connection.error_text import ErrorText, read_error
from cleanroom_ml.connection.login_errors import login_error
from cleanroom_ml.error_names import ErrorName, known
from cleanroom_ml.errors import CleanroomError, CommunicationError, HashMismatchError, ServerError
from cleanroom_ml.remedies import remedy_for

if TYPE_CHECKING:
    from snowflake.connector.errors import Error

Reported = TypeVar("Reported", bound=CleanroomError)

_NAMES = frozenset(ErrorName)
_NOT_READ: Final = 252_005
"""The connector's own number (`errorcode.py`) for a value that is not of its column's type: it came, and whole."""


def told(text: str) -> ErrorText:
    """An error's text cut to its parts, by the names that the clean room has; also of a status' details."""
    return read_error(text, _NAMES)


def from_connector(error: Error, *, connecting: bool = False) -> CleanroomError:
    """Our error for one of the connector's; keeps the server's code and query id, never the credentials."""
    text = told(str(error.msg or error))
    if connecting:
        return _as_reported(login_error(error, text.what), error, text)
    from snowflake.connector import errors as connector_errors

    if error.errno == _NOT_READ:
        what = "the target's answer cannot be read"
        return _as_reported(ServerError(what, why=text.what or None), error, text)
    if isinstance(error, connector_errors.OperationalError | connector_errors.InterfaceError):
        fix = "repeat the command; repeating is safe"
        return _as_reported(CommunicationError("the connection broke", why=text.what or None, fix=fix), error, text)
    return _as_reported(of_text(text), error, text)


def of_text(text: ErrorText) -> CleanroomError:
    """What the clean room refused, as our error: its class by its name, what helps by its message."""
    name = known(text.name)
    what = text.what or "the server gave no reason"
    remedy = remedy_for(what)
    kind = name.kind if name else remedy.kind if remedy and remedy.kind else ServerError
    fix = remedy.fix if remedy else name.fix if name else None
    if kind is HashMismatchError:
        first, *rest = what.splitlines()
        listed = tuple(line.strip(" -") for line in rest if line.strip())
        return HashMismatchError(first, differences=listed, why="; ".join(listed) or None, fix=fix)
    return kind(what, fix=fix)


def _as_reported(reported: Reported, error: Error, text: ErrorText) -> Reported:
    """Our error with the server's own code, SQL state, procedure and query id, whatever kind it is."""
    reported.code = error.errno if error.errno not in (None, -1) else text.code
    reported.sqlstate = error.sqlstate if error.sqlstate not in (None, "n/a") else text.sqlstate
    reported.query_id, reported.procedure = error.sfqid or text.query_id, text.procedure
    return reported
