"""Roles of an account, and the clean room's privileges of each.

Source: docs.snowflake.com, cleanrooms/collaboration-api-reference ("Access management procedures"). Nothing here is of
one target only: both have these calls.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cleanroom_ml.connection import Connection
from cleanroom_ml.errors import UsageError

ON_ACCOUNT: Final = (
    *("CREATE COLLABORATION", "JOIN COLLABORATION", "REVIEW COLLABORATION", "VIEW COLLABORATIONS"),
    *("REGISTER DATA OFFERING", "REGISTER TEMPLATE", "REGISTER CODE SPEC", "CREATE REGISTRY", "VIEW REGISTRIES"),
    *("VIEW REGISTERED DATA OFFERINGS", "VIEW REGISTERED TEMPLATES", "VIEW REGISTERED CODE SPECS"),
    "VIEW DCR STATUS",
)
ON_COLLABORATION: Final = (
    *("READ", "RUN", "UPDATE", "GET STATUS", "VIEW DATA OFFERINGS", "VIEW TEMPLATES", "VIEW CODE SPECS"),
    *("VIEW UPDATE REQUESTS", "VIEW ACTIVATIONS", "VIEW ACTIVITY HISTORY", "ADD TEMPLATE REQUEST", "REMOVE TEMPLATE"),
    *("MANAGE UPDATE REQUEST", "MANAGE TEMPLATE AUTO APPROVAL", "LINK LOCAL DATA OFFERINGS"),
    *("UNLINK LOCAL DATA OFFERINGS", "PROCESS ACTIVATION", "RUN ML JOB ACTION"),
)
ON_REGISTRY: Final = ("READ", "REGISTER")


@dataclass(frozen=True, slots=True)
class Change:
    """A privilege that a role was granted, or that was revoked from it. `name` is empty for the account."""

    privilege: str
    object_type: str
    name: str
    role: str
    granted: bool


@dataclass(frozen=True, slots=True)
class Role:
    """One role, as this session's user has it."""

    name: str
    current: bool
    default: bool
    owner: str


@dataclass(frozen=True, slots=True)
class Held:
    """A privilege, and whether the current role has it."""

    privilege: str
    has: bool


def privilege_named(text: str, *, registry: bool = False) -> str:
    """A privilege as it is documented; blanks may be typed as hyphens or underscores.

    Raises:
        UsageError: there is no such privilege.
    """
    wanted = " ".join(text.upper().replace("-", " ").replace("_", " ").split())
    known = ON_REGISTRY if registry else (*ON_ACCOUNT, *ON_COLLABORATION)
    if wanted not in known:
        raise UsageError(
            f"there is no privilege {text!r}" + (" on a registry" if registry else ""),
            why=f"there are: {', '.join(known)}",
            fix="cleanroom-ml grant RUN --to ROLE",
        )
    return wanted


def is_on_account(privilege: str) -> bool:
    """Whether a documented privilege is one on the account, and not on a collaboration."""
    return privilege in ON_ACCOUNT


def change_on_account(connection: Connection, privilege: str, role: str, *, grant: bool) -> Change:
    """Grant or revoke a privilege on the account; repeating is safe.

    Raises:
        ServerError: the role is not there, or this session's role may not.
    """
    procedure = "GRANT_PRIVILEGE_ON_ACCOUNT_TO_ROLE" if grant else "REVOKE_PRIVILEGE_ON_ACCOUNT_FROM_ROLE"
    connection.call(f"ADMIN.{procedure}", privilege, role)
    return Change(privilege, "ACCOUNT", "", role, grant)


def change_on_object(
    connection: Connection, privilege: str, object_type: str, name: str, role: str, *, grant: bool
) -> Change:
    """Grant or revoke a privilege on a collaboration or a registry; repeating is safe.

    Raises:
        ServerError: the object or the role is not there, or this session's role does not own the object.
    """
    procedure = "GRANT_PRIVILEGE_ON_OBJECT_TO_ROLE" if grant else "REVOKE_PRIVILEGE_ON_OBJECT_FROM_ROLE"
    connection.call(f"ADMIN.{procedure}", privilege, object_type, name, role)
    return Change(privilege, object_type, name, role, grant)


def list_roles(connection: Connection) -> tuple[Role, ...]:
    """The account's roles."""
    return tuple(
        Role(str(row["name"]), _yes(row.get("is_current")), _yes(row.get("is_default")), str(row.get("owner") or ""))
        for row in connection.execute("SHOW ROLES")
    )


def held_privileges(connection: Connection, collaboration: str | None = None) -> tuple[Held, ...]:
    """Which of the clean room's privileges the current role has: on the account, or on one collaboration."""
    wanted: Iterable[str] = ON_ACCOUNT if collaboration is None else ON_COLLABORATION
    where = () if collaboration is None else ("COLLABORATION", collaboration)
    rows = connection.call("ADMIN.CHECK_PRIVILEGES", list(wanted), *where)
    return tuple(Held(str(row["privilege"]), _yes(row["has_privilege"])) for row in rows)


def _yes(value: object) -> bool:
    return value is True or str(value).upper() in {"Y", "YES", "TRUE", "1"}
