"""`Executor`: one statement, for one session, to its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from cleanroom_ml.engine.sql.binds import NO_BINDS, Binds
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.alter import AlterObject
from cleanroom_ml.engine.sql.read.block import Block
from cleanroom_ml.engine.sql.read.call import Call
from cleanroom_ml.engine.sql.read.classify import classify
from cleanroom_ml.engine.sql.read.copy_into import CopyInto
from cleanroom_ml.engine.sql.read.describe import Describe
from cleanroom_ml.engine.sql.read.dml import Delete, Insert, Merge, Update
from cleanroom_ml.engine.sql.read.drop import Drop
from cleanroom_ml.engine.sql.read.file_format import CreateFileFormat
from cleanroom_ml.engine.sql.read.grant import Grant
from cleanroom_ml.engine.sql.read.namespace import CreateDatabase, CreateSchema
from cleanroom_ml.engine.sql.read.pool import CreateComputePool
from cleanroom_ml.engine.sql.read.query import InferSchema, Query
from cleanroom_ml.engine.sql.read.session import AlterSession, SetVariable, UnsetVariable
from cleanroom_ml.engine.sql.read.show import Show
from cleanroom_ml.engine.sql.read.stage import AlterStage, CreateStage
from cleanroom_ml.engine.sql.read.stage_files import Get, ListFiles, Put, Remove
from cleanroom_ml.engine.sql.read.statement import Statement
from cleanroom_ml.engine.sql.read.table import AlterTable, CreateTable, Truncate
from cleanroom_ml.engine.sql.read.transaction import Begin, Commit, Rollback
from cleanroom_ml.engine.sql.read.use import Use
from cleanroom_ml.engine.sql.read.view import CreateView
from cleanroom_ml.engine.sql.read.warehouse import CreateWarehouse
from cleanroom_ml.engine.statements import policy
from cleanroom_ml.engine.statements.account_catalog import AccountCatalog
from cleanroom_ml.engine.statements.kinds import call as calls
from cleanroom_ml.engine.statements.kinds import copy_into, describe, dml, file_transfer, show
from cleanroom_ml.engine.statements.kinds import grant as grants
from cleanroom_ml.engine.statements.kinds import namespace as ddl_namespaces
from cleanroom_ml.engine.statements.kinds import query as queries
from cleanroom_ml.engine.statements.kinds import session as context
from cleanroom_ml.engine.statements.kinds import stage as stages
from cleanroom_ml.engine.statements.kinds import table as ddl_tables
from cleanroom_ml.engine.statements.kinds import transaction as transaction_statements
from cleanroom_ml.engine.statements.kinds import view as views
from cleanroom_ml.engine.statements.kinds import warehouse as warehouses
from cleanroom_ml.engine.statements.patterns import Patterns
from cleanroom_ml.engine.statements.ports import Applications, Pools, Procedures, StatementCatalog, Written
from cleanroom_ml.engine.statements.result_scan import JobCatalog
from cleanroom_ml.engine.statements.results import Rows, StatementResult, decode, success
from cleanroom_ml.engine.statements.stage_reader import StageReader
from cleanroom_ml.engine.statements.transactions import Transactions, overlaid
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.engine.warehouse.pool import OnStart, Warehouse

RoomCatalogs = Callable[[Session], StatementCatalog]
Handler = Callable[[Work, Any], StatementResult]

_DROPS: Mapping[str, Handler] = {
    "TABLE": ddl_tables.drop_table,
    "VIEW": views.drop_view,
    "DATABASE": ddl_namespaces.drop_database,
    "SCHEMA": ddl_namespaces.drop_schema,
    "STAGE": stages.drop_stage,
    "FILE FORMAT": stages.drop_file_format,
    "WAREHOUSE": warehouses.drop_warehouse,
    "COMPUTE POOL": warehouses.drop_compute_pool,
}
_HANDLERS: Mapping[type[Statement], Handler] = {
    Query: queries.query,
    InferSchema: queries.infer_schema,
    Insert: dml.insert,
    Update: dml.update,
    Delete: dml.delete,
    Merge: dml.merge,
    Truncate: dml.truncate,
    CopyInto: copy_into.copy_into,
    CreateTable: ddl_tables.create_table,
    AlterTable: ddl_tables.alter_table,
    CreateView: views.create_view,
    CreateDatabase: ddl_namespaces.create_database,
    CreateSchema: ddl_namespaces.create_schema,
    CreateStage: stages.create_stage,
    AlterStage: stages.alter_stage,
    CreateFileFormat: stages.create_file_format,
    CreateWarehouse: warehouses.create_warehouse,
    CreateComputePool: warehouses.create_compute_pool,
    AlterObject: warehouses.alter_object,
    Put: file_transfer.put,
    Get: file_transfer.get,
    ListFiles: stages.list_files,
    Remove: stages.remove,
    Show: show.show,
    Describe: describe.describe,
    Use: context.use,
    AlterSession: context.alter_session,
    SetVariable: context.set_variable,
    UnsetVariable: context.unset_variable,
    Begin: transaction_statements.begin,
    Commit: transaction_statements.commit,
    Rollback: transaction_statements.rollback,
    Grant: grants.grant,
    Call: calls.call,
    Block: calls.block,
}
# These commit an open transaction first, as on Snowflake.
_DDL = (
    CreateTable, AlterTable, CreateView, CreateDatabase, CreateSchema, CreateStage,
    AlterStage, CreateFileFormat, CreateWarehouse, CreateComputePool, Drop, Grant,
    Truncate,
)  # fmt: skip
_BATCHED = (Update, Delete, Merge)
_MOST_NESTED = 3


class Executor:
    """Executes statements. Blocking and thread-safe; the statements of one session one at a time.

    Args:
        procedures: what CALL reaches.
        pools: compute pools; None: this engine has none.
        room_catalogs: the catalog of a session of kind `job` or `room`; None: such sessions are refused.
        applications: DESCRIBE APPLICATION and SHOW APPLICATIONS.
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
    ) -> None:
        self._storage = storage
        self._warehouse = warehouse
        self._procedures = procedures
        self._pools = pools
        self._room_catalogs = room_catalogs
        self._applications = applications
        self._patterns = Patterns(warehouse)
        self.transactions = Transactions(storage.sessions)

    def execute(
        self,
        session: Session,
        text: str,
        *,
        binds: Binds | None = None,
        query_id: str,
        request_id: str | None = None,
        describe_only: bool = False,
        on_start: OnStart | None = None,
    ) -> StatementResult:
        """Runs one statement. The session's context changes in `session`, and is kept.

        A request id that this session has used before is answered with what happened then. Where the caller recorded
        the query (`storage.queries.start`), a statement that changes the catalog records its outcome in the same
        transaction: applied and recorded, or neither.

        Raises:
            SqlError: the statement was refused or failed; nothing of it is applied.
        """
        if request_id is not None:
            earlier = self._earlier(session, query_id, request_id)
            if earlier is not None:
                return earlier
        if session.kind == "client":
            catalog: StatementCatalog = AccountCatalog(self._storage, session, self._patterns)
        elif self._room_catalogs is not None:
            catalog = JobCatalog(self._room_catalogs(session), self._storage, session)
        else:
            raise SqlError.unsupported("sessions of jobs and rooms")
        restricted = session.kind != "client"
        return self._execute(session, catalog, text, binds or NO_BINDS, query_id, describe_only, on_start, restricted)

    def execute_in(
        self,
        catalog: StatementCatalog,
        session: Session,
        text: str,
        binds: Binds | None,
        query_id: str,
        *,
        on_start: OnStart | None = None,
        written: Written | None = None,
    ) -> StatementResult:
        """Runs one statement of a room with the names of `catalog` and no others, whoever's session asks.

        `query_id` is that of the CALL which this is a part of: no commit in here stands for the whole of it.

        Raises:
            SqlError: as `execute`; a statement that rooms do not allow; a transaction that it leaves open.
        """
        try:
            result = self._execute(
                session, catalog, text, binds or NO_BINDS, query_id, False, on_start, True, written=written
            )
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
        on_start: OnStart | None,
        restricted: bool,
        nesting: int = 0,
        written: Written | None = None,
    ) -> StatementResult:
        if nesting > _MOST_NESTED:
            raise SqlError.too_complex()
        statement = classify(text, binds)
        policy.check(statement, restricted=restricted)
        if restricted and session.kind != "job":
            policy.check_template(statement)

        def run(inner: str, variables: Mapping[str, Any]) -> StatementResult:
            bound = Binds(binds.positional, {**binds.named, **variables})
            return self._execute(
                session, catalog, inner, bound, query_id, False, on_start, restricted, nesting + 1, written
            )

        work = Work(
            storage=self._storage,
            warehouse=self._warehouse,
            session=session,
            catalog=catalog,
            stages=StageReader(self._storage, session, catalog.target, self._patterns, temporary_only=restricted),
            transactions=self.transactions,
            query_id=query_id,
            run=run,
            binds=binds,
            on_start=on_start,
            restricted=restricted,
            # A block is many commits: one of them must not stand for the whole.
            recording=nesting == 0
            and (not restricted or session.kind == "job")
            and not isinstance(statement, Block)
            and self._storage.queries.get(query_id) is not None,
            procedures=self._procedures,
            pools=self._pools,
            applications=self._applications,
            written=written,
        )
        if describe_only:
            return _described(work, statement)
        if isinstance(statement, _DDL):
            transaction_statements.commit_before_ddl(work)
        work = replace(work, catalog=overlaid(catalog, self.transactions.current(session)))
        if binds.rows is not None and isinstance(statement, _BATCHED):
            return dml.batched(work, statement)
        work.attempt()
        result = _handler(statement)(work, statement)
        if written is not None:
            written.done()
        return result

    def _earlier(self, session: Session, query_id: str, request_id: str) -> StatementResult | None:
        """The outcome of this request, if it was made before; None where it is to be run."""
        record = self._storage.queries.by_request(session.id, request_id)
        if record is None:
            return None
        match record.state:
            case "SUCCESS":
                rows = None if record.response is None else decode(record.response)
                if rows is None:
                    # The front put its own answer there, and it answers repeated requests before it comes here.
                    raise SqlError.internal(query_id)
                return rows
            case "FAILED" | "ABORTED":
                raise SqlError(
                    record.code or 603, record.sqlstate or "XX000", record.message or "The statement failed."
                )
            case _ if record.query_id != query_id:
                raise SqlError(604, "57014", "The same request is being executed already.")
        return None


def _handler(statement: Statement) -> Handler:
    handler = _DROPS.get(statement.kind) if isinstance(statement, Drop) else _HANDLERS.get(type(statement))
    if handler is None:
        kind = f" {statement.kind}" if isinstance(statement, Drop) else ""
        raise SqlError.unsupported(f"{type(statement).__name__}{kind}")
    return handler


def _described(work: Work, statement: Statement) -> Rows:
    """What the statement would give, without doing anything."""
    if isinstance(statement, Query):
        return queries.describe_query(work, statement)
    if isinstance(statement, InferSchema):
        return queries.describe_inferred(statement)
    if isinstance(statement, Show | Describe):
        result = _handler(statement)(work, statement)
        return replace(result, rows=()) if isinstance(result, Rows) else success()
    return replace(success(), rows=())
