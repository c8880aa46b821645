"""Roles of each account: which there are, who has been granted which, and which secondary ones a session has activated.

A role's name that was dropped and made again is another role: what was granted to the first one is gone with it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from cleanroom_ml.engine.storage.database import Database, Schema
from cleanroom_ml.engine.storage.errors import AlreadyExists, NotFound
from cleanroom_ml.engine.storage.keys import checked_name, from_micros
from cleanroom_ml.engine.storage.unchanged import Unchanged

ADMIN: Final = "ACCOUNTADMIN"
PUBLIC: Final = "PUBLIC"
APP_ROLE: Final = "SAMOOHA_APP_ROLE"
MOST_ROLES: Final = 1_000

# Each role that is there without being made, with the roles that it inherits. All of them inherit PUBLIC.
SYSTEM: Final[Mapping[str, tuple[str, ...]]] = {
    ADMIN: ("SYSADMIN", "SECURITYADMIN", APP_ROLE),
    "SECURITYADMIN": ("USERADMIN",),
    "USERADMIN": (),
    "SYSADMIN": (),
    APP_ROLE: (),
    PUBLIC: (),
}
MemberKind = Literal["USER", "ROLE"]

# Of which roles that another role was granted it may grant to others.
_OPTIONS: Final = (
    """CREATE TABLE role_grant_options (
        account TEXT NOT NULL, role TEXT NOT NULL, kind TEXT NOT NULL, member TEXT NOT NULL,
        PRIMARY KEY (account, role, kind, member), FOREIGN KEY (account, role, kind, member)
        REFERENCES role_members (account, role, kind, member) ON DELETE CASCADE) STRICT""",
)
SCHEMA = Schema(
    "roles",
    2,
    (
        """CREATE TABLE roles (
            account TEXT NOT NULL REFERENCES accounts (name), name TEXT NOT NULL, owner TEXT NOT NULL,
            comment TEXT NOT NULL, created_on INTEGER NOT NULL, PRIMARY KEY (account, name)) STRICT""",
        """CREATE TABLE role_members (
            account TEXT NOT NULL REFERENCES accounts (name), role TEXT NOT NULL, kind TEXT NOT NULL,
            member TEXT NOT NULL, granted_by TEXT NOT NULL, granted_on INTEGER NOT NULL,
            PRIMARY KEY (account, role, kind, member)) STRICT""",
        "CREATE INDEX role_members_by_member ON role_members (account, kind, member)",
        """CREATE TABLE session_secondary_roles (
            session_id TEXT PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE, roles TEXT NOT NULL) STRICT""",
        # The first user of an account is its administrator; later ones have PUBLIC and what they are granted.
        f"""INSERT INTO role_members SELECT u.account, '{ADMIN}', 'USER', u.name, '', u.created_on FROM users u
            WHERE NOT EXISTS (SELECT 1 FROM users o WHERE o.account = u.account AND o.rowid < u.rowid)""",
        # The warehouse that accounts made later have from the start.
        "INSERT OR IGNORE INTO warehouses SELECT name, 'APP_WH', 'X-SMALL', '', created_on FROM accounts",
        f"""CREATE TRIGGER first_user_is_admin AFTER INSERT ON users
            WHEN NOT EXISTS (SELECT 1 FROM users WHERE account = NEW.account AND name <> NEW.name)
            BEGIN INSERT OR IGNORE INTO role_members
            VALUES (NEW.account, '{ADMIN}', 'USER', NEW.name, '', NEW.created_on); END""",
        *_OPTIONS,
    ),
    {2: _OPTIONS},
)


@dataclass(frozen=True, slots=True)
class RoleInfo:
    """One role; `owner` is empty for those that are there without being made."""

    name: str
    owner: str
    comment: str
    created_on: datetime | None


@dataclass(frozen=True, slots=True)
class Membership:
    """A role that a user or another role was granted."""

    role: str
    kind: MemberKind
    member: str
    granted_by: str
    granted_on: datetime
    grant_option: bool = False


class Dependent(ValueError):
    """A role that is to be taken away was passed on to `member`."""

    def __init__(self, role: str, member: str) -> None:
        super().__init__(f"role {role} was passed on to {member}")
        self.role = role
        self.member = member


class Roles:
    """Roles of all accounts."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._acting: Unchanged[tuple[str, str, str, str], frozenset[str]] = Unchanged(database)

    def create(
        self, account: str, name: str, *, owner: str, comment: str = "", if_exists: Literal["error", "ignore"] = "error"
    ) -> bool:
        """Makes a role; whether anything was made.

        Raises:
            AlreadyExists: it is there and `if_exists` is `error`; or the account has MOST_ROLES.
            InvalidName: no name for a role.
        """
        checked_name(name, "role")
        with self._database.transaction() as connection:
            if self._exists(connection, account, name):
                if if_exists == "ignore":
                    return False
                raise AlreadyExists("role", name)
            (count,) = connection.execute("SELECT count(*) FROM roles WHERE account = ?", (account,)).fetchone()
            if count >= MOST_ROLES:
                raise AlreadyExists("role", f"{MOST_ROLES} roles, the most that an account may have,")
            connection.execute(
                "INSERT INTO roles (account, name, owner, comment, created_on) VALUES (?, ?, ?, ?, ?)",
                (account, name, owner, comment, self._database.now_micros()),
            )
        return True

    def drop(self, account: str, name: str, *, heir: str) -> None:
        """Removes a role with all that was granted to it; what it owned is `heir`'s.

        Raises:
            NotFound: there is no such role, or it is one of SYSTEM.
        """
        with self._database.transaction() as connection:
            gone = connection.execute("DELETE FROM roles WHERE account = ? AND name = ?", (account, name)).rowcount
            if not gone:
                raise NotFound("role", name)
            connection.execute(
                "DELETE FROM role_members WHERE account = ?1 AND (role = ?2 OR (kind = 'ROLE' AND member = ?2))",
                (account, name),
            )
            connection.execute("UPDATE roles SET owner = ? WHERE account = ? AND owner = ?", (heir, account, name))
            connection.execute(
                "UPDATE role_members SET granted_by = ? WHERE account = ? AND granted_by = ?", (heir, account, name)
            )

    def hand_over(self, account: str, name: str, owner: str, *, current: Literal["COPY", "REVOKE"] | None) -> None:
        """Makes a role another role's (sql-reference/sql/grant-ownership, "Optional parameters").

        Args:
            current: what becomes of the grants of the role, and of those of other roles to it. COPY: they are the new
                owner's gifts from then on; REVOKE: there are none of them any more; None: they stay as they are.

        Raises:
            NotFound: there is no such role, or it is one of SYSTEM.
        """
        with self._database.transaction() as connection:
            moved = connection.execute(
                "UPDATE roles SET owner = ? WHERE account = ? AND name = ?", (owner, account, name)
            ).rowcount
            if not moved:
                raise NotFound("role", name)
            if current == "COPY":
                connection.execute(
                    f"UPDATE role_members SET granted_by = ? WHERE {_OF_OR_TO}", (owner, account, name, name)
                )
            elif current == "REVOKE":
                # What it passed on of a role that it was granted goes with that.
                for each in connection.execute(_GRANTED_TO_ROLE, (account, name)).fetchall():
                    self.revoke(account, each["role"], "ROLE", name)
                connection.execute(f"DELETE FROM role_members WHERE {_OF_OR_TO}", (account, name, name))

    def exists(self, account: str, name: str) -> bool:
        """Whether the account has this role."""
        with self._database.read() as connection:
            return self._exists(connection, account, name)

    def list(self, account: str) -> Sequence[RoleInfo]:
        """The account's roles, by name."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT * FROM roles WHERE account = ?", (account,)).fetchall()
        made = [RoleInfo(row["name"], row["owner"], row["comment"], from_micros(row["created_on"])) for row in rows]
        return sorted([*made, *(RoleInfo(name, "", "", None) for name in SYSTEM)], key=lambda role: role.name)

    def owner(self, account: str, name: str) -> str:
        """The role that owns a role: ADMIN for those of SYSTEM."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT owner FROM roles WHERE account = ? AND name = ?", (account, name)
            ).fetchone()
        return ADMIN if row is None else str(row["owner"])

    def grant(self, account: str, role: str, kind: MemberKind, member: str, *, by: str, option: bool = False) -> None:
        """Gives a role to a user or another role; with `option`, so that it may grant it to other roles. Granting again
        takes nothing away.

        Raises:
            NotFound: no such role, user or member.
            ValueError: the member is the role, or has been granted to it: a circle.
        """
        with self._database.transaction() as connection:
            if not self._exists(connection, account, role):
                raise NotFound("role", role)
            if kind == "ROLE":
                if not self._exists(connection, account, member):
                    raise NotFound("role", member)
                if member in _inherited(connection, account, [role]):
                    raise ValueError(f"role {member} cannot be granted {role}, which inherits it")
            elif not _is_user(connection, account, member):
                raise NotFound("user", member)
            connection.execute(
                "INSERT OR IGNORE INTO role_members (account, role, kind, member, granted_by, granted_on)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (account, role, kind, member, by, self._database.now_micros()),
            )
            if option:
                connection.execute(
                    "INSERT OR IGNORE INTO role_grant_options (account, role, kind, member) VALUES (?, ?, ?, ?)",
                    (account, role, kind, member),
                )

    def revoke(
        self,
        account: str,
        role: str,
        kind: MemberKind,
        member: str,
        *,
        only_option: bool = False,
        by: Iterable[str] | None = None,
        cascade: bool = True,
    ) -> bool:
        """Takes a role away, or only the right to pass it on, and what was passed on by that right with it; whether it
        was granted. `by` and `cascade` are those of `Grants.revoke`.

        Raises:
            ValueError: it is ADMIN, and nobody else of the account has it.
            Dependent: it was passed on, and that does not go too. Nothing is taken then.
        """
        here = (account, role, kind, member)
        with self._database.transaction() as connection:
            row = connection.execute(f"SELECT granted_by FROM role_members WHERE {_MEMBER}", here).fetchone()
            if row is None or (by is not None and row["granted_by"] not in by):
                return False
            if (role, kind) == (ADMIN, "USER"):
                others = connection.execute(
                    "SELECT 1 FROM role_members WHERE account = ? AND role = ? AND kind = 'USER' AND member <> ?",
                    (account, ADMIN, member),
                ).fetchone()
                if others is None:
                    raise ValueError(f"{member} is the only user who has {ADMIN}")
            relation = "role_grant_options" if only_option else "role_members"
            passes_on = connection.execute(f"SELECT 1 FROM role_grant_options WHERE {_MEMBER}", here).fetchone()
            connection.execute(f"DELETE FROM {relation} WHERE {_MEMBER}", here)
            if passes_on is None or member == self.owner(account, role):
                return True
            passed_on = connection.execute(
                "SELECT member FROM role_members WHERE account = ? AND role = ? AND kind = 'ROLE' AND granted_by = ?",
                (account, role, member),
            ).fetchall()
            if passed_on and not cascade:
                raise Dependent(role, passed_on[0]["member"])
            for each in passed_on:
                self.revoke(account, role, "ROLE", each["member"], by=(member,))
            return True

    def passing_on(self, account: str, role: str) -> frozenset[str]:
        """The roles that may grant a role to other roles without owning it."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT member FROM role_grant_options WHERE account = ? AND role = ? AND kind = 'ROLE'",
                (account, role),
            ).fetchall()
        return frozenset(row["member"] for row in rows)

    def memberships(self, account: str) -> Sequence[Membership]:
        """Every grant of a role in the account."""
        with self._database.read() as connection:
            rows = connection.execute(
                """SELECT m.*, o.role IS NOT NULL AS grant_option FROM role_members m
                   LEFT JOIN role_grant_options o USING (account, role, kind, member)
                   WHERE m.account = ? ORDER BY m.role, m.kind, m.member""",
                (account,),
            ).fetchall()
        return [
            Membership(
                *(row["role"], row["kind"], row["member"], row["granted_by"]),
                from_micros(row["granted_on"]),
                bool(row["grant_option"]),
            )
            for row in rows
        ]

    def direct(self, account: str, user: str) -> Sequence[str]:
        """The roles that were granted to a user itself, by name; PUBLIC is everybody's."""
        with self._database.read() as connection:
            return sorted({PUBLIC, *_granted(connection, account, user)})

    def available(self, account: str, user: str) -> frozenset[str]:
        """The roles that a user may use: those of `direct`, and all that these inherit."""
        with self._database.read() as connection:
            return _inherited(connection, account, _granted(connection, account, user))

    def acting(self, account: str, user: str, role: str, session_id: str) -> frozenset[str]:
        """The roles by which a session of a user acts that uses this role: with what it inherits, as far as they are
        its user's, none where the role is not; and with all of its user's, where these are activated beside it.
        """

        def read() -> frozenset[str]:
            with self._database.read():
                available = self.available(account, user)
                roles = self.inherited(account, role) & available if role in available else frozenset[str]()
                return roles | available if ADMIN not in roles and self.secondary(session_id) else roles

        return self._acting.get((account, user, role, session_id), read)

    def inherited(self, account: str, role: str) -> frozenset[str]:
        """A role with all that it inherits; nothing at all where there is no such role."""
        with self._database.read() as connection:
            return _inherited(connection, account, [role]) if self._exists(connection, account, role) else frozenset()

    def default(self, account: str, user: str) -> str:
        """The role that a user's session starts with where none is asked for."""
        direct = self.direct(account, user)
        return ADMIN if ADMIN in direct else next((role for role in direct if role != PUBLIC), PUBLIC)

    def secondary(self, session_id: str) -> str:
        """The session's secondary roles: ALL, or the empty text for none."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT roles FROM session_secondary_roles WHERE session_id = ?", (session_id,)
            ).fetchone()
        return "" if row is None else str(row["roles"])

    def set_secondary(self, session_id: str, value: Literal["ALL", ""]) -> None:
        """Activates all of the user's roles beside the session's own, or none."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM session_secondary_roles WHERE session_id = ?", (session_id,))
            if value:
                connection.execute(
                    "INSERT INTO session_secondary_roles (session_id, roles) VALUES (?, ?)", (session_id, value)
                )

    def _exists(self, connection: sqlite3.Connection, account: str, name: str) -> bool:
        return name in SYSTEM or bool(
            connection.execute("SELECT 1 FROM roles WHERE account = ? AND name = ?", (account, name)).fetchone()
        )


def _is_user(connection: sqlite3.Connection, account: str, name: str) -> bool:
    return bool(connection.execute("SELECT 1 FROM users WHERE account = ? AND name = ?", (account, name)).fetchone())


def _granted(connection: sqlite3.Connection, account: str, user: str) -> list[str]:
    rows = connection.execute(
        "SELECT role FROM role_members WHERE account = ? AND kind = 'USER' AND member = ?", (account, user)
    )
    return [row["role"] for row in rows]


def _inherited(connection: sqlite3.Connection, account: str, roles: Iterable[str]) -> frozenset[str]:
    """These roles, and whatever was granted to any of them, and so on; with PUBLIC."""
    return frozenset(
        row[0] for row in connection.execute(_INHERITED, {"account": account, "roles": json.dumps([*roles, PUBLIC])})
    )


_MEMBER: Final = "account = ? AND role = ? AND kind = ? AND member = ?"
_OF_OR_TO: Final = "account = ? AND (role = ? OR (kind = 'ROLE' AND member = ?))"
_GRANTED_TO_ROLE: Final = "SELECT role FROM role_members WHERE account = ? AND kind = 'ROLE' AND member = ?"


def _values(edges: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"('{role}', '{inherits}')" for role, inherits in edges)


# In one query: every statement of every session asks.
_INHERITED: Final = f"""
    WITH RECURSIVE built_in (role, inherits) AS (
        VALUES {_values((role, each) for role, inherits in SYSTEM.items() for each in inherits)}
    ), found (role) AS (
        SELECT value FROM json_each(:roles)
        UNION SELECT inherits FROM found JOIN built_in USING (role)
        UNION SELECT m.role FROM found
            JOIN role_members m ON m.account = :account AND m.kind = 'ROLE' AND m.member = found.role
    )
    SELECT role FROM found"""
