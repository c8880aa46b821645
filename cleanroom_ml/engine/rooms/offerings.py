"""Data offerings: which columns of which tables a party shares, under which names, and with whom.

A dataset is a live view: the listed columns only, renamed as docs/api-digest.md §2 says. What registration found out
is kept with the spec (`detail`): for each dataset its source table and, for each exposed column, where it comes from
and the policies that it belongs to.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.rooms import access, requests_store
from cleanroom_ml.engine.rooms.access import Member, key_of
from cleanroom_ml.engine.rooms.caller_rights import (
    require_offered,
    require_reference_usage,
    require_shareable,
    share_name,
)
from cleanroom_ml.engine.rooms.catalog import ProviderCatalog, source_columns
from cleanroom_ml.engine.rooms.datasets import ColumnDetail, DatasetDetail, policies_of, view_text
from cleanroom_ml.engine.rooms.freeform import FREEFORM, freeform_name
from cleanroom_ml.engine.rooms.freeform_policies import bound_policies, check_policies, policies_shown
from cleanroom_ml.engine.rooms.ports import Caller, RoomExecutor
from cleanroom_ml.engine.rooms.registries import Registries, Resource, read_spec
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.catalog import ContextValues
from cleanroom_ml.engine.sql.errors import SqlError, room_error
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.naming import display, fold, quote, split_name
from cleanroom_ml.specs.column_types import SQL_CHECKS, forms_of
from cleanroom_ml.specs.data_offering import DataOffering, Dataset

LOCAL: Final = "LOCAL"


class Offerings:
    """REGISTER_DATA_OFFERING, LINK_…, UNLINK_…, VIEW_DATA_OFFERINGS."""

    def __init__(self, storage: Storage, registries: Registries, executor: RoomExecutor) -> None:
        self._storage = storage
        self._database = storage.database
        self._registries = registries
        self._executor = executor

    def register(self, caller: Caller, spec_text: object, registry: object | None = None, *, query_id: str) -> Rows:
        """REGISTER_DATA_OFFERING: every column must exist, and values must have the format their column_type promises.

        Raises:
            SqlError: SpecValidationError; DataOfferingAlreadyExistsException; the table does not exist or is not the
                caller's.
        """
        spec = read_spec(DataOffering, spec_text)
        registry_key = self._registries.registry_key(caller, "DATA OFFERING", registry)
        self._registries.check_new(caller, "DATA OFFERING", spec.name, spec.version)
        detail = {fold(dataset.alias): self._dataset(caller, dataset, query_id) for dataset in spec.datasets}
        new_id = self._registries.add(
            caller,
            "DATA OFFERING",
            name=spec.name,
            version=spec.version,
            registry_key=registry_key,
            spec=str(spec_text),
            detail=detail,
        )
        return Rows.one("REGISTER_DATA_OFFERING", new_id)

    def link(self, caller: Caller, name: str, offering_id: object, share_with: object) -> Rows:
        """LINK_DATA_OFFERING: all the named runners, or none of them."""
        with self._database.transaction() as connection:
            member = access.joined(connection, caller.account, name)
            resource = self._registered(caller.account, offering_id)
            self._require_shareable(caller, member, resource)
            for alias in self.runners_served(connection, member, share_with):
                row = (member.collaboration, alias, member.alias_key, resource.id_key)
                there = connection.execute(
                    "SELECT 1 FROM room_links"
                    " WHERE collaboration = ? AND runner_key = ? AND provider_key = ? AND offering_key = ?",
                    row,
                ).fetchone()
                if there:
                    raise room_error(
                        ErrorName.DataOfferingAlreadyLinkedException,
                        f"'{resource.id}' is shared with {display(alias)} already.",
                    )
                connection.execute(
                    "INSERT INTO room_links (collaboration, runner_key, provider_key, offering_key, created_on)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (*row, self._database.now_micros()),
                )
            requests_store.record(
                connection,
                member,
                requests_store.LINK_OFFERING,
                self._asked(connection, member, resource.id, "share_with", share_with),
                resource.spec,
                self._database.now_micros(),
            )
            self._touch(connection, member)
        return Rows.one("LINK_DATA_OFFERING", f"{resource.id} is linked to {name}.")

    def unlink(self, caller: Caller, name: str, offering_id: object, remove_for: object) -> Rows:
        """UNLINK_DATA_OFFERING: the named runners lose it at once, running jobs included."""
        key = key_of(offering_id, "data offering id")
        with self._database.transaction() as connection:
            member = access.joined(connection, caller.account, name)
            for alias in self.runners_served(connection, member, remove_for):
                gone = connection.execute(
                    "DELETE FROM room_links"
                    " WHERE collaboration = ? AND runner_key = ? AND provider_key = ? AND offering_key = ?",
                    (member.collaboration, alias, member.alias_key, key),
                ).rowcount
                if not gone:
                    raise room_error(
                        ErrorName.DataProviderWithoutDataOffering,
                        f"'{offering_id}' is not shared with {display(alias)}.",
                    )
            resource = self._registries.by_key(caller.account, "DATA OFFERING", key)
            requests_store.record(
                connection,
                member,
                requests_store.UNLINK_OFFERING,
                self._asked(connection, member, resource.id if resource else offering_id, "remove_for", remove_for),
                resource.spec if resource else "",
                self._database.now_micros(),
            )
            self._touch(connection, member)
        return Rows.one("UNLINK_DATA_OFFERING", f"{offering_id} is unlinked from {name}.")

    def link_local(self, caller: Caller, name: str, offering_id: object, *, linked: bool) -> Rows:
        """LINK_LOCAL_DATA_OFFERING and its opposite: the caller's own data, for the caller's own runs only."""
        with self._database.transaction() as connection:
            member = access.joined(connection, caller.account, name)
            resource = self._registered(caller.account, offering_id)
            if linked:
                require_shareable(self._storage, caller, sources_of(resource))
            row = (member.collaboration, caller.account, resource.id_key)
            if linked:
                connection.execute(
                    "INSERT OR IGNORE INTO room_local_links (collaboration, account, offering_key, created_on)"
                    " VALUES (?, ?, ?, ?)",
                    (*row, self._database.now_micros()),
                )
            else:
                connection.execute(
                    "DELETE FROM room_local_links WHERE collaboration = ? AND account = ? AND offering_key = ?", row
                )
        procedure = "LINK_LOCAL_DATA_OFFERING" if linked else "UNLINK_LOCAL_DATA_OFFERING"
        return Rows.one(procedure, f"{resource.id} is {'linked to' if linked else 'unlinked from'} {name}.")

    def view(self, caller: Caller, name: str) -> Rows:
        """VIEW_DATA_OFFERINGS: what the caller may analyse, and what the caller has linked."""
        with self._database.read() as connection:
            member = access.reviewed(connection, caller.account, name)
            rows = [
                row for link in visible_links(connection, member) for row in self._view_rows(member.application, *link)
            ]
        columns = (
            ("TEMPLATE_VIEW_NAME", "VARCHAR"),
            ("TEMPLATE_JOIN_COLUMNS", "ARRAY"),
            ("ANALYSIS_ALLOWED_COLUMNS", "ARRAY"),
            ("ACTIVATION_ALLOWED_COLUMNS", "ARRAY"),
            ("FREEFORM_SQL_VIEW_NAME", "VARCHAR"),
            ("FREEFORM_SQL_COLUMN_POLICIES", "VARCHAR"),
            ("SHARED_BY", "VARCHAR"),
            ("SHARED_WITH", "ARRAY"),
            ("DATA_OFFERING_ID", "VARCHAR"),
        )
        return Rows.answer(columns, tuple(rows))

    def check_declared(self, connection: sqlite3.Connection, member: Member, caller: Caller) -> None:
        """What a joining provider is said to offer must be registered, and the joining role's to share. Raises SqlError
        naming what is not.
        """
        rows = connection.execute(
            "SELECT DISTINCT offering_key FROM room_links WHERE collaboration = ? AND provider_key = ?",
            (member.collaboration, member.alias_key),
        ).fetchall()
        missing = [
            row["offering_key"]
            for row in rows
            if self._registries.by_key(member.account, "DATA OFFERING", row["offering_key"]) is None
        ]
        if missing:
            raise room_error(
                ErrorName.DataProviderWithoutDataOffering,
                f"the collaboration's spec lists data offerings that you have not registered: {', '.join(missing)}.",
            )
        for row in rows:
            resource = self._registries.by_key(member.account, "DATA OFFERING", row["offering_key"])
            assert resource is not None  # none is missing
            self._require_shareable(caller, member, resource)

    def runners_served(self, connection: sqlite3.Connection, member: Member, aliases: object) -> list[str]:
        """The folded aliases of runners that `member` provides data to. Raises SqlError for any other."""
        keys = alias_keys(aliases)
        for key in keys:
            if access.by_alias(connection, member.collaboration, key) is None:
                raise room_error(
                    ErrorName.CollaboratorAliasNotFoundInCollaboration,
                    f"no collaborator has the alias '{display(key)}'.",
                )
            if member.alias_key not in access.providers_of(connection, member.collaboration, key):
                raise room_error(
                    ErrorName.ProviderNotServingAnalysisRunner,
                    "A data provider can link data offerings only for their analysis runners. "
                    f"Current account: {member.alias}; analysis runner: {display(key)}.",
                )
        return keys

    def _require_shareable(self, caller: Caller, member: Member, resource: Resource) -> None:
        """Refuses what the caller's role may not pass on, or whose database the share may not refer to."""
        assert member.local_key is not None
        sources = sources_of(resource)
        require_shareable(self._storage, caller, sources)
        databases = [database for database, _, _ in sources]
        require_reference_usage(self._storage, caller, share_name(member.local_key), databases)

    def _dataset(self, caller: Caller, dataset: Dataset, query_id: str) -> DatasetDetail:
        source = split_name(dataset.data_object_fqn)
        require_offered(self._storage, caller, source)
        context = ContextValues(caller.account, caller.user, caller.role, caller.warehouse)
        catalog = ProviderCatalog(self._storage, caller.account, context)
        present = source_columns(self._storage, caller.account, source)
        if present is None:
            raise SqlError.not_found("TABLE", dataset.data_object_fqn)
        columns: list[ColumnDetail] = []
        for written, policy in dataset.schema_and_template_policies.items():
            column = fold(written)
            if present and column not in present:
                raise room_error(
                    ErrorName.SpecValidationError,
                    f"column {display(column)} is not in {dataset.data_object_fqn}; it has: {_some(present)}",
                )
            columns.append(
                {
                    "source": column,
                    "name": fold(policy.exposed_name(written)),
                    "joinable": policy.joinable,
                    "activation": policy.activation_allowed,
                    "type": policy.column_type if policy.category == "join_standard" else None,
                }
            )
        detail: DatasetDetail = {
            "source": list(source),
            "columns": columns,
            "alias": dataset.alias,
            "freeform": dataset.allowed_analyses,
            "policies": bound_policies(self._storage, caller, dataset),
        }
        check_policies(self._storage, caller.account, detail)
        self._check_values(caller, catalog, dataset, detail, query_id)
        return detail

    def _check_values(
        self, caller: Caller, catalog: ProviderCatalog, dataset: Dataset, detail: DatasetDetail, query_id: str
    ) -> None:
        """Counts the values that break their column_type's format, with the provider's own rights; and that the view
        works.
        """
        typed = [column for column in detail["columns"] if column["type"]]
        counts = [
            f"COUNT_IF(NOT REGEXP_LIKE(CAST({quote(column['name'])} AS VARCHAR), {pattern}))"
            for column in typed
            for pattern in [_literal(SQL_CHECKS[str(column["type"])])]
        ]
        query = f"SELECT {', '.join(['COUNT(*)', *counts])} FROM ({view_text(detail)}) AS offered"
        row = self._executor.values(catalog, caller, query, query_id=query_id)[0]
        for column, wrong in zip(typed, row[1:], strict=True):
            if wrong:
                raise room_error(
                    ErrorName.SpecValidationError,
                    f"{dataset.data_object_fqn}: {int(str(wrong)):,} values of {display(column['source'])} "
                    f"are no {column['type']}" + self._looks_like(catalog, caller, column, detail, query_id),
                )

    def _looks_like(
        self, catalog: ProviderCatalog, caller: Caller, column: ColumnDetail, detail: DatasetDetail, query_id: str
    ) -> str:
        """What to say where every value of a column fits another form of what its type means."""
        others = [each for each in forms_of(str(column["type"])) if each != column["type"]]
        counts = [
            f"COUNT_IF(NOT REGEXP_LIKE(CAST({quote(column['name'])} AS VARCHAR), {_literal(SQL_CHECKS[each])}))"
            for each in others
        ]
        query = f"SELECT {', '.join(counts)} FROM ({view_text(detail)}) AS offered"
        row = self._executor.values(catalog, caller, query, query_id=query_id)[0]
        fitting = next((each for each, wrong in zip(others, row, strict=True) if not wrong), None)
        return f": they look like {fitting}" if fitting else ""

    def _registered(self, account: str, offering_id: object) -> Resource:
        resource = self._registries.by_key(account, "DATA OFFERING", key_of(offering_id, "data offering id"))
        if resource is None:
            raise room_error(
                ErrorName.DataProviderWithoutDataOffering, f"you have not registered a data offering '{offering_id}'."
            )
        return resource

    def _view_rows(
        self, application: str, provider: Member, offering_key: str, shared_with: Sequence[str]
    ) -> list[tuple[Value, ...]]:
        resource = self._registries.by_key(provider.account, "DATA OFFERING", offering_key)
        if resource is None:
            return []
        rows: list[tuple[Value, ...]] = []
        for detail in resource.detail.values():
            policies = policies_of(detail)
            view_name = None if list(shared_with) == [LOCAL] else freeform_name(provider, resource, detail)
            rows.append(
                (
                    f"{provider.alias}.{resource.id}.{detail['alias']}",
                    sorted(policies["join"]),
                    sorted(policies["column"]),
                    sorted(policies["activation"]),
                    None if view_name is None else f"{application}.{FREEFORM}.{view_name}",
                    None if view_name is None else json.dumps(policies_shown(detail)),
                    provider.alias,
                    list(shared_with),
                    resource.id,
                )
            )
        return rows

    def _asked(
        self, connection: sqlite3.Connection, member: Member, offering_id: object, key: str, aliases: object
    ) -> dict[str, object]:
        """The details of the request that linking or unlinking is."""
        found = [access.by_alias(connection, member.collaboration, each) for each in alias_keys(aliases)]
        return {
            "data_offering_id": offering_id,
            key: [other.alias for other in found if other is not None],
            "requested_by": member.alias,
        }

    def _touch(self, connection: sqlite3.Connection, member: Member) -> None:
        connection.execute(
            "UPDATE room_collaborations SET updated_on = ? WHERE uid = ?",
            (self._database.now_micros(), member.collaboration),
        )


def sources_of(resource: Resource) -> list[list[str]]:
    """The tables and views of an offering's datasets, each by its three parts."""
    return [list(detail["source"]) for detail in resource.detail.values()]


def visible_links(connection: sqlite3.Connection, member: Member) -> list[tuple[Member, str, list[str]]]:
    """(provider, offering, aliases it is shared with) of what a member may see: shared with it by who has joined, or
    its own.
    """
    rows = connection.execute(
        """SELECT provider_key, offering_key, runner_key FROM room_links WHERE collaboration = ?
           ORDER BY provider_key, offering_key, runner_key""",
        (member.collaboration,),
    ).fetchall()
    shared: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        shared.setdefault((row["provider_key"], row["offering_key"]), []).append(row["runner_key"])
    found: list[tuple[Member, str, list[str]]] = []
    for (provider_key, offering_key), runners in shared.items():
        provider = access.by_alias(connection, member.collaboration, provider_key)
        mine = provider_key == member.alias_key
        if provider is None or not (mine or (member.alias_key in runners and provider.status == "JOINED")):
            continue
        seen = runners if mine else [member.alias_key]
        aliases = [other.alias for key in seen if (other := access.by_alias(connection, member.collaboration, key))]
        found.append((provider, offering_key, aliases))
    local = connection.execute(
        "SELECT offering_key FROM room_local_links WHERE collaboration = ? AND account = ? ORDER BY offering_key",
        (member.collaboration, member.account),
    )
    return [*found, *((member, row["offering_key"], [LOCAL]) for row in local)]


def alias_keys(aliases: object) -> list[str]:
    """A procedure's array of aliases, folded, each once. Raises SqlError SpecValidationError."""
    if not isinstance(aliases, list | tuple) or not aliases:
        raise room_error(ErrorName.SpecValidationError, "give an array of at least one alias, such as ['alice']")
    return list(dict.fromkeys(key_of(alias, "alias") for alias in aliases))


def _some(names: Sequence[str]) -> str:
    return ", ".join(display(name) for name in names[:20]) + (", …" if len(names) > 20 else "")


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
