"""`Executor`: one statement, for one session, to its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from cleanroom_ml.engine.contracts.kept import Kept
from cleanroom_ml.engine.sql import settings
from cleanroom_ml.engine.sql.binds import NO_BINDS, Binds, Value
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.classify import classify
from cleanroom_ml.engine.sql.read.dml import Insert
from cleanroom_ml.engine.sql.read.drop import Drop
from cleanroom_ml.engine.sql.read.file_format import CreateFileFormat
from cleanroom_ml.engine.sql.read.stage import CreateStage
from cleanroom_ml.engine.sql.read.statement import Statement
from cleanroom_ml.engine.sql.read.table import CreateTable
from cleanroom_ml.engine.sql.read.view import CreateView
from cleanroom_ml.engine.statements import policy, session_parameters
from cleanroom_ml.engine.statements.account_catalog import AccountCatalog
from cleanroom_ml.engine.statements.kind import AnyKind
from cleanroom_ml.engine.statements.kinds.transaction import commit_open
from cleanroom_ml.engine.statements.nanoseconds import to_the_nanosecond
from cleanroom_ml.engine.statements.patterns import Patterns
from cleanroom_ml.engine.statements.places import placed
from cleanroom_ml.engine.statements.plans import Plans
from cleanroom_ml.engine.statements.ports import (
    Applications,
    Pools,
    Procedures,
    PythonProcedures,
    SharedViews,
    StatementCatalog,
    Written,
)
from cleanroom_ml.engine.statements.refusals import named_in
from cleanroom_ml.engine.statements.registry import kind_of
from cleanroom_ml.engine.statements.result_scan import JobCatalog, Results
from cleanroom_ml.engine.statements.results import StatementResult, decode, stamped, success
from cleanroom_ml.engine.statements.stage_reader import StageReader
from cleanroom_ml.engine.statements.transactions import Transactions, overlaid
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage import temporaries
from cleanroom_ml.engine.storage.keys import Key
from cleanroom_ml.engine.storage.queries import QueryRecord
from cleanroom_ml.engine.storage.rights import Rights
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.engine.warehouse.pool import Warehouse

RoomCatalogs = Callable[[Session], StatementCatalog]
_MOST_NESTED = 8
_NOTHING: Final[Mapping[str, str]] = {}


class Executor:
    """Executes statements. Blocking and thread-safe; the statements of one session one at a time.

    Args:
        procedures: what CALL reaches.
        pools: compute pools; None: this engine has none.
        room_catalogs: the catalog of a session of kind `job` or `room`; None: such sessions are refused.
        applications: DESCRIBE APPLICATION and SHOW APPLICATIONS.
        shared: the views that rooms give accounts for free-form SQL; None: there are none.
    """

    def __init__(
        self,
        storage: Storage,
        warehouse: Warehouse,
        *,
        procedures: Procedures | None = None,
        pools: Pools | None = None,
        room_catalogs: RoomCatalogs | None = None,
        applications: Applications | None = None,
        shared: SharedViews | None = None,
    ) -> None:
        self._storage = storage
        self._warehouse = warehouse
        self._procedures = procedures
        self._pools = pools
        self._room_catalogs = room_catalogs
        self._applications = applications
        self._shared = shared
        self.python: PythonProcedures | None = None
        """What runs procedures in Python; set once all parts of the engine are there."""
        self._patterns = Patterns(warehouse)
        self.transactions = Transactions(storage.sessions)
        self._plans = Plans()
        storage.sessions.on_end(self._plans.forget)

    def execute(
        self,
        session: Session,
        text: str,
        *,
        binds: Binds | None = None,
        query_id: str,
        request_id: str | None = None,
        describe_only: bool = False,
        parameters: Mapping[str, str] | None = None,
    ) -> StatementResult:
        """Runs one statement. The session's context changes in `session`, and is kept.

        `parameters` are the request's own, and go before the session's: how long it may run, how its rows are sent,
        what its dates mean.
        A request id that this session has used before is answered with what happened then. Where the caller recorded
        the query (`storage.queries.start`), a statement that changes the catalog records its outcome in the same
        transaction: applied and recorded, or neither.

        Raises:
            SqlError: the statement was refused or failed; nothing of it is applied.
        """
        recorded: bool | None = None
        if request_id is not None:
            record = self._storage.queries.by_request(session.id, request_id)
            if record is not None:
                earlier = _earlier(record, query_id)
                if earlier is not None:
                    return earlier
                recorded = True
        results = Results(self._warehouse if session.kind == "client" else None)
        if session.kind == "client":
            # Nothing is there for it: each statement has it with what its session's roles may do then.
            nobody = Rights(self._storage, session.account, frozenset(), session.role)
            catalog: StatementCatalog = AccountCatalog(
                self._storage, session, self._patterns, nobody, results=results, shared=self._shared
            )
        elif self._room_catalogs is not None:
            catalog = JobCatalog(self._room_catalogs(session), self._storage, session, results)
        else:
            raise SqlError.unsupported("sessions of jobs and rooms")
        restricted = session.kind != "client"
        session_parameters.check_sent(parameters or {}, session.parameters)
        with results.pins, settings.before_the_sessions(parameters or {}):
            return self._execute(
                session,
                catalog,
                text,
                binds or NO_BINDS,
                query_id,
                describe_only,
                restricted,
                asked=parameters or {},
                results=results,
                recorded=recorded,
                direct=True,
            )

    def execute_in(
        self,
        catalog: StatementCatalog,
        session: Session,
        text: str,
        binds: Binds | None,
        query_id: str,
        *,
        written: Written | None = None,
    ) -> StatementResult:
        """Runs one statement of a room with the names of `catalog` and no others, whoever's session asks.

        `query_id` is that of the CALL which this is a part of: no commit in here stands for the whole of it.

        Raises:
            SqlError: as `execute`; a statement that rooms do not allow; a transaction that it leaves open.
        """
        try:
            result = self._execute(session, catalog, text, binds or NO_BINDS, query_id, False, True, written=written)
        finally:
            left_open = written is not None and self.transactions.end(session) is not None
        if left_open:
            raise SqlError(90232, "40000", "The template left a transaction open. The transaction was rolled back.")
        return result

    def _execute(
        self,
        session: Session,
        catalog: StatementCatalog,
        text: str,
        binds: Binds,
        query_id: str,
        describe_only: bool,
        restricted: bool,
        nesting: int = 0,
        written: Written | None = None,
        asked: Mapping[str, str] = _NOTHING,
        results: Results | None = None,
        acting: Rights | None = None,
        recorded: bool | None = None,
        direct: bool = False,
        depth: int = 0,
        scoped: bool = False,
    ) -> StatementResult:
        if nesting > _MOST_NESTED:
            raise SqlError.too_complex()
        binds = replace(binds, variables=catalog.context().variables, describing=describe_only)
        statement = classify(text, binds)
        policy.check(statement, restricted=restricted)
        kind = kind_of(statement)
        if scoped:
            policy.check_scoped(statement)
        rights = Rights.of_session(self._storage, session) if acting is None else acting
        if acting is not None:
            policy.check_owner(statement)
        if isinstance(catalog, AccountCatalog):
            policy.check_roles(statement, rights)
            catalog = catalog.for_statement(rights, kind.changing(statement), draws=not describe_only)
        if restricted and session.kind != "job":
            policy.check_template(statement)

        def run(inner: str, variables: Mapping[str, Value]) -> StatementResult:
            bound = replace(binds, named={**binds.named, **variables}, rows=None, staged=None)
            return self._execute(
                *(session, catalog, inner, bound, query_id, False, restricted, nesting + 1),
                *(written, asked, results, acting),
                depth=depth,
                scoped=scoped,
            )

        def in_procedure(key: Key | None, owner: str, made: datetime | None) -> Work:
            inner, whose = catalog, acting
            if key is not None and made is not None and isinstance(catalog, AccountCatalog):
                whose = Rights.of_role(self._storage, session.account, owner)
                inner = catalog.of_procedure(key, whose, made)
            elif made is not None and isinstance(catalog, AccountCatalog):
                inner = catalog.of_caller(made)

            def run_there(text: str, variables: Mapping[str, Value]) -> StatementResult:
                return self._execute(
                    *(session, inner, text, replace(NO_BINDS, named=variables), query_id, False, restricted),
                    *(nesting + 1, written, asked, results, whose),
                    depth=depth,
                    scoped=scoped,
                )

            # What a procedure in Python begins is its own; what was open before it is not for it to end.
            around = self.transactions.current(session) is not None

            def run_inside(text: str, given: Binds | None, inner_id: str, describe_only: bool) -> StatementResult:
                return self._execute(
                    *(session, inner, text, given or NO_BINDS, inner_id, describe_only, restricted),
                    *(nesting + 1, written, asked, results, whose),
                    depth=depth + 1,
                    scoped=scoped or around,
                )

            return replace(
                work,
                catalog=inner,
                rights=rights if whose is None else whose,
                run=run_there,
                inside=run_inside,
                binds=NO_BINDS,
                home=work.home if key is None else (key.database, key.schema),
            )

        work = Work(
            storage=self._storage,
            warehouse=self._warehouse,
            session=session,
            catalog=catalog,
            stages=StageReader(
                self._storage, session, catalog.target, self._patterns, rights, temporary_only=restricted
            ),
            rights=rights,
            transactions=self.transactions,
            query_id=query_id,
            run=run,
            acting=in_procedure,
            home=catalog.home if isinstance(catalog, AccountCatalog) else None,
            binds=binds,
            wire=kind.wire,
            asked=asked,
            restricted=restricted,
            # A block is many commits: one of them must not stand for the whole.
            recording=nesting == 0
            and (not restricted or session.kind == "job")
            and kind.one_commit
            and (self._storage.queries.get(query_id) is not None if recorded is None else recorded),
            procedures=self._procedures,
            pools=self._pools,
            applications=self._applications,
            shared=None if restricted else self._shared,
            written=written,
            results=results,
            keep=self._kept(session, rights) if direct else None,
            python=self.python,
            depth=depth,
            as_owner=acting is not None,
            nested=nesting > 0,
            plans=self._plans if direct and acting is None and isinstance(catalog, AccountCatalog) else None,
        )
        if isinstance(catalog, AccountCatalog):
            work = replace(work, distance=catalog.distance)
        if binds.staged is not None and not isinstance(statement, Insert):
            raise SqlError.unsupported("values that are bound through a stage, in another statement than INSERT")
        if describe_only:
            try:
                return _described(work, kind, statement)
            except SqlError as error:
                raise placed(error, text) from error
        if kind.commits and not kind.leaves_open(statement) and not (direct and _leaves_open(asked, statement)):
            commit_open(work)
        work = replace(work, catalog=overlaid(catalog, self.transactions.current(session)))
        if binds.rows is not None and kind.batch is not None:
            with temporaries.made_by(rights.role):
                return stamped(kind.batch(work, statement), kind.wire)

        def once() -> StatementResult:
            work.attempt()
            return kind.run(work, statement)

        try:
            with temporaries.made_by(rights.role):
                result = stamped(to_the_nanosecond(once) if kind.again else once(), kind.wire)
        except SqlError as error:
            named = placed(named_in(error, statement), text)
            if named is error:
                raise
            raise named from error
        if written is not None:
            written.done()
        return result

    def _kept(self, session: Session, rights: Rights) -> Kept | None:
        """The process of a worker that serves what a session itself sends may serve what it sends next: until anything
        changes, here or in its roles. What is sent by others in its name (a template's statements) is never served so.
        """
        changes = self._storage.database.changes
        return None if changes % 2 else Kept(session.id, (session.role, rights.roles, changes))


def _leaves_open(asked: Mapping[str, str], statement: Statement) -> bool:
    """Whether a client says that its DDL, which it sends for itself, is no end of the open transaction: Snowpark of its
    temporary objects (snowpark: `server_connection.run_query`), and of nothing else here.
    """
    if asked.get("SNOWPARK_SKIP_TXN_COMMIT_IN_DDL", "").lower() != "true":
        return False
    if isinstance(statement, Drop):
        return statement.kind in {"TABLE", "VIEW", "STAGE", "FILE FORMAT"}
    if isinstance(statement, CreateTable):
        return statement.kind == "TEMPORARY"
    return isinstance(statement, CreateView | CreateStage | CreateFileFormat) and statement.temporary


def _earlier(record: QueryRecord, query_id: str) -> StatementResult | None:
    """The outcome of a request, if it was made before; None where it is to be run."""
    match record.state:
        case "SUCCESS":
            rows = None if record.response is None else decode(record.response)
            if rows is None:
                # The front put its own answer there, and it answers repeated requests before it comes here.
                raise SqlError.internal(query_id)
            return rows
        case "FAILED" | "ABORTED":
            raise SqlError(record.code or 603, record.sqlstate or "XX000", record.message or "The statement failed.")
        case _ if record.query_id != query_id:
            raise SqlError(604, "57014", "The same request is being executed already.")
    return None


def _described(work: Work, kind: AnyKind, statement: Statement) -> StatementResult:
    """What the statement would give, without doing anything."""
    found = kind.columns(work, statement) if kind.columns is not None else success()
    return stamped(replace(found, rows=()), None if kind.columns is None else kind.wire)
