"""Roles of an account, and the clean room's privileges of each.

Source: docs.snowflake.com, cleanrooms/collaboration-api-reference ("Access management procedures"). Nothing here is of
one target only: both have these calls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from cleanroom_ml.connection import Connection
from cleanroom_ml.errors import ServerError, UsageError
from cleanroom_ml.services.doctor.finding import first_line, first_value, truth, verdicts

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

    def describe(self) -> str:
        """One line."""
        where = f"{self.object_type.lower()} {self.name}".strip()
        return f"{self.privilege} on {where}: {'granted to' if self.granted else 'revoked from'} {self.role}"


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


def change(
    connection: Connection,
    privilege: str,
    role: str,
    *,
    grant: bool,
    registry: str | None,
    collaboration: Callable[[], str],
) -> Change:
    """Grant a privilege to a role, or revoke it: on a registry, else where a privilege of this name is, on the account
    or on a collaboration. Repeating is safe.

    Args:
        privilege: as it is documented; blanks may be typed as hyphens or underscores.
        collaboration: the one that is meant, asked for only where it matters.

    Raises:
        UsageError: there is no such privilege.
        ServerError: the object or the role is not there, or this session's role may not.
    """
    wanted = _named(privilege, registry=registry is not None)
    verb, towards = ("GRANT", "TO") if grant else ("REVOKE", "FROM")
    if registry is None and wanted in ON_ACCOUNT:
        connection.call(f"ADMIN.{verb}_PRIVILEGE_ON_ACCOUNT_{towards}_ROLE", wanted, role)
        return Change(wanted, "ACCOUNT", "", role, grant)
    kind, name = ("COLLABORATION", collaboration()) if registry is None else ("REGISTRY", registry)
    connection.call(f"ADMIN.{verb}_PRIVILEGE_ON_OBJECT_{towards}_ROLE", wanted, kind, name, role)
    return Change(wanted, kind, name, role, grant)


def _named(text: str, *, registry: bool) -> str:
    wanted = " ".join(text.upper().replace("-", " ").replace("_", " ").split())
    known = ON_REGISTRY if registry else (*ON_ACCOUNT, *ON_COLLABORATION)
    if wanted not in known:
        raise UsageError(
            f"there is no privilege {text!r}" + (" on a registry" if registry else ""),
            why=f"there are: {', '.join(known)}",
            fix="cleanroom-ml grant RUN --to ROLE",
        )
    return wanted


def list_roles(connection: Connection) -> tuple[Role, ...]:
    """The account's roles."""
    return tuple(
        Role(str(row["name"]), _yes(row.get("is_current")), _yes(row.get("is_default")), str(row.get("owner") or ""))
        for row in connection.execute("SHOW ROLES")
    )


def held_privileges(connection: Connection, collaboration: str | None = None) -> tuple[Held, ...]:
    """Which of the clean room's privileges the current role has: on the account, or on one collaboration.

    Nobody has written down how the question is answered, so that every form of a yes or no for a name is read.

    Raises:
        ServerError: the target does not tell them one by one.
    """
    wanted: Sequence[str] = ON_ACCOUNT if collaboration is None else ON_COLLABORATION
    where = () if collaboration is None else ("COLLABORATION", collaboration)
    rows = connection.call("ADMIN.CHECK_PRIVILEGES", list(wanted), *where)
    told = {name: has for name, has in verdicts(rows).items() if name in wanted}
    if not told and len(rows) == 1 and truth(first_value(rows)):
        told = dict.fromkeys(wanted, True)  # one yes for all that was asked for
    if not told:
        raise ServerError(
            "this target does not tell the privileges one by one",
            why=f"it answered: {first_line(str(first_value(rows)))}",
            fix="cleanroom-ml doctor -c NAME",
        )
    return tuple(Held(privilege, has) for privilege, has in told.items())


def _yes(value: object) -> bool:
    return value is True or str(value).upper() in {"Y", "YES", "TRUE", "1"}
