"""The facade: one home directory's catalog and objects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from cleanroom_ml.engine.storage import (
    accounts,
    file_formats,
    future_grants,
    garbage,
    grants,
    graves,
    identities,
    loads,
    namespaces,
    policies,
    queries,
    query_history,
    roles,
    routines,
    sequences,
    sessions,
    stages,
    tables,
    users,
    views,
    warehouses,
)
from cleanroom_ml.engine.storage.database import Clock, Database, Schema
from cleanroom_ml.engine.storage.objects import ObjectStore

SCHEMAS: tuple[Schema, ...] = (
    accounts.SCHEMA,
    namespaces.SCHEMA,
    warehouses.SCHEMA,
    sessions.SCHEMA,
    queries.SCHEMA,
    tables.SCHEMA,
    loads.SCHEMA,
    identities.SCHEMA,
    views.SCHEMA,
    views.TEMPORARY_SCHEMA,
    stages.SCHEMA,
    file_formats.SCHEMA,
    garbage.SCHEMA,
    roles.SCHEMA,
    grants.SCHEMA,
    routines.SCHEMA,
    sequences.SCHEMA,
    graves.SCHEMA,
    future_grants.SCHEMA,
    policies.SCHEMA,
)


class Storage:
    """Everything that the engine keeps: `HOME/catalog.sqlite`, `HOME/objects/`, `HOME/spool/`."""

    def __init__(self, home: Path, database: Database) -> None:
        """Use `open`."""
        self.home = home
        self.database = database
        self.objects = ObjectStore(home / "objects")
        self.namespaces = namespaces.Namespaces(database)
        self.warehouses = warehouses.Warehouses(database)
        self.accounts = accounts.Accounts(database, self.namespaces, self.warehouses)
        self.users = users.Users(database)
        self.roles = roles.Roles(database)
        self.grants = grants.Grants(database)
        self.graves = graves.Graves(database)
        self.future_grants = future_grants.FutureGrants(database)
        self.sessions = sessions.Sessions(database)
        self.queries = queries.Queries(database, home / "spool")
        self.query_history = query_history.QueryHistory(database)
        self.tables = tables.Tables(database, self.objects, self.queries)
        self.views = views.Views(database)
        self.sequences = sequences.Sequences(database)
        self.policies = policies.Policies(database)
        self.stages = stages.Stages(database, self.objects)
        self.file_formats = file_formats.FileFormats(database)
        self.functions = routines.Routines(database, "functions")
        self.procedures = routines.Routines(database, "procedures")
        self.garbage = garbage.Garbage(database, self.objects)

    @classmethod
    def open(cls, home: Path, extra_schemas: Sequence[Schema] = (), *, clock: Clock | None = None) -> Storage:
        """Opens the home at `home`, making what is not there (0700), with the tables of the parts in `extra_schemas`.

        Raises:
            SchemaError: the catalog on disk is not one that this version can use.
        """
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        return cls(home, Database.open(home / "catalog.sqlite", (*SCHEMAS, *extra_schemas), clock=clock))

    def pin(self, sha256s: Iterable[str]) -> AbstractContextManager[None]:
        """While the block runs, garbage collection keeps these objects. Pin, then open."""
        return self.garbage.pin(sha256s)

    def collect_garbage(self, grace_seconds: float = garbage.GRACE_SECONDS) -> garbage.Collected:
        """Deletes objects that nothing has pointed at for `grace_seconds`; see `Garbage.collect`."""
        return self.garbage.collect(grace_seconds)

    def close(self) -> None:
        """Closes the catalog's connections."""
        self.database.close()
