"""`AccountCatalog`: the names of one account, for one session. What is another's, or a room's, is not there at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final

from cleanroom_ml.engine.sql.catalog import (
    ContextValues,
    Drawn,
    PastMoment,
    RoleValues,
    RowsSource,
    Source,
    StagedSource,
    StageReference,
    TableSource,
    ViewSource,
)
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.routines import Distance, Routine, UserFunction
from cleanroom_ml.engine.statements import information_schema, system_relations
from cleanroom_ml.engine.statements.ddl import Ddl
from cleanroom_ml.engine.statements.information_schema_rows import Seen
from cleanroom_ml.engine.statements.ports import FREEFORM, SharedViews
from cleanroom_ml.engine.statements.refusals import displayed, exhausted, no_current
from cleanroom_ml.engine.statements.result_scan import Results, earlier_statement, session_result
from cleanroom_ml.engine.statements.stage_reader import PathMatcher, StageReader
from cleanroom_ml.engine.statements.table_sources import table_source
from cleanroom_ml.engine.statements.time_travel import past_objects
from cleanroom_ml.engine.statements.transactions import open_transaction, session_variables
from cleanroom_ml.engine.storage.errors import NotFound
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.keys import Key, Table, View
from cleanroom_ml.engine.storage.rights import Rights
from cleanroom_ml.engine.storage.sequences import Exhausted
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage

_APPLICATION: Final = "SFDCR_"
# Documented as `<collaboration>.activation.segment_records`; published worksheets read it in SFDCR_<COLLABORATION>.
_ACTIVATED: Final = ("ACTIVATION", "SEGMENT_RECORDS")


class AccountCatalog:
    """Resolves names in the standard databases of the session's account: every key that it makes is of that account,
    and nothing is there that its roles have no privilege on.

    Args:
        rights: what the session's roles may do; of a view's text, what the view's owner may.
        changing: the privileges that the statement needs on the table that it changes.
        home: (database, schema) that unqualified names mean instead of the session's current ones (a view's text).
        temporaries: whether the session's temporary tables are seen; the text of a view sees none.
        private: what is set in the session is not seen: its variables, and its role.
        results: what the pipe or block that is under way has given so far.
        draws: whether numbers of sequences are used up; not by whoever only asks what a statement would give.
        shared: the views of clean rooms that roles of the account may query; None: there are none.
        since: results of statements before it, which may be of another role's, are not there; None: all are.
        made: of a kept text, a view's, a function's or a procedure's: when it was written; None: it is sent now.
    """

    def __init__(
        self,
        storage: Storage,
        session: Session,
        matches: PathMatcher,
        rights: Rights,
        *,
        changing: frozenset[str] = frozenset(),
        home: tuple[str, str] | None = None,
        temporaries: bool = True,
        results: Results | None = None,
        private: bool = False,
        draws: bool = True,
        shared: SharedViews | None = None,
        since: datetime | None = None,
        made: datetime | None = None,
    ) -> None:
        self._storage = storage
        self._session = session
        self._matches = matches
        self.rights = rights
        self._changing = changing
        self.home = home
        self._private = private
        self._results = Results() if results is None else results
        self._draws = draws
        self._shared = shared
        self._since = since
        self._made = made
        self._seen_by = session.id if temporaries else None
        self.stages = StageReader(storage, session, self.target, matches, rights)

    def for_statement(
        self, rights: Rights, changing: frozenset[str], *, draws: bool = True, made: datetime | None = None
    ) -> AccountCatalog:
        """The same names, for one statement: with what the roles may do now, and what it needs on what it changes.
        `made`: of a text that was written before what calls it.
        """
        return AccountCatalog(
            *(self._storage, self._session, self._matches, rights),
            changing=changing,
            home=self.home,
            temporaries=self._seen_by is not None,
            results=self._results,
            private=self._private,
            draws=draws,
            shared=self._shared,
            since=self._since,
            made=made or self._made,
        )

    def source(self, parts: tuple[str, ...]) -> Source | None:
        """A table, a view, or a relation of INFORMATION_SCHEMA; None for whatever else, without a difference."""
        shared = self._shared_view(parts)
        if shared is not None:
            return shared
        found = None if system_relations.always(self._qualified(parts)) else self._relation(parts)
        if found is None:
            if len(parts) == 2 and self._qualified(parts)[0] is None:
                raise no_current("database")
            return self._of_the_system(parts)
        database, schema, name = found
        if schema == information_schema.NAME:
            return information_schema.relation(self._seen(database), name)
        key = Key(self._session.account, database, schema, name)
        table = self._storage.tables.get(key, self._seen_by)
        view = None
        if table is None or (table.session_id is None and self._seen_by is not None):
            view = self._storage.views.get(key, self._seen_by)
        if view is not None and view.session_id is not None:  # it hides what is permanent
            return _view_source(view, self.within(key, view.role, view.created_on, temporaries=True))
        if table is not None:
            return table_source(table, writable=self._may_change(table)) if self._may("SELECT", table) else None
        if view is None or not self.rights.reaches("SELECT", Thing.of("VIEW", key)):
            return None
        owner = self._storage.grants.owner(key.account, Thing.of("VIEW", key))
        return _view_source(view, self.within(key, owner, view.created_on))

    def guarded(self, parts: tuple[str, ...]) -> ViewSource | None:
        """A view of a clean room that has policies on the queries that read it."""
        found = self._shared_view(parts)
        return found if found is not None and found.guard is not None and found.guard.constrains else None

    def _shared_view(self, parts: tuple[str, ...]) -> ViewSource | None:
        """A view for free-form SQL, in a room's own database (cleanrooms/free-form-sql)."""
        database, schema, name = self._qualified(parts)
        if self._shared is None or schema != FREEFORM or database is None or not database.startswith(_APPLICATION):
            return None
        return self._shared.source(self._session.account, self.rights, database, name)

    def source_at(self, parts: tuple[str, ...], moment: PastMoment) -> TableSource | None:
        """A table as it was, for whoever may read it as it is (sql-reference/constructs/at-before: historical
        data has the access control of the current one). Raises SqlError.
        """
        source = self.source(parts)
        if source is None:
            return None
        table = None
        if isinstance(source, TableSource) and isinstance(source.key, Key):
            table = self._storage.tables.get(source.key, self._seen_by)
        if table is None or not isinstance(source, TableSource):
            raise SqlError.unsupported("AT | BEFORE of what is no table")
        objects = past_objects(self._storage, self._session, table, moment)
        bounds = {each.sha256: each.bounds for each in objects}
        return replace(source, objects=tuple(each.sha256 for each in objects), bounds=bounds, writable=False, rows=None)

    def written(self, parts: tuple[str, ...]) -> Source | None:
        """The table that the statement changes: it may be written without being read."""
        found = self._relation(parts)
        if found is None or found[1] == information_schema.NAME:
            return None
        key = Key(self._session.account, *found)
        table = self._storage.tables.get(key, self._seen_by)
        if table is None or (table.session_id is None and self._hidden(key)):
            return self.source(parts)
        if table.session_id is None and not self.rights.finds(Thing.of("TABLE", key)):
            return None
        return table_source(table, writable=self._may_change(table))

    def within(
        self, key: Key, owner: str, made: datetime, *, draws: bool = True, temporaries: bool = False
    ) -> AccountCatalog:
        """The catalog by which a view's text is resolved: names from where the view is, and what the role that owns it
        may read, whoever asks. `temporaries`: of a temporary view, which sees those of its session; `made`: when it was
        written.
        """
        rights = Rights.of_role(self._storage, self._session.account, owner)
        return AccountCatalog(
            *(self._storage, self._session, self._matches, rights),
            home=(key.database, key.schema),
            temporaries=temporaries and self._seen_by is not None,
            draws=draws and self._draws,
            shared=self._shared,
            made=made,
        )

    def functions(self, parts: tuple[str, ...]) -> Sequence[UserFunction]:
        """The functions of a name that the session's roles may use."""
        database, schema, name = self._qualified(parts)
        if database is None or schema is None or not self._owns(database):
            return ()
        key = Key(self._session.account, database, schema, name)
        found = []
        for each in self._storage.functions.of_name(key, self._seen_by):
            thing = Thing.of("FUNCTION", each.key)
            if each.session_id is None and not self.rights.reaches("USAGE", thing):
                continue
            owner = None if each.session_id is not None else self._storage.grants.owner(key.account, thing)
            role = owner or self.rights.role
            found.append(
                UserFunction(
                    Routine.from_json(each.definition),
                    self.of_definer(key, owner, each.created_on),
                    owner=f"{key.account} {role}",
                    silent=role != self._session.role,
                    distance=self.distance(role, each.named_on),
                )
            )
        return found

    def distance(self, owner: str, named_on: datetime) -> Distance:
        """How far a function or procedure is from whoever wrote the text that calls it: nobody else makes that call
        another one by something that takes the same arguments better.
        """
        found = Distance.of(owner, self.rights.role, named_on, self._made)
        # With its caller's rights a text has no names of its own: what was there when it was written is all as near.
        return Distance.OWN if self.home is None and found is Distance.OLDER else found

    def of_caller(self, made: datetime) -> AccountCatalog:
        """The catalog of a procedure with its caller's rights: the same names. Older is what is so for each text."""
        return self.for_statement(self.rights, self._changing, draws=self._draws, made=min(made, self._made or made))

    def of_definer(self, key: Key, owner: str | None, made: datetime) -> AccountCatalog:
        """The catalog by which the text of a function is resolved: from where the function is, with what the role that
        owns it may read; of a temporary one (`owner` None) with what the session that made it may.
        """
        if owner is not None:
            return self.within(key, owner, made)
        return AccountCatalog(
            *(self._storage, self._session, self._matches, self.rights),
            home=(key.database, key.schema),
            temporaries=self._seen_by is not None,
            shared=self._shared,
            made=made,
        )

    def of_procedure(self, key: Key, rights: Rights, made: datetime) -> AccountCatalog:
        """The catalog of a procedure that runs with the rights of the role that owns it: short names mean what is where
        the procedure is; the session's temporary things are there, its variables are not. `made`: when it was written.
        """
        return AccountCatalog(
            *(self._storage, self._session, self._matches, rights),
            home=(key.database, key.schema),
            results=self._results,
            private=True,
            shared=self._shared,
            since=self._since or self._storage.database.now(),
            made=made,
        )

    def draw(self, parts: tuple[str, ...], count: int | None) -> Drawn | None:
        """Numbers of a sequence that the roles may use. Raises SqlError: it has no more."""
        found = self._relation(parts)
        if found is None:
            return None
        key = Key(self._session.account, *found)
        sequence = self._storage.sequences.get(key)
        if sequence is None or not self.rights.reaches("USAGE", Thing.of("SEQUENCE", key)):
            return None
        if not self._draws:
            return Drawn(sequence.next or 0, sequence.step)
        try:
            taken = self._storage.sequences.take(key, count)
        except NotFound:
            return None
        except Exhausted:
            raise exhausted(parts) from None
        return Drawn(taken.first, taken.step, taken)

    def context(self) -> ContextValues:
        """The session's context; in a procedure with its owner's rights the current schema is that of the procedure
        (developer-guide/stored-procedure/stored-procedures-rights).
        """
        session = self._session
        here = self.home if self._private and self.home is not None else (session.database, session.schema)
        return ContextValues(
            account=session.account,
            user=session.user,
            role=self.rights.role if self._private else session.role,
            warehouse=session.warehouse,
            database=here[0],
            schema=here[1],
            session_id=session.id,
            variables={} if self._private else session_variables(session),
            parameters=session.parameters,
            ddl=Ddl(self._storage, session.account, self.rights, self.target, self._seen_by),
            transaction=open_transaction(session),
            earlier=partial(earlier_statement, self._storage, session, self._results),
            roles=RoleValues(
                lambda: self._storage.roles.available(session.account, session.user),
                lambda: self._storage.roles.secondary(session.id),
                lambda: self._storage.roles.direct(session.account, session.user),
                lambda: self.rights.roles,
            ),
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
        there = self._storage.namespaces.schema_exists(self._session.account, database, schema)
        if not there or not self.rights.enters(database, schema):
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
        if self.home is not None and not self._private:
            return None
        known = self._results.get(query_id)
        return known or session_result(self._storage, self._session, query_id, self._results, since=self._since)

    def _qualified(self, parts: tuple[str, ...]) -> tuple[str | None, str | None, str]:
        database, schema = self.home or (self._session.database, self._session.schema)
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
        kind = self._storage.namespaces.database_kind(self._session.account, database)
        return kind == "standard" and self.rights.enters(database)

    def _relation(self, parts: tuple[str, ...]) -> tuple[str, str, str] | None:
        """Where a table or view of this name would be; None where the session has nothing at all."""
        database, schema, name = self._qualified(parts)
        if (schema, name) == _ACTIVATED and database is not None and database.startswith(_APPLICATION):
            database = self._activated_in(database)
        if database is None or schema is None or not self._owns(database):
            return None
        return database, schema, name

    def _activated_in(self, application: str) -> str:
        """The database that has what was activated in a room, which people also ask for by the room's application."""
        there = self._storage.namespaces.database_kind(self._session.account, application) == "application"
        return application.removeprefix(_APPLICATION) if there else application

    def _of_the_system(self, parts: tuple[str, ...]) -> RowsSource | None:
        """What every account has."""
        database, schema, name = self._qualified(parts)
        if database is None or schema is None:
            return None
        return system_relations.relation(self._seen(database), (database, schema, name))

    def _seen(self, database: str) -> Seen:
        session = self._session
        of_room = self._shared is not None and database.startswith(_APPLICATION)
        views = self._shared.listed(session.account, self.rights, database) if of_room and self._shared else ()
        whose = (session.account, session.user, database, self._seen_by, self.rights, views)
        return Seen(self._storage, *whose, of_a_text=self.home is not None)

    def _hidden(self, key: Key) -> bool:
        """Whether a temporary view stands before what is permanent under this name."""
        view = None if self._seen_by is None else self._storage.views.get(key, self._seen_by)
        return view is not None and view.session_id is not None

    def _may(self, privilege: str, table: Table) -> bool:
        # A temporary table is the session's that made it, and nobody else's.
        return table.session_id is not None or self.rights.reaches(privilege, Thing.of("TABLE", table.key))

    def _may_change(self, table: Table) -> bool:
        return bool(self._changing) and all(self._may(privilege, table) for privilege in self._changing)


def _view_source(view: View, catalog: AccountCatalog) -> ViewSource:
    return ViewSource(tuple(column.name for column in view.columns), view.text, catalog)
