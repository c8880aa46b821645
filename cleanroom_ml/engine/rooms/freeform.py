"""The views that a runner queries directly, `SFDCR_<collaboration>.FREEFORM_SQL.<ALIAS>_<OFFERING>_<DATASET>`.

Source: cleanrooms/free-form-sql, "Running free-form queries". A view is there as long as its offering is shared with
the runner and both have joined, and for the roles that may RUN analyses of the collaboration.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.rooms import access
from cleanroom_ml.engine.rooms.access import Member
from cleanroom_ml.engine.rooms.catalog import source_types
from cleanroom_ml.engine.rooms.datasets import DatasetDetail
from cleanroom_ml.engine.rooms.freeform_policies import FREE, view_source
from cleanroom_ml.engine.rooms.registries import Registries, Resource
from cleanroom_ml.engine.rooms.role_checks import RoleChecks, collaboration
from cleanroom_ml.engine.sql.catalog import ViewSource
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.policies.constraints import Reader
from cleanroom_ml.engine.storage.keys import Column, Key, View, from_micros
from cleanroom_ml.engine.storage.rights import Rights
from cleanroom_ml.engine.storage.storage import Storage

FREEFORM: Final = "FREEFORM_SQL"


def freeform_name(provider: Member, resource: Resource, detail: DatasetDetail) -> str | None:
    """The name of a dataset's view; None: the provider does not allow free-form SQL, or registered it before there was
    any here.
    """
    if detail["freeform"] != FREE or "policies" not in detail:
        return None
    return f"{provider.alias}_{resource.id}_{detail['alias']}".upper()


@dataclass(frozen=True, slots=True)
class _Found:
    """A dataset that may be queried, and its name in the room."""

    provider: Member
    name: str
    detail: DatasetDetail
    linked_on: int


class FreeformViews:
    """The views of all accounts (`statements.ports.SharedViews`)."""

    def __init__(self, storage: Storage, registries: Registries, role_checks: RoleChecks) -> None:
        self._storage = storage
        self._registries = registries
        self._role_checks = role_checks

    def source(self, account: str, rights: Rights, application: str, name: str) -> ViewSource | None:
        """The view of that name, with its policies as they are now; None: there is none for these roles.

        Raises:
            SqlError: two views have the name; a policy of the view is no more.
        """
        with self._storage.database.read() as connection:
            found = self._found(connection, account, rights, application)
            views = [each for each in found if each.name == name]
            if len(views) > 1:
                raise SqlError.syntax(
                    f"{name[:200]} is the name of {len(views)} views: one of their data offerings has to be registered "
                    "under another name."
                )
            if not views:
                return None
            return view_source(self._storage, views[0].provider.account, views[0].detail, Reader(account))

    def listed(self, account: str, rights: Rights, application: str) -> Sequence[View]:
        """The views of a room that these roles may query, with the types of their columns. What nothing can be read of
        any more is not among them.
        """
        with self._storage.database.read() as connection:
            found = self._found(connection, account, rights, application)
            return [
                View(Key(account, application, FREEFORM, each.name), columns, "", True, from_micros(each.linked_on))
                for each in sorted(found, key=lambda each: each.name)
                if (columns := _columns(self._storage, each.provider.account, each.detail))
            ]

    def _found(self, connection: sqlite3.Connection, account: str, rights: Rights, application: str) -> list[_Found]:
        """Whose datasets these roles may query in a room, under which names."""
        member = next(
            (
                each
                for each in access.memberships(connection, account)
                if each.local_key and each.application == application
            ),
            None,
        )
        if member is None or member.status != "JOINED" or not self._may_run(rights, member):
            return []
        rows = connection.execute(
            """SELECT provider_key, offering_key, created_on FROM room_links
               WHERE collaboration = ? AND runner_key = ?""",
            (member.collaboration, member.alias_key),
        ).fetchall()
        views: list[_Found] = []
        for row in rows:
            provider = access.by_alias(connection, member.collaboration, row["provider_key"])
            if provider is None or provider.status != "JOINED":
                continue
            resource = self._registries.by_key(provider.account, "DATA OFFERING", row["offering_key"])
            if resource is None:
                continue
            for detail in resource.detail.values():
                name = freeform_name(provider, resource, detail)
                if name is not None:
                    views.append(_Found(provider, name, detail, row["created_on"]))
        return views

    def _may_run(self, rights: Rights, member: Member) -> bool:
        thing = collaboration(member.collaboration)
        return self._role_checks.owns(rights, member.account, thing) or "RUN" in rights.privileges(thing)


def _columns(storage: Storage, account: str, detail: DatasetDetail) -> tuple[Column, ...]:
    """The columns that a view has, of the types of those that they are made of; none where one is no more there.
    Policies change no type (`freeform_policies.check_policies`).
    """
    types = source_types(storage, account, tuple(detail["source"])) or {}
    if any(column["source"] not in types for column in detail["columns"]):
        return ()
    return tuple(Column(column["name"], types[column["source"]]) for column in detail["columns"])
