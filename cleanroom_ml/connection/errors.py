"""The server's errors as ours. The server names the clean room's errors in front of its message (`<Name>: <text>`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from cleanroom_ml.errors import (
    CleanroomError,
    CommunicationError,
    ConnectError,
    HashMismatchError,
    NotApprovedError,
    PolicyDeniedError,
    ResultRefusedError,
    ServerError,
)

if TYPE_CHECKING:
    from snowflake.connector.errors import Error

Told = TypeVar("Told", bound=CleanroomError)

_NAMED = re.compile(
    r"\b([A-Z][A-Za-z]+(?:Error|Exception|InDataOffering|InCollaboration|WithoutDataOffering)): (.*)", re.S
)
_CODE_PREFIX = re.compile(r"^\d{6} \([0-9A-Z]{5}\):\s*(?:[0-9a-f-]{36}:\s*)?")

_HASH = {"ContentHashMismatchError"}
_NOT_APPROVED = {"TemplateNotApprovedException"}
_POLICY = {"PolicyViolationError", "PermissionDeniedException", "MLJobMonitoringNotAllowedError"}
_RESULT = {"MLJobResultTooLargeError", "ResultNotAllowedError"}

# The command that shows what an error of that name is about.
_HELP = {
    "CollaborationNotFoundException": "cleanroom-ml collaboration list",
    "ComputePoolError": "cleanroom-ml pool list",
    "DatasetNotFoundInDataOfferingException": "cleanroom-ml offering list",
    "ImageNotBuiltError": "cleanroom-ml image list",
    "MLJobNotFoundException": "cleanroom-ml jobs",
    "UpdateRequestNotFoundException": "cleanroom-ml requests --all",
}

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


def server_error_name(message: str) -> str | None:
    """The clean room's name of an error, if the message carries one."""
    match = _NAMED.search(message)
    return match.group(1) if match else None


def from_connector(error: Error, *, connecting: bool = False) -> CleanroomError:
    """Our error for one of the connector's; keeps the server's code and query id, never the credentials."""
    raw = _CODE_PREFIX.sub("", str(error.msg or error)).strip()
    from snowflake.connector import errors as connector_errors

    if connecting:
        why = raw.splitlines()[0] if raw else None
        test = "cleanroom-ml connection explain  shows what is sent, and where it comes from"
        if error.errno in _LOGIN:
            return _as_told(ConnectError("the account refused the credentials", why=why, fix=test), error)
        return _as_told(ConnectError("the target cannot be reached", why=why, fix=test), error)
    if isinstance(error, connector_errors.OperationalError | connector_errors.InterfaceError):
        broke = CommunicationError("the connection broke", why=raw or None, fix="repeat the command; repeating is safe")
        return _as_told(broke, error)
    named = _NAMED.search(raw)
    name = named.group(1) if named else None
    what = f"{name}: {named.group(2).strip()}" if named else raw or "the server gave no reason"
    if name in _HASH:
        listed = tuple(line.strip(" -") for line in what.splitlines()[1:] if line.strip())
        mismatch = HashMismatchError(what.splitlines()[0], differences=listed, why="; ".join(listed) or None)
        return _as_told(mismatch, error)
    if name in _NOT_APPROVED:
        return _as_told(NotApprovedError(what, fix="cleanroom-ml requests"), error)
    if name in _POLICY:
        return _as_told(PolicyDeniedError(what), error)
    if name in _RESULT:
        return _as_told(ResultRefusedError(what), error)
    return _as_told(ServerError(what, fix=_help(name, what)), error)


def _help(name: str | None, what: str) -> str | None:
    for pattern, helps in _HELP_BY_MESSAGE:
        if match := pattern.search(what):
            return helps.format(match[1].lower(), *match.groups()[1:])
    return _HELP.get(name or "")


def _as_told(told: Told, error: Error) -> Told:
    """Our error with the server's own code, SQL state and query id, whatever kind it is."""
    told.code, told.sqlstate, told.query_id = error.errno, error.sqlstate, error.sfqid
    return told
