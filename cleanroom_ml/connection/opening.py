"""What a session begins with, on every target: no secondary roles, and a tag that says whose statements these are.

Source: `service-behaviour.md`, "Session". New users have DEFAULT_SECONDARY_ROLES = ALL, and with one active a clean
room's procedures refuse to join, link and register. USE is not allowed inside of a procedure, so a session begins with
it. Nothing is lost where a target refuses it: a token that is restricted to one role has no other role active.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from cleanroom_ml.errors import ServerError

NO_SECONDARY_ROLES: Final = "USE SECONDARY ROLES NONE"
QUERY_TAG: Final = "cleanroom-ml"


def with_tag(parameters: Mapping[str, object]) -> dict[str, object]:
    """The parameters of a connection with the query tag, unless the connection has one of its own."""
    given = parameters.get("session_parameters")
    session = dict(given) if isinstance(given, Mapping) else {}
    if not any(str(name).upper() == "QUERY_TAG" for name in session):
        session["QUERY_TAG"] = QUERY_TAG
    return {**parameters, "session_parameters": session}


def without_secondary_roles(run: Callable[[str], object]) -> ServerError | None:
    """Turn secondary roles off by `run`; what the target said where it did not, which ends nothing."""
    try:
        run(NO_SECONDARY_ROLES)
    except ServerError as refused:
        return refused
    return None
