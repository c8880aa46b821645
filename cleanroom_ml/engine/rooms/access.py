"""Who may do what: every procedure starts here, with the caller's account and the name that the caller uses.

What an account is no part of, and what does not exist, are answered with the same words.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from cleanroom_ml.engine.rooms.states import ENDING
from cleanroom_ml.engine.sql.errors import SqlError, room_error
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.naming import fold

APPLICATION_PREFIX = "SFDCR_"
INTERNAL_SCHEMA = "CLEANROOM"
ORGANIZATION = "LOCAL"

_MEMBER = """
    SELECT m.collaboration, c.name AS source_name, c.owner_account, m.account, m.alias, m.alias_key, m.is_owner,
    m.local_name,
           m.local_key, m.status
    FROM room_members m JOIN room_collaborations c ON c.uid = m.collaboration
"""
# What is installed is seen until it is dropped; an invitation only while its owner has joined.
_VISIBLE = """
    AND m.status NOT IN ('LEFT', 'DROPPED')
    AND (m.is_owner = 1 OR m.local_key IS NOT NULL OR EXISTS (SELECT 1 FROM room_members o
         WHERE o.collaboration = m.collaboration AND o.is_owner = 1 AND o.status = 'JOINED'))
"""


@dataclass(frozen=True, slots=True)
class Member:
    """One account's place in one collaboration. `local_*` are set once the collaboration is installed there."""

    collaboration: str
    source_name: str
    owner_account: str
    account: str
    alias: str
    alias_key: str
    is_owner: bool
    local_name: str | None
    local_key: str | None
    status: str

    @property
    def application(self) -> str:
        """The folded name of the application database in the member's account."""
        if self.local_key is None:
            raise ValueError("the collaboration is not installed in this account")
        return APPLICATION_PREFIX + self.local_key


def identity(account: str) -> str:
    """An account's data-sharing identifier."""
    return f"{ORGANIZATION}.{account}"


def key_of(name: object, what: str) -> str:
    """A name that a caller gave, folded.

    Raises:
        SqlError: SpecValidationError, it is not one identifier.
    """
    try:
        if isinstance(name, str) and len(name) <= 600:
            return fold(name)
    except ValueError:
        pass
    raise room_error(
        ErrorName.SpecValidationError, f"the {what} must be a name: letters, digits and underscores, or in quotes"
    )


def find(connection: sqlite3.Connection, account: str, name: str) -> Member:
    """The caller's place in the collaboration that the caller calls `name`: by its installed name, else by its own.

    Who is leaving finds nothing any more: whatever asks here is closed to them without a word of its own.

    Raises:
        SqlError: CollaborationNotFoundException, also where the account is no part of it;
            InvalidCollaborationStatusError, it is on its way out; CollaborationStateException, where the name is that
            of several invitations.
    """
    member = place(connection, account, name)
    if member.status in ENDING:
        raise invalid_status(("JOINED",), member.status)
    return member


def place(connection: sqlite3.Connection, account: str, name: str) -> Member:
    """`find`, for what has to know of those too who are leaving: telling the status, and leaving itself.

    Raises:
        SqlError: CollaborationNotFoundException; CollaborationStateException.
    """
    key = key_of(name, "collaboration name")
    installed = connection.execute(f"{_MEMBER} WHERE m.account = ? AND m.local_key = ?", (account, key)).fetchone()
    if installed is not None:
        return _member(installed)
    invited = connection.execute(
        f"{_MEMBER} WHERE m.account = ? AND c.name_key = ? AND m.local_key IS NULL {_VISIBLE} ORDER BY c.owner_account",
        (account, key),
    ).fetchall()
    if not invited:
        raise not_found(name)
    if len(invited) > 1:
        owners = ", ".join(identity(row["owner_account"]) for row in invited)
        raise room_error(
            ErrorName.CollaborationStateException,
            f"several accounts have invited you to a collaboration '{name}': {owners}. REVIEW the one that you mean.",
        )
    return _member(invited[0])


def ended(connection: sqlite3.Connection, account: str, name: str) -> Member | None:
    """The caller's place in the collaboration of that name that it was out of last; None: it never was in one."""
    key = key_of(name, "collaboration name")
    rows = connection.execute(
        f"{_MEMBER} WHERE m.account = ? AND m.status IN ('LEFT', 'DROPPED') ORDER BY m.updated_on DESC", (account,)
    )
    return next((_member(row) for row in rows if fold(row["local_name"] or row["source_name"]) == key), None)


def joined(connection: sqlite3.Connection, account: str, name: str) -> Member:
    """`find`, for what only a collaborator who has joined may do.

    Raises:
        SqlError: CollaborationNotFoundException; InvalidCollaborationStatusError, not joined.
    """
    return _in(find(connection, account, name), ("JOINED",))


def reviewed(connection: sqlite3.Connection, account: str, name: str) -> Member:
    """`find`, for what a collaborator who has reviewed may see before it joins.

    Raises:
        SqlError: CollaborationNotFoundException; InvalidCollaborationStatusError, not reviewed.
    """
    return _in(find(connection, account, name), ("IN_REVIEW", "JOINING", "JOIN_FAILED", "JOINED"))


def stands(connection: sqlite3.Connection, collaboration: str, account: str) -> bool:
    """Whether an account is a member that has joined, and is not leaving."""
    row = connection.execute(
        "SELECT 1 FROM room_members WHERE collaboration = ? AND account = ? AND status = 'JOINED'",
        (collaboration, account),
    ).fetchone()
    return row is not None


def invalid_status(wanted: Iterable[str], current: str, more: str = "") -> SqlError:
    """What a procedure answers that cannot be called in this status, in the documentation's words
    (docs/api-digest.md §9).
    """
    return room_error(
        ErrorName.InvalidCollaborationStatusError,
        "This action requires the collaboration status to be one of the following: "
        f"{', '.join(wanted)}. Current status: {current}.{more}",
    )


def _in(member: Member, wanted: tuple[str, ...]) -> Member:
    if member.status not in wanted:
        raise invalid_status(wanted, member.status)
    return member


def by_alias(connection: sqlite3.Connection, collaboration: str, alias_key: str) -> Member | None:
    """The member that goes by an alias; None: nobody does."""
    row = connection.execute(
        f"{_MEMBER} WHERE m.collaboration = ? AND m.alias_key = ?", (collaboration, alias_key)
    ).fetchone()
    return None if row is None else _member(row)


def by_account(connection: sqlite3.Connection, collaboration: str, account: str) -> Member | None:
    """The member that an account is; None: it is none."""
    row = connection.execute(
        f"{_MEMBER} WHERE m.collaboration = ? AND m.account = ?", (collaboration, account)
    ).fetchone()
    return None if row is None else _member(row)


def members(connection: sqlite3.Connection, collaboration: str) -> list[Member]:
    """All members, the owner first, then in the order of their aliases."""
    rows = connection.execute(
        f"{_MEMBER} WHERE m.collaboration = ? ORDER BY m.is_owner DESC, m.alias_key", (collaboration,)
    )
    return [_member(row) for row in rows]


def memberships(connection: sqlite3.Connection, account: str) -> list[Member]:
    """Every collaboration that an account owns, was invited to (once its owner has joined) or has installed.

    Those that it has left are none of them.
    """
    rows = connection.execute(f"{_MEMBER} WHERE m.account = ? {_VISIBLE} ORDER BY c.name_key, c.uid", (account,))
    return [_member(row) for row in rows]


def is_runner(connection: sqlite3.Connection, collaboration: str, alias_key: str) -> bool:
    """Whether a member runs analyses."""
    return bool(
        connection.execute(
            "SELECT 1 FROM room_runners WHERE collaboration = ? AND runner_key = ? LIMIT 1", (collaboration, alias_key)
        ).fetchone()
    )


def providers_of(connection: sqlite3.Connection, collaboration: str, runner_key: str) -> list[str]:
    """The folded aliases of a runner's data providers."""
    rows = connection.execute(
        "SELECT provider_key FROM room_runners WHERE collaboration = ? AND runner_key = ? AND provider_key <> ''"
        " ORDER BY provider_key",
        (collaboration, runner_key),
    )
    return [row["provider_key"] for row in rows]


def destinations_of(connection: sqlite3.Connection, collaboration: str, runner_key: str) -> list[str]:
    """The folded aliases of those that a runner may activate to."""
    rows = connection.execute(
        "SELECT alias_key FROM room_destinations WHERE collaboration = ? AND runner_key = ? ORDER BY alias_key",
        (collaboration, runner_key),
    )
    return [row["alias_key"] for row in rows]


def not_found(name: str) -> SqlError:
    """The one answer to whoever asks for a collaboration that is not theirs to see."""
    return room_error(
        ErrorName.CollaborationNotFoundException,
        f"collaboration '{name[:100]}' does not exist or you are not part of it.",
    )


def _member(row: sqlite3.Row) -> Member:
    return Member(**{name: row[name] for name in row.keys() if name != "is_owner"}, is_owner=bool(row["is_owner"]))  # noqa: SIM118
