"""Privileges on things, by role; and what becomes of them when the thing is dropped, replaced or renamed.

A grant is for one thing and not for its name: triggers take it away with the thing, whichever way that goes, and take
it along where the thing is renamed. A thing without an owner of its own is ADMIN's.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cleanroom_ml.engine.storage.database import Database, Schema
from cleanroom_ml.engine.storage.keys import Key, from_micros
from cleanroom_ml.engine.storage.roles import ADMIN

OWNERSHIP: Final = "OWNERSHIP"
_RELATIONS: Final = (("tables", "TABLE"), ("views", "VIEW"), ("stages", "STAGE"), ("file_formats", "FILE FORMAT"))


@dataclass(frozen=True, slots=True, order=True)
class Thing:
    """What a privilege is on: a kind, and as much of a name as things of this kind have (ACCOUNT has none)."""

    kind: str
    database: str = ""
    schema: str = ""
    name: str = ""

    @classmethod
    def of(cls, kind: str, key: Key) -> Thing:
        """A thing in a schema."""
        return cls(kind, key.database, key.schema, key.name)

    @property
    def parts(self) -> tuple[str, ...]:
        """Its name."""
        return tuple(part for part in (self.database, self.schema, self.name) if part)


@dataclass(frozen=True, slots=True)
class Granted:
    """One privilege of one grantee on one thing."""

    thing: Thing
    privilege: str
    grantee_kind: str
    grantee: str
    grant_option: bool
    granted_by: str
    granted_on: datetime


class Dependent(ValueError):
    """What is to be taken away was passed on."""

    def __init__(self, privilege: str, parts: tuple[str, ...], grantee: str) -> None:
        super().__init__(f"{privilege} was passed on to {grantee}")
        self.privilege = privilege
        self.parts = parts
        self.grantee = grantee


_HERE: Final = "account = ? AND kind = ? AND database = ? AND schema = ? AND name = ?"


def _place(account: str, thing: Thing) -> tuple[str, ...]:
    return (account, thing.kind, thing.database, thing.schema, thing.name)


def _here(row: str) -> str:
    return f"account = {row}.account AND database = {row}.database"


def triggers(relation: str, kind: str, *, temporary: bool) -> Iterable[str]:
    """What takes grants away with the things of a relation, and along where they are renamed; `temporary`: some of
    them are a session's, and have none.
    """
    permanent = "WHEN OLD.session_id IS NULL" if temporary else ""
    same = f"{_here('OLD')} AND schema = OLD.schema AND name = OLD.name AND kind = '{kind}'"
    yield f"""CREATE TRIGGER {relation}_dropped AFTER DELETE ON {relation} {permanent}
        BEGIN DELETE FROM object_grants WHERE {same}; END"""
    yield f"""CREATE TRIGGER {relation}_renamed AFTER UPDATE OF database, schema, name ON {relation} {permanent}
        BEGIN UPDATE object_grants SET database = NEW.database, schema = NEW.schema, name = NEW.name
        WHERE {same}; END"""


def _triggers() -> Iterable[str]:
    for relation, kind in _RELATIONS:
        yield from triggers(relation, kind, temporary=relation != "views")
    yield f"""CREATE TRIGGER schemas_dropped AFTER DELETE ON schemas
        BEGIN DELETE FROM object_grants WHERE {_here("OLD")} AND schema = OLD.name AND kind = 'SCHEMA'; END"""
    yield """CREATE TRIGGER databases_dropped AFTER DELETE ON databases
        BEGIN DELETE FROM object_grants WHERE account = OLD.account AND database = OLD.name; END"""
    yield """CREATE TRIGGER warehouses_dropped AFTER DELETE ON warehouses
        BEGIN DELETE FROM object_grants WHERE account = OLD.account AND kind = 'WAREHOUSE' AND name = OLD.name; END"""
    # What a dropped role owned has its heir set before (`forget_role`).
    yield """CREATE TRIGGER roles_dropped AFTER DELETE ON roles
        BEGIN DELETE FROM object_grants WHERE account = OLD.account
        AND ((grantee_kind = 'ROLE' AND grantee = OLD.name) OR (kind = 'ROLE' AND name = OLD.name)); END"""


# A database may be made under the name of one that every account has, and is another one: what was granted on that one
# is not granted on this one.
_FROM_THE_START: Final = (
    *(
        f"""CREATE TRIGGER databases_{done} AFTER {event} ON databases WHEN NEW.name <> ''
            BEGIN DELETE FROM object_grants WHERE account = NEW.account AND database = NEW.name; END"""
        for done, event in (("made", "INSERT"), ("renamed", "UPDATE OF name"))
    ),
)
SCHEMA = Schema(
    "grants",
    2,
    (
        """CREATE TABLE object_grants (
            account TEXT NOT NULL REFERENCES accounts (name), kind TEXT NOT NULL, database TEXT NOT NULL,
            schema TEXT NOT NULL, name TEXT NOT NULL, privilege TEXT NOT NULL, grantee_kind TEXT NOT NULL,
            grantee TEXT NOT NULL, grant_option INTEGER NOT NULL, granted_by TEXT NOT NULL, granted_on INTEGER NOT NULL,
            PRIMARY KEY (account, kind, database, schema, name, grantee_kind, grantee, privilege)) STRICT""",
        "CREATE INDEX object_grants_by_grantee ON object_grants (account, grantee_kind, grantee)",
        f"""CREATE UNIQUE INDEX object_grants_one_owner ON object_grants (account, kind, database, schema, name)
            WHERE privilege = '{OWNERSHIP}'""",
        *_triggers(),
        *_FROM_THE_START,
    ),
    {2: _FROM_THE_START},
)


class Grants:
    """Privileges of all accounts' roles, and of the shares that they have been granted to."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def grant(
        self,
        account: str,
        thing: Thing,
        privileges: Iterable[str],
        grantee: str,
        *,
        by: str,
        option: bool = False,
        grantee_kind: str = "ROLE",
    ) -> None:
        """Gives privileges, `by` the role that authorises it. What was given before stays, and keeps its grant option;
        where the thing's owner gives it too, it is the owner's, and nobody else takes it back.
        """
        owned = self.owner(account, thing) == by
        with self._database.transaction() as connection:
            connection.executemany(
                f"""INSERT INTO object_grants
                   (account, kind, database, schema, name, privilege, grantee_kind, grantee, grant_option,
                    granted_by, granted_on)
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                   ON CONFLICT (account, kind, database, schema, name, grantee_kind, grantee, privilege)
                   DO UPDATE SET grant_option = max(grant_option, excluded.grant_option)
                   {", granted_by = excluded.granted_by" if owned else ""}""",
                [
                    (
                        *(account, thing.kind, thing.database, thing.schema, thing.name, privilege),
                        *(grantee_kind, grantee, int(option), by, self._database.now_micros()),
                    )
                    for privilege in privileges
                ],
            )

    def revoke(
        self,
        account: str,
        thing: Thing,
        privileges: Iterable[str],
        grantee: str,
        *,
        only_option: bool = False,
        grantee_kind: str = "ROLE",
        by: Iterable[str] | None = None,
        cascade: bool = True,
    ) -> int:
        """Takes privileges away, or only the right to pass them on, and what was passed on by that right with them. How
        many there were.

        Args:
            by: only what one of these roles has given; None: whoever gave it.
            cascade: whether what was passed on goes too.

        Raises:
            Dependent: it was passed on, and does not go too. Nothing is taken then.
        """
        givers = None if by is None else frozenset(by)
        wanted = [(privilege, grantee_kind, grantee, only_option, givers) for privilege in privileges]
        taken = 0
        with self._database.transaction() as connection:
            while wanted:
                privilege, kind, whose, option, from_whom = wanted.pop()
                row = connection.execute(
                    f"""SELECT grant_option, granted_by FROM object_grants WHERE {_HERE}
                        AND grantee_kind = ? AND grantee = ? AND privilege = ? AND privilege <> '{OWNERSHIP}'""",
                    (*_place(account, thing), kind, whose, privilege),
                ).fetchone()
                if row is None or (from_whom is not None and row["granted_by"] not in from_whom):
                    continue
                taken += 1
                verb = "UPDATE object_grants SET grant_option = 0" if option else "DELETE FROM object_grants"
                connection.execute(
                    f"{verb} WHERE {_HERE} AND grantee_kind = ? AND grantee = ? AND privilege = ?",
                    (*_place(account, thing), kind, whose, privilege),
                )
                if kind != "ROLE" or not row["grant_option"] or whose == self.owner(account, thing):
                    continue
                passed_on = connection.execute(
                    f"""SELECT grantee_kind, grantee FROM object_grants
                        WHERE {_HERE} AND privilege = ? AND granted_by = ?""",
                    (*_place(account, thing), privilege, whose),
                ).fetchall()
                if passed_on and not cascade:
                    raise Dependent(privilege, thing.parts, passed_on[0]["grantee"])
                wanted += [
                    (privilege, each["grantee_kind"], each["grantee"], False, frozenset({whose})) for each in passed_on
                ]
        return taken

    def forget(self, account: str, thing: Thing, *, keep_owner: bool = False) -> None:
        """Takes every grant on a thing away."""
        kept = f"AND privilege <> '{OWNERSHIP}'" if keep_owner else ""
        with self._database.transaction() as connection:
            connection.execute(
                f"""DELETE FROM object_grants WHERE account = ? AND kind = ? AND database = ? AND schema = ?
                    AND name = ? {kept}""",
                (account, thing.kind, thing.database, thing.schema, thing.name),
            )

    def own(self, account: str, thing: Thing, role: str) -> None:
        """The thing is this role's from now on, and what its owner has given of it too."""
        with self._database.transaction() as connection:
            connection.execute(
                f"UPDATE object_grants SET granted_by = ? WHERE {_HERE} AND granted_by = ?",
                (role, *_place(account, thing), self.owner(account, thing)),
            )
            connection.execute(
                f"""DELETE FROM object_grants WHERE account = ? AND kind = ? AND database = ? AND schema = ?
                    AND name = ? AND privilege = '{OWNERSHIP}'""",
                (account, thing.kind, thing.database, thing.schema, thing.name),
            )
            if role != ADMIN:
                self.grant(account, thing, (OWNERSHIP,), role, by=role, option=True)

    def inherit(self, account: str, role: str, heir: str) -> None:
        """What `role` owns, or has given to others, is `heir`'s from now on."""
        with self._database.transaction() as connection:
            owned = connection.execute(
                f"""SELECT * FROM object_grants WHERE account = ? AND grantee_kind = 'ROLE' AND grantee = ?
                    AND privilege = '{OWNERSHIP}'""",
                (account, role),
            ).fetchall()
            for row in owned:
                self.own(account, _thing(row), heir)
            connection.execute(
                "UPDATE object_grants SET granted_by = ? WHERE account = ? AND granted_by = ?", (heir, account, role)
            )

    def owner(self, account: str, thing: Thing) -> str:
        """The role that owns a thing."""
        return self.owners(account, thing.kind).get(thing, ADMIN)

    def owners(self, account: str, kind: str) -> dict[Thing, str]:
        """The owners of the things of a kind that are not ADMIN's."""
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT * FROM object_grants WHERE account = ? AND kind = ? AND privilege = '{OWNERSHIP}'",
                (account, kind),
            ).fetchall()
        return {_thing(row): row["grantee"] for row in rows}

    def of_roles(self, account: str, roles: Iterable[str]) -> dict[Thing, dict[str, bool]]:
        """What these roles have: for each thing its privileges, and whether they may be passed on."""
        found: dict[Thing, dict[str, bool]] = {}
        with self._database.read() as connection:
            for role in roles:
                rows: list[sqlite3.Row] = connection.execute(
                    "SELECT * FROM object_grants WHERE account = ? AND grantee_kind = 'ROLE' AND grantee = ?",
                    (account, role),
                ).fetchall()
                for row in rows:
                    held = found.setdefault(_thing(row), {})
                    held[row["privilege"]] = held.get(row["privilege"], False) or bool(row["grant_option"])
        return found

    def list(
        self, account: str, *, thing: Thing | None = None, grantee: str | None = None, grantee_kind: str = "ROLE"
    ) -> Sequence[Granted]:
        """The grants on a thing, or to a grantee, or all of the account."""
        with self._database.read() as connection:
            rows = connection.execute(
                """SELECT * FROM object_grants
                   WHERE account = ?1 AND (?2 IS NULL OR (grantee = ?2 AND grantee_kind = ?3))
                   ORDER BY kind, database, schema, name, privilege, grantee""",
                (account, grantee, grantee_kind),
            ).fetchall()
        return [
            Granted(
                _thing(row),
                row["privilege"],
                row["grantee_kind"],
                row["grantee"],
                bool(row["grant_option"]),
                row["granted_by"],
                from_micros(row["granted_on"]),
            )
            for row in rows
            if thing is None or _thing(row) == thing
        ]


def _thing(row: sqlite3.Row) -> Thing:
    return Thing(row["kind"], row["database"], row["schema"], row["name"])
