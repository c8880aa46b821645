"""What can be switched on, by name: each a way in which the service differs from its documentation's plain reading.

Source of each: `service-behaviour.md` (doc, or seen on real accounts).
"""

from __future__ import annotations

from typing import Final

from cleanroom_ml.errors import UsageError

ALL: Final = "all"
DEVIATIONS: Final = {
    "delays": "creating, reviewing and joining take a while; what needs them is refused until then",
    "replication": "the first review, and the owner's first join, say that the listing is still being replicated",
    "upgrade": "after an approval the application is upgraded; a run before that knows no such function",
    "late-requests": "an update request is listed some views after it was sent",
    "late-edits": "an approved edit is applied one operation after the other; whom it adds is REVIEWING first",
    "late-settings": "a changed setting is PENDING for a while, with its old value",
    "late-activations": "what is sent to a partner is PENDING, then REPLICATING, and cannot be processed before SHARED",
    "late-links": "a linked offering is in VIEW_DATA_OFFERINGS some views later",
    "activation-fails": "the first activation of a collaboration to a partner ends as FAILED, with its details",
    "slow-endings": "leaving and tearing down are LEAVING and DROPPING for a while before LOCAL_DROP_PENDING",
    "create-fails": "the first collaboration that an account creates ends as CREATE_FAILED",
    "create-times-out": "the first one (after create-fails the second one) ends as CREATE_TIMED_OUT",
    "auto-join-fails": "a collaboration with a warehouse to join on stays CREATED; only its details say why",
    "join-fails": "the first join of a collaboration ends as JOIN_FAILED",
    "leave-fails": "the first leave of a collaboration ends as LEAVE_FAILED",
    "teardown-fails": "the first teardown of a collaboration ends as DROP_FAILED",
    "secondary-roles": "secondary roles are active until USE SECONDARY ROLES NONE; join, link, register refuse",
    "restricted-token": "the session is restricted to its role: USE ROLE and USE SECONDARY ROLES are refused",
    "missing-grants": "registering and joining need grants of REFERENCE_USAGE, which the error names",
    "grant-option": "linking needs USAGE and SELECT with grant option on what is linked: 003102",
    "incomplete-profile": "reviewing ends as INSTALLATION_FAILED, joining is refused, until the user has name and mail",
    "session-expiry": "every third statement finds its session's token expired",
    "transient": "the first try of every statement, login and part of a result fails: HTTP 503, or the connection is "
    "dropped before or after it",
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
    if names == {"none"}:
        raise UsageError(
            "an engine that is not told to answer like the service deviates in nothing",
            why="--like-snowflake names deviations, and `none` is not one",
            fix="cleanroom-ml engine stop && cleanroom-ml engine start",
        )
    if unknown or not names:
        raise UsageError(
            f"there is no deviation {', '.join(unknown) or 'without a name'}",
            why=f"there are: {', '.join(DEVIATIONS)}",
            fix="cleanroom-ml engine start --like-snowflake all, or: --like-snowflake delays,tracebacks",
        )
    return frozenset(DEVIATIONS) if ALL in names else frozenset(names)
