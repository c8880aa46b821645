"""A collaboration as it is installed in one account: the application database with the internal tables of that
account's runs.

Source of what is told of it: sql-reference/sql/desc-application, sql-reference/sql/show-applications.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.rooms.access import APPLICATION_PREFIX, INTERNAL_SCHEMA, ORGANIZATION, Member
from cleanroom_ml.engine.rooms.ports import Caller
from cleanroom_ml.engine.sql.errors import SqlError, room_error
from cleanroom_ml.engine.storage.errors import AlreadyExists
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.error_names import ErrorName

UPGRADED: Final = "COMPLETE"
"""The engine pins code when it is approved: nothing is left to be upgraded afterwards."""
_VERSION: Final = "EMBEDDED"
_SOURCE_TYPE: Final = "APPLICATION PACKAGE"
_COLUMNS: Final = (
    ("created_on", "TIMESTAMP_LTZ"),
    ("name", "VARCHAR"),
    ("is_default", "VARCHAR"),
    ("is_current", "VARCHAR"),
    ("source_type", "VARCHAR"),
    ("source", "VARCHAR"),
    ("owner", "VARCHAR"),
    ("comment", "VARCHAR"),
    ("version", "VARCHAR"),
    ("label", "VARCHAR"),
    ("patch", "NUMBER(38,0)"),
    ("options", "VARCHAR"),
    ("retention_time", "VARCHAR"),
    ("upgrade_state", "VARCHAR"),
    ("disablement_reasons", "VARCHAR"),
    ("last_upgraded_on", "TIMESTAMP_LTZ"),
    ("release_channel_name", "VARCHAR"),
    ("type", "VARCHAR"),
)


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
    found = None if member is None else installed(storage, member)
    if found is None:
        raise SqlError.not_found("APPLICATION", name)
    properties = {
        "name": name,
        "source_organization": ORGANIZATION,
        "source_account": found.member.owner_account,
        "source_type": _SOURCE_TYPE,
        "source": found.member.source_name,
        "version": _VERSION,
        "version_label": None,
        "patch": "0",
        "created_on": found.created_on.isoformat(),
        "last_upgraded_on": None,
        "share_events_with_provider": "FALSE",
        "authorize_telemetry_event_sharing": "FALSE",
        "log_level": "OFF",
        "log_event_level": "OFF",
        "trace_level": "OFF",
        "debug_mode": "FALSE",
        "upgrade_state": UPGRADED,
        "upgrade_target_version": None,
        "upgrade_target_patch": "0",
        "upgrade_attempt": None,
        "upgrade_task_id": None,
        "upgrade_started_on": None,
        "upgrade_attempted_on": None,
        "upgrade_failure_type": None,
        "upgrade_failure_reason": None,
        "previous_version": None,
        "previous_patch": "0",
        "previous_version_state": UPGRADED,
        "comment": "",
    }
    return Rows.answer((("property", "VARCHAR"), ("value", "VARCHAR")), tuple(properties.items()))


def show(storage: Storage, caller: Caller, members: Iterable[Member]) -> Rows:
    """SHOW APPLICATIONS, by name."""
    found = sorted(filter(None, (installed(storage, member) for member in members)), key=lambda each: each.name)
    return Rows.answer(
        _COLUMNS,
        tuple(
            (
                each.created_on, each.name, "N", "N", _SOURCE_TYPE, each.member.source_name, caller.role, "", _VERSION,
                None, 0, "", "1", UPGRADED, None, None, "default", "NATIVE",
            )
            for each in found
        ),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Installed:
    """One application of an account."""

    name: str
    member: Member
    created_on: datetime


def installed(storage: Storage, member: Member) -> Installed | None:
    """A member's application; None: it is not installed, or not yet."""
    if member.local_key is None:
        return None
    for database in storage.namespaces.databases(member.account):
        if database.name == member.application and database.kind == "application":
            return Installed(database.name, member, database.created_on)
    return None
