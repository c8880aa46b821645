"""The sample data as they are listed: a database with its schema and tables, there for as long as the account is.

A database of that name that somebody of the account made, when that could be done, is listed itself instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final

from cleanroom_ml.engine.storage import samples
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.keys import Column, Key, Table
from cleanroom_ml.engine.storage.namespaces import DatabaseInfo, SchemaInfo
from cleanroom_ml.engine.storage.roles import APP_ROLE

if TYPE_CHECKING:
    from cleanroom_ml.engine.storage.storage import Storage

_NO_SNAPSHOT: Final = -1
_DAYS: Final = 1


def databases(storage: Storage, account: str) -> list[DatabaseInfo]:
    """The account's databases of every kind with the sample database, by name."""
    found = storage.namespaces.databases(account)
    if all(each.name != samples.DATABASE for each in found):
        made = _since(storage, account)
        found.append(DatabaseInfo(account, samples.DATABASE, "standard", "", made, _DAYS))
    return sorted(found, key=lambda each: each.name)


def schemas(storage: Storage, account: str, database: str) -> list[SchemaInfo]:
    """The schemas of a database, also of the sample database, by name."""
    if not samples.exists(storage.namespaces, account, (database,)):
        return storage.namespaces.schemas(account, database)
    return [SchemaInfo(account, database, samples.SCHEMA, "", _since(storage, account), _DAYS)]


def tables(storage: Storage, account: str, database: str | None) -> list[Table]:
    """The sample tables, where this is their database or `database` is None: any."""
    if database not in {None, samples.DATABASE} or not samples.exists(storage.namespaces, account, (samples.DATABASE,)):
        return []
    made = _since(storage, account)
    return [
        Table(
            key=Key(account, samples.DATABASE, samples.SCHEMA, each.name),
            columns=tuple(Column(name, kind) for name, kind in each.columns),
            objects=(),
            snapshot=_NO_SNAPSHOT,
            kind="TABLE",
            session_id=None,
            created_on=made,
            comment="",
            rows=len(each.rows),
            bytes=0,
            retention=_DAYS,
        )
        for each in samples.TABLES.values()
    ]


def owners(storage: Storage, account: str, kind: str) -> Mapping[Thing, str]:
    """Whose the things of a kind are: those that are in it, and the sample data, the clean room's role's."""
    found = storage.grants.owners(account, kind)
    if not samples.exists(storage.namespaces, account, (samples.DATABASE,)):
        return found
    return {**found, **{thing: APP_ROLE for thing in samples.THINGS if thing.kind == kind}}


def _since(storage: Storage, account: str) -> datetime:
    return next(each.created_on for each in storage.accounts.list() if each.name == account)
