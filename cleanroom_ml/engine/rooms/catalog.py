"""The names that exist in a room: here it is decided what a template or a job can read.

Source: docs/ARCHITECTURE.md, decision 2.

A run sees the views of its own tables, each only as long as its provider shares it with this runner, and the internal
tables of (collaboration, runner). Everything else does not exist: the accounts' databases, other rooms, other runners.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from cleanroom_ml.engine.rooms import access
from cleanroom_ml.engine.rooms.access import INTERNAL_SCHEMA
from cleanroom_ml.engine.rooms.code_functions import Functions, called, procedure_called
from cleanroom_ml.engine.rooms.datasets import view_text
from cleanroom_ml.engine.rooms.registries import Registries
from cleanroom_ml.engine.rooms.run_tables import RunTables
from cleanroom_ml.engine.sql.catalog import ContextValues, NameListener, RowsSource, Source, TableSource, ViewSource
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.routines import Distance, Routine, UserFunction
from cleanroom_ml.engine.sql.types.sql_type import parse_type
from cleanroom_ml.engine.storage import samples
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.keys import Key, Table
from cleanroom_ml.engine.storage.rights import Rights
from cleanroom_ml.engine.storage.roles import ADMIN
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.json_values import Document


@dataclass(frozen=True, slots=True)
class ScopeView:
    """One view of a run: `name` as the template uses it (folded), and whose dataset it is. `local`: linked for the
    runner only.
    """

    name: tuple[str, str, str]
    provider_account: str
    provider_key: str
    offering_key: str
    dataset_key: str
    local: bool = False


@dataclass(frozen=True, slots=True)
class RoomScope:
    """What one run may see. Stored with its job; no right outlives what it is derived from: links are asked again at
    each use.
    """

    collaboration_id: str
    collaboration: str
    runner: str
    runner_key: str
    account: str
    application: str
    views: tuple[ScopeView, ...]

    def to_json(self) -> dict[str, object]:
        """A JSON-able form."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Document) -> RoomScope:
        """The inverse of `to_json`."""
        views = tuple(ScopeView(**{**view, "name": tuple(view["name"])}) for view in value["views"])
        return cls(**{**value, "views": views})


class RoomCatalog:
    """`sql.Catalog` for the templates and jobs of one run.

    Args:
        session: the run's own, or a job's.
        written: what the run has read and written; a job's sessions are many, and read what is there now.
        functions: those of the template's code specs, which `owner` wrote; `procedures` likewise.
        listener: told what the names of a statement stand for (`ContextValues`).
    """

    def __init__(
        self,
        storage: Storage,
        scope: RoomScope,
        session: Session,
        written: RunTables | None = None,
        listener: NameListener | None = None,
        functions: Functions | None = None,
        owner: str = "",
        procedures: Functions | None = None,
    ) -> None:
        self._procedures = procedures or {}
        self._listener = listener
        self._functions = functions or {}
        self._owner = owner
        self._storage = storage
        self._scope = scope
        self._session = session
        self._written = written
        self._views = {view.name: view for view in scope.views}
        self._registries = Registries(storage.database)

    def source(self, parts: tuple[str, ...]) -> Source | None:
        """A view of this run by its three parts, or an internal table."""
        view = self._views.get(parts) if len(parts) == 3 else None
        if view is not None:
            return self._shared(view)
        key = self._internal(parts)
        if key is None or not self._runner_stands():
            return None
        written = self._written
        table = self._storage.tables.get(key, self._session.id) if written is None else written.read(key)
        return None if table is None else table_source(table, writable=True)

    def functions(self, parts: tuple[str, ...]) -> Sequence[UserFunction]:
        """`cleanroom.<code spec>$<name>` of the template's own code specs, and no other function that a party wrote."""
        return called(self._functions, parts, self._owner, self)

    def procedure(self, parts: tuple[str, ...]) -> Routine | None:
        """`cleanroom.<code spec>$<name>` of the template's own code specs."""
        return procedure_called(self._procedures, parts)

    def context(self) -> ContextValues:
        """A session of the runner, inside the application."""
        return ContextValues(
            self._scope.account,
            self._session.user,
            self._session.role,
            self._session.warehouse,
            self._scope.application,
            INTERNAL_SCHEMA,
            self._session.id,
            listener=self._listener,
            parameters=self._session.parameters,
        )

    def target(self, parts: tuple[str, ...], kind: str = "TABLE") -> Key:
        """Where something is created or written: the internal schema, whatever its kind.

        Raises:
            SqlError: it would be somewhere else.
        """
        key = self._internal(parts)
        if key is None or not self._runner_stands():
            raise SqlError.not_found(kind, ".".join(parts))
        if kind not in ("TABLE", "STAGE", "FILE FORMAT"):
            raise SqlError.unsupported(f"{kind} in a clean room")
        return key

    def _internal(self, parts: tuple[str, ...]) -> Key | None:
        database, schema, name = self._scope.application, INTERNAL_SCHEMA, parts[-1]
        if parts in ((name,), (schema, name), (database, schema, name)):
            return Key(self._scope.account, database, schema, name)
        return None

    def _runner_stands(self) -> bool:
        """Internal tables are a collaborator's only as long as it takes part, whatever runs for it still."""
        with self._storage.database.read() as connection:
            return access.stands(connection, self._scope.collaboration_id, self._scope.account)

    def _shared(self, view: ScopeView) -> Source | None:
        if not self._still_shared(view):
            return None
        resource = self._registries.by_key(view.provider_account, "DATA OFFERING", view.offering_key)
        detail = None if resource is None else resource.detail.get(view.dataset_key)
        if detail is None:
            return None
        context = ContextValues(view.provider_account, "", "", None)
        return ViewSource(None, view_text(detail), ProviderCatalog(self._storage, view.provider_account, context))

    def _still_shared(self, view: ScopeView) -> bool:
        with self._storage.database.read() as connection:
            provider = access.by_account(connection, self._scope.collaboration_id, view.provider_account)
            runner = access.by_account(connection, self._scope.collaboration_id, self._scope.account)
            if provider is None or runner is None or provider.status != "JOINED" or runner.status != "JOINED":
                return False
            return is_linked(connection, self._scope.collaboration_id, runner, view)


class ProviderCatalog:
    """What the text of a provider's view may name: the permanent tables and views of that account, by three parts.

    Views inside resolve short names against the database and schema that they are in, as they did where they were made,
    and read what the role that owns them may read now. `rights`: that role's; None: what the account offered itself.
    `made`: when a view's or a function's text was written, for what it calls (`Distance`).
    """

    def __init__(
        self,
        storage: Storage,
        account: str,
        context: ContextValues,
        *,
        database: str | None = None,
        schema: str | None = None,
        rights: Rights | None = None,
        made: datetime | None = None,
    ) -> None:
        self._storage = storage
        self._account = account
        self._context = context
        self._made = made
        self._rights = rights
        self._database = database
        self._schema = schema

    def source(self, parts: tuple[str, ...]) -> Source | None:
        """The account's table or view of that name."""
        key = self._key(parts)
        if key is None:
            return None
        sample = samples.find((key.database, key.schema, key.name))
        if sample is not None:
            return RowsSource.of(sample.columns, sample.rows) if self._may_read("TABLE", key) else None
        if self._storage.namespaces.database_kind(self._account, key.database) != "standard":
            return None
        table = self._storage.tables.get(key)
        if table is not None:
            return table_source(table, writable=False) if self._may_read("TABLE", key) else None
        view = self._storage.views.get(key)
        if view is None or not self._may_read("VIEW", key):
            return None
        inner = self._of_owner(key, Thing.of("VIEW", key), view.created_on)
        return ViewSource(tuple(column.name for column in view.columns) or None, view.text, inner)

    def functions(self, parts: tuple[str, ...]) -> Sequence[UserFunction]:
        """The functions that a view of the account calls: as their owners' roles may. Nobody else's text gets here."""
        key = self._key(parts)
        if key is None or self._storage.namespaces.database_kind(self._account, key.database) != "standard":
            return ()
        found = []
        for each in self._storage.functions.of_name(key):
            thing = Thing.of("FUNCTION", each.key)
            if self._rights is not None and not self._rights.reaches("USAGE", thing):
                continue
            owner = self._storage.grants.owner(self._account, thing)
            writer = ADMIN if self._rights is None else self._rights.role
            found.append(
                UserFunction(
                    Routine.from_json(each.definition),
                    self._of_owner(each.key, thing, each.created_on),
                    f"{self._account} {owner}",
                    silent=True,
                    distance=Distance.of(owner, writer, each.named_on, self._made),
                )
            )
        return found

    def _of_owner(self, key: Key, thing: Thing, made: datetime) -> ProviderCatalog:
        """The names of a view's or a function's text: from where it is, as the role that owns it may read now."""
        owner = self._storage.grants.owner(self._account, thing)
        return ProviderCatalog(
            self._storage,
            self._account,
            self._context,
            database=key.database,
            schema=key.schema,
            rights=Rights.of_role(self._storage, self._account, owner),
            made=made,
        )

    def context(self) -> ContextValues:
        """The provider's account, and nobody's session."""
        return self._context

    def target(self, parts: tuple[str, ...], kind: str = "TABLE") -> Key:
        """Nothing is ever written with a provider's rights."""
        raise SqlError.not_found(kind, ".".join(parts))

    def _may_read(self, kind: str, key: Key) -> bool:
        return self._rights is None or self._rights.reaches("SELECT", Thing.of(kind, key))

    def _key(self, parts: tuple[str, ...]) -> Key | None:
        qualified = (*(part for part in (self._database, self._schema)[: max(0, 3 - len(parts))] if part), *parts)
        return Key(self._account, *qualified) if len(qualified) == 3 else None


def is_linked(connection: sqlite3.Connection, collaboration: str, runner: access.Member, view: ScopeView) -> bool:
    """Whether the dataset's offering is shared with this runner now."""
    if view.local:
        query = "SELECT 1 FROM room_local_links WHERE collaboration = ? AND account = ? AND offering_key = ?"
        return bool(connection.execute(query, (collaboration, runner.account, view.offering_key)).fetchone())
    query = (
        "SELECT 1 FROM room_links WHERE collaboration = ? AND runner_key = ? AND provider_key = ? AND offering_key = ?"
    )
    row = (collaboration, runner.alias_key, view.provider_key, view.offering_key)
    return bool(connection.execute(query, row).fetchone())


def table_source(table: Table, *, writable: bool) -> TableSource:
    """A stored table as `sql` reads it."""
    columns = tuple((column.name, parse_type(column.type)) for column in table.columns)
    shas = tuple(item.sha256 for item in table.objects)
    defaults = {column.name: column.default for column in table.columns if column.default is not None}
    numbers = {each.name: (table.numbers[each.name], each.step) for each in table.columns if each.start is not None}
    bounds = {item.sha256: item.bounds for item in table.objects if item.bounds}
    return TableSource(columns, shas, writable, table.key, table.snapshot, defaults, numbers, bounds=bounds)


def source_columns(storage: Storage, account: str, parts: tuple[str, ...]) -> Sequence[str] | None:
    """The columns of a party's table or view; None: no such table of this account. () for a view that does not list
    them.
    """
    types = source_types(storage, account, parts)
    return None if types is None else tuple(types)


def source_types(storage: Storage, account: str, parts: tuple[str, ...]) -> Mapping[str, str] | None:
    """`source_columns`, with their types."""
    sample = samples.find(parts)
    if sample is not None:
        return dict(sample.columns)
    if len(parts) != 3 or storage.namespaces.database_kind(account, parts[0]) != "standard":
        return None
    key = Key(account, *parts)
    found = storage.tables.get(key) or storage.views.get(key)
    return None if found is None else {column.name: column.type for column in found.columns}
