"""The server's errors as ours. The clean room's are known by their names (error_names.py)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from cleanroom_ml.error_names import known, said
from cleanroom_ml.errors import CleanroomError, CommunicationError, ConnectError, HashMismatchError, ServerError

if TYPE_CHECKING:
    from snowflake.connector.errors import Error

Reported = TypeVar("Reported", bound=CleanroomError)

_CODE_PREFIX = re.compile(r"^\d{6} \([0-9A-Z]{5}\):\s*(?:[0-9a-f-]{36}:\s*)?")

# What helps where the message says which of an error's many reasons it is.
_HELP_BY_MESSAGE = (
    (re.compile(r"compute pool (\w+) does not exist, or the application may not"), "cleanroom-ml pool create {0}"),
    (re.compile(r"(an activation template) needs activation"), "cleanroom-ml activate"),
    (re.compile(r"\breview '(\w+)' first"), "cleanroom-ml collaboration join {0}"),
    (re.compile(r"(source_table|my_table)\[\d+\] has no value"), "cleanroom-ml offering list"),
    (re.compile(r"'(\w+)\.[^']+' is not shared with"), "{0} shares it: cleanroom-ml offering link"),
    (re.compile(r"'LOCAL\.(\w+)' \(alias \w+\) is no account of this engine"), "cleanroom-ml account create {0}"),
    (
        re.compile(r"owner '(\w+)' is not your account, ([\w.]+)"),
        "cleanroom-ml connection use {0}, or in collaborator_identifier_aliases: {0}: {1}",
    ),
)

# The server's errnos for a refused login (390100 wrong password, 390144 bad JWT, …).
_LOGIN = range(390_100, 390_200)


def from_connector(error: Error, *, connecting: bool = False) -> CleanroomError:
    """Our error for one of the connector's; keeps the server's code and query id, never the credentials."""
    raw = _CODE_PREFIX.sub("", str(error.msg or error)).strip()
    from snowflake.connector import errors as connector_errors

    if connecting:
        why = raw.splitlines()[0] if raw else None
        test = "cleanroom-ml connection explain  shows what is sent, and where it comes from"
        if error.errno in _LOGIN:
            return _as_reported(ConnectError("the account refused the credentials", why=why, fix=test), error)
        return _as_reported(ConnectError("the target cannot be reached", why=why, fix=test), error)
    if isinstance(error, connector_errors.OperationalError | connector_errors.InterfaceError):
        broke = CommunicationError("the connection broke", why=raw or None, fix="repeat the command; repeating is safe")
        return _as_reported(broke, error)
    found = said(raw)
    name = known(found[0]) if found else None
    what = f"{found[0]}: {found[1].strip()}" if found else raw or "the server gave no reason"
    kind = name.kind if name else ServerError
    if kind is HashMismatchError:
        listed = tuple(line.strip(" -") for line in what.splitlines()[1:] if line.strip())
        mismatch = HashMismatchError(what.splitlines()[0], differences=listed, why="; ".join(listed) or None)
        return _as_reported(mismatch, error)
    fix = name.fix if name else None
    return _as_reported(kind(what, fix=_help(what) or fix if kind is ServerError else fix), error)


def _help(what: str) -> str | None:
    for pattern, helps in _HELP_BY_MESSAGE:
        if match := pattern.search(what):
            return helps.format(match[1].lower(), *match.groups()[1:])
    return None


def _as_reported(reported: Reported, error: Error) -> Reported:
    """Our error with the server's own code, SQL state and query id, whatever kind it is."""
    reported.code, reported.sqlstate, reported.query_id = error.errno, error.sqlstate, error.sfqid
    return reported
