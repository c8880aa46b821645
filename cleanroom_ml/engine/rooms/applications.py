"""A collaboration as it is installed in one account: the application database with the internal tables of that
account's runs.
"""

from __future__ import annotations

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.rooms.access import APPLICATION_PREFIX, INTERNAL_SCHEMA, Member
from cleanroom_ml.engine.rooms.ports import Caller
from cleanroom_ml.engine.sql.errors import SqlError, room_error
from cleanroom_ml.engine.storage.errors import AlreadyExists
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.error_names import ErrorName


def install(storage: Storage, account: str, local_key: str) -> None:
    """Makes the application database and its internal schema; does nothing where they are there.

    Raises:
        SqlError: CollaborationStateException, another database of the account has the application's name.
    """
    name = APPLICATION_PREFIX + local_key
    try:
        if storage.namespaces.database_kind(account, name) != "application":
            storage.namespaces.create_database(account, name, kind="application")
    except AlreadyExists:
        raise _in_the_way(name) from None
    storage.namespaces.create_schema(account, name, INTERNAL_SCHEMA, if_exists="ignore")


def check_free(storage: Storage, account: str, local_key: str) -> None:
    """Raises SqlError where `install` would, and makes nothing."""
    name = APPLICATION_PREFIX + local_key
    if storage.namespaces.database_kind(account, name) not in (None, "application"):
        raise _in_the_way(name)


def remove(storage: Storage, account: str, local_key: str) -> None:
    """Drops the application database, with all that is in it and all that was granted to it.

    A database of the account's own that kept the application from being installed is no application, and stays.
    """
    name = APPLICATION_PREFIX + local_key
    if storage.namespaces.database_kind(account, name) == "application":
        storage.namespaces.drop_database(account, name, if_exists=True)


def _in_the_way(name: str) -> SqlError:
    return room_error(
        ErrorName.CollaborationStateException,
        f"database {name} exists in your account already; the collaboration needs that name. "
        "Drop the database, or review the collaboration under another name.",
    )


def describe(storage: Storage, caller: Caller, name: str, member: Member | None) -> Rows:
    """DESCRIBE APPLICATION: property and value, of which `upgrade_state` says whether code specs can be called.

    Raises:
        SqlError: no such application in the caller's account.
    """
    if member is None or storage.namespaces.database_kind(caller.account, name) != "application":
        raise SqlError.not_found("APPLICATION", name)
    properties = (
        ("name", name),
        ("source_organization", "LOCAL"),
        ("source_type", "APPLICATION PACKAGE"),
        ("collaboration", member.local_name),
        ("collaborator", member.alias),
        ("version", "EMBEDDED"),
        ("patch", "0"),
        ("upgrade_state", "COMPLETE"),
        ("upgrade_failure_reason", None),
    )
    return Rows.answer((("property", "VARCHAR"), ("value", "VARCHAR")), properties)
