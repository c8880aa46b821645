"""What can be switched on, by name: each a way in which the service differs from its documentation's plain reading.

Source of each: `service-behaviour.md` (doc, or seen on real accounts).
"""

from __future__ import annotations

from typing import Final

from cleanroom_ml.errors import UsageError

ALL: Final = "all"
DEVIATIONS: Final = {
    "delays": "creating, reviewing and joining take a while; what needs them is refused until then",
    "replication": "the first review of a room says that its listing is still being replicated",
    "upgrade": "after an approval the application is upgraded; a run before that knows no such function",
    "late-requests": "an update request is listed some views after it was sent",
    "secondary-roles": "secondary roles are active until USE SECONDARY ROLES NONE; join, link, register refuse",
    "restricted-token": "the session is restricted to its role: USE ROLE and USE SECONDARY ROLES are refused",
    "missing-grants": "registering and joining need grants of REFERENCE_USAGE, which the error names",
    "incomplete-profile": "joining needs first name, last name and e-mail of the user",
    "session-expiry": "every third statement finds its session's token expired",
    "transient": "the first try of every statement fails: HTTP 503, or the connection is dropped before or after it",
    "short-logs": "a job's log is its newest 100 KB",
    "lower-case": "names of a procedure's columns come in lower case, arrays and objects as text",
    "tracebacks": "errors of procedures arrive as tracebacks, or inside of **FAILURE**",
    "no-own-database": "there is no database CLEANROOM_ML",
}


def chosen(text: str) -> frozenset[str]:
    """The names in `a,b`; `all` is every one.

    Raises:
        UsageError: one is none of them.
    """
    names = {name.strip() for name in text.split(",") if name.strip()}
    unknown = sorted(names - DEVIATIONS.keys() - {ALL})
    if unknown or not names:
        raise UsageError(
            f"there is no deviation {', '.join(unknown) or 'without a name'}",
            why=f"there are: {', '.join(DEVIATIONS)}",
            fix="cleanroom-ml engine start --like-snowflake all, or: --like-snowflake delays,tracebacks",
        )
    return frozenset(DEVIATIONS) if ALL in names else frozenset(names)
