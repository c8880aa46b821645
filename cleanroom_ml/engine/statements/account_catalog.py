"""`AccountCatalog`: the names of one account, for one session. What is another's, or a room's, is not there at all."""

from __future__ import annotations

from functools import partial

from cleanroom_ml.engine.sql.catalog import (
    ContextValues,
    RowsSource,
    Source,
    StagedSource,
    StageReference,
    TableSource,
    ViewSource,
)
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.types.sql_type import parse_type
from cleanroom_ml.engine.statements import information_schema
from cleanroom_ml.engine.statements.refusals import displayed, no_current
from cleanroom_ml.engine.statements.result_scan import Results, earlier_statement, session_result
from cleanroom_ml.engine.statements.stage_reader import PathMatcher, StageReader
from cleanroom_ml.engine.statements.transactions import session_variables
from cleanroom_ml.engine.storage.keys import Key, Table
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage


class AccountCatalog:
    """Resolves names in the standard databases of the session's account: every key that it makes is of that account.

    Args:
        home: (database, schema) that unqualified names mean instead of the session's current ones (a view's text).
        temporaries: whether the session's temporary tables are seen; the text of a view sees none.
        results: what the pipe or block that is under way has given so far.
    """

    def __init__(
        self,
        storage: Storage,
        session: Session,
        matches: PathMatcher,
        *,
        home: tuple[str, str] | None = None,
        temporaries: bool = True,
        results: Results | None = None,
    ) -> None:
        self._storage = storage
        self._session = session
        self._matches = matches
        self._home = home
        self._results = Results() if results is None else results
        self._seen_by = session.id if temporaries else None
        self.stages = StageReader(storage, session, self.target, matches)

    def source(self, parts: tuple[str, ...]) -> Source | None:
        """A table, a view, or a relation of INFORMATION_SCHEMA; None for whatever else, without a difference."""
        database, schema, name = self._qualified(parts)
        if database is None or schema is None or not self._owns(database):
            return None
        if schema == information_schema.NAME:
            return information_schema.relation(self._storage, self._session.account, database, name, self._seen_by)
        key = Key(self._session.account, database, schema, name)
        table = self._storage.tables.get(key, self._seen_by)
        if table is not None:
            return table_source(table)
        view = self._storage.views.get(key)
        if view is None:
            return None
        return ViewSource(tuple(column.name for column in view.columns), view.text, self.within(database, schema))

    def within(self, database: str, schema: str) -> AccountCatalog:
        """The catalog by which a view's text in this schema is resolved: permanent names, from where the view is."""
        return AccountCatalog(self._storage, self._session, self._matches, home=(database, schema), temporaries=False)

    def context(self) -> ContextValues:
        """The session's context."""
        session = self._session
        return ContextValues(
            account=session.account,
            user=session.user,
            role=session.role,
            warehouse=session.warehouse,
            database=session.database,
            schema=session.schema,
            session_id=session.id,
            variables=session_variables(session),
            parameters=session.parameters,
            earlier=partial(earlier_statement, self._storage, session, self._results),
        )

    def target(self, parts: tuple[str, ...], kind: str) -> Key:
        """Where a name lands (see `ports.StatementCatalog`). Raises SqlError."""
        database, schema, name = self._qualified(parts)
        if database is None:
            raise no_current("database")
        if schema is None:
            raise no_current("schema")
        if not self._owns(database):
            raise SqlError.not_found(
                "Database" if len(parts) > 2 else kind, displayed(parts[:1] if len(parts) > 2 else parts)
            )
        if not self._storage.namespaces.schema_exists(self._session.account, database, schema):
            raise SqlError.not_found("Schema", displayed((database, schema)))
        return Key(self._session.account, database, schema, name)

    def staged(self, reference: StageReference) -> StagedSource | None:
        """The files of a stage of this account."""
        return self.stages.staged(reference)

    def directory(self, parts: tuple[str, ...]) -> RowsSource | None:
        """A stage's directory table."""
        return self.stages.directory(parts)

    def result(self, query_id: str) -> TableSource | RowsSource | None:
        """What a statement of this session gave; nothing for the text of a view, which others read too."""
        if self._home is not None:
            return None
        return self._results.get(query_id) or session_result(self._storage, self._session, query_id)

    def _qualified(self, parts: tuple[str, ...]) -> tuple[str | None, str | None, str]:
        database, schema = self._home or (self._session.database, self._session.schema)
        match parts:
            case (name,):
                return database, schema, name
            case (schema, name):
                return database, schema, name
            case (database, schema, name):
                return database, schema, name
        raise SqlError.syntax(f"Invalid identifier {displayed(parts)}")

    def _owns(self, database: str) -> bool:
        # Rooms' databases (kind "application") are the account's too, and only rooms may look into them.
        return self._storage.namespaces.database_kind(self._session.account, database) == "standard"


def table_source(table: Table) -> TableSource:
    """A table of the catalog as `sql` reads it."""
    return TableSource(
        columns=tuple((column.name, parse_type(column.type)) for column in table.columns),
        objects=tuple(item.sha256 for item in table.objects),
        writable=True,
        key=table.key,
        snapshot=table.snapshot,
        defaults={column.name: column.default for column in table.columns if column.default is not None},
        numbers={
            column.name: (table.numbers[column.name], column.step)
            for column in table.columns
            if column.start is not None
        },
    )
