"""Privileges on what is made later: GRANT … ON FUTURE … IN DATABASE | SCHEMA (sql-reference/sql/grant-privilege)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cleanroom_ml.engine.storage.database import Database, Schema
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.keys import from_micros

SCHEMA = Schema(
    "future_grants",
    1,
    (
        """CREATE TABLE future_grants (
            account TEXT NOT NULL, database TEXT NOT NULL, schema TEXT NOT NULL, kind TEXT NOT NULL,
            privilege TEXT NOT NULL, grantee TEXT NOT NULL, grant_option INTEGER NOT NULL, granted_by TEXT NOT NULL,
            granted_on INTEGER NOT NULL, PRIMARY KEY (account, database, schema, kind, grantee, privilege),
            FOREIGN KEY (account, database) REFERENCES databases (account, name) ON DELETE CASCADE) STRICT""",
        """CREATE TRIGGER future_grants_of_schemas AFTER DELETE ON schemas BEGIN DELETE FROM future_grants
            WHERE account = OLD.account AND database = OLD.database AND schema = OLD.name; END""",
        """CREATE TRIGGER future_grants_of_roles AFTER DELETE ON roles BEGIN DELETE FROM future_grants
            WHERE account = OLD.account AND grantee = OLD.name; END""",
    ),
)


@dataclass(frozen=True, slots=True)
class FutureGrant:
    """One privilege of one role on every later thing of a kind in a schema, or (no schema) in a database."""

    place: Thing
    kind: str
    privilege: str
    grantee: str
    grant_option: bool
    granted_by: str
    granted_on: datetime


class FutureGrants:
    """Grants on later things, of all accounts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def grant(
        self, account: str, place: Thing, kind: str, privileges: Iterable[str], role: str, *, by: str, option: bool
    ) -> None:
        """Gives privileges on what is made from now on. Granting again keeps a grant option."""
        with self._database.transaction() as connection:
            connection.executemany(
                """INSERT INTO future_grants
                   (account, database, schema, kind, privilege, grantee, grant_option, granted_by, granted_on)
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                   ON CONFLICT (account, database, schema, kind, grantee, privilege)
                   DO UPDATE SET grant_option = max(grant_option, excluded.grant_option)""",
                [
                    (
                        *(account, place.database, place.schema, kind, privilege, role, int(option), by),
                        self._database.now_micros(),
                    )
                    for privilege in privileges
                ],
            )

    def revoke(self, account: str, place: Thing, kind: str, privileges: Iterable[str], role: str) -> None:
        """Takes them away; what was given on things that are there stays."""
        with self._database.transaction() as connection:
            connection.executemany(
                """DELETE FROM future_grants WHERE account = ? AND database = ? AND schema = ? AND kind = ?
                   AND privilege = ? AND grantee = ?""",
                [(account, place.database, place.schema, kind, privilege, role) for privilege in privileges],
            )

    def list(self, account: str) -> Sequence[FutureGrant]:
        """All of an account."""
        with self._database.read() as connection:
            rows = connection.execute(
                """SELECT * FROM future_grants WHERE account = ?
                   ORDER BY database, schema, kind, privilege, grantee""",
                (account,),
            ).fetchall()
        return [
            FutureGrant(
                Thing("SCHEMA", row["database"], row["schema"])
                if row["schema"]
                else Thing("DATABASE", row["database"]),
                *(row["kind"], row["privilege"], row["grantee"], bool(row["grant_option"]), row["granted_by"]),
                from_micros(row["granted_on"]),
            )
            for row in rows
        ]

    def on(self, account: str, thing: Thing) -> Sequence[FutureGrant]:
        """Those that a new thing has: its schema's for its kind, and if there are none its database's."""
        kind = thing.kind
        found = [each for each in self.list(account) if each.kind == kind and each.place.database == thing.database]
        own = [each for each in found if each.place.schema and each.place.schema == thing.schema and kind != "SCHEMA"]
        return own or [each for each in found if not each.place.schema]
