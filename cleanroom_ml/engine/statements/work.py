"""`Work`: one statement under way, with everything that its handler may use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlglot import exp

from cleanroom_ml.engine.contracts.kept import Kept
from cleanroom_ml.engine.contracts.result_format import ResultFormat, asked_format
from cleanroom_ml.engine.contracts.statement_time import allowed_seconds
from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.binds import NO_BINDS, Binds, Value
from cleanroom_ml.engine.sql.catalog import Drawn
from cleanroom_ml.engine.sql.compile.queries import compile_scalars
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.routines import Distance
from cleanroom_ml.engine.statements.plans import Plans
from cleanroom_ml.engine.statements.ports import (
    Applications,
    Pools,
    Procedures,
    PythonProcedures,
    RunInside,
    SharedViews,
    StatementCatalog,
    Written,
)
from cleanroom_ml.engine.statements.refusals import displayed, insufficient, no_privilege
from cleanroom_ml.engine.statements.result_scan import Results
from cleanroom_ml.engine.statements.results import StatementResult, encode
from cleanroom_ml.engine.statements.stage_reader import StageReader
from cleanroom_ml.engine.statements.time_travel import fixed
from cleanroom_ml.engine.statements.transactions import Overlay, Transactions
from cleanroom_ml.engine.storage.changes import AlterColumns, Change, CreateTable, DropTable, RenameTable, RequestRecord
from cleanroom_ml.engine.storage.errors import SnapshotConflict
from cleanroom_ml.engine.storage.grants import OWNERSHIP, Granted, Thing
from cleanroom_ml.engine.storage.keys import Key, Table, View
from cleanroom_ml.engine.storage.rights import Rights
from cleanroom_ml.engine.storage.roles import ADMIN
from cleanroom_ml.engine.storage.sequences import Taken
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.engine.warehouse.pool import Warehouse
from cleanroom_ml.naming import display

# Kinds of things that are in no schema.
_ALONE = frozenset({"DATABASE", "SCHEMA", "WAREHOUSE", "COMPUTE POOL", "ROLE"})


@dataclass(frozen=True, slots=True)
class Work:
    """One statement of one session.

    Args:
        catalog: the only way to names; as the session's open transaction sees it.
        stages: the only way to stages.
        rights: what the session's roles may do. Of a job or a room: everything, as their names are bounded already.
        wire: the statement type of its kind; None: the result says which.
        asked: parameters of the request alone, which go before the session's.
        restricted: a job's or a room's session, whose world is its room.
        recording: the query was started in storage, so that a commit can record its outcome with it.
        results: what the pipe or block that this belongs to has given so far; None: a template's, whose rows are not
            to be scanned by what comes after.
        acting: this statement as what a procedure at a key does for the role that owns it; without a key, for its
            caller; and when its text was written, if it is kept. Nothing that is bound in the CALL is seen there.
        home: (database, schema) that short names mean in a procedure with its owner's rights.
        distance: how far a procedure of an owner, that has had its name since a time, is from this statement.
        copies_grants: what is made has the grants of what it replaces, and no others.
        keep: whose requests a worker's process may go on with that serves this one; None: it ends with it.
        written: what the run that this statement belongs to has read and written; None: it belongs to none.
        inside: one statement of a procedure in Python that this statement calls, with its own query id; of `acting`'s
            work alone.
        python: what runs procedures in Python; None: nothing does.
        depth: how many procedures in Python this statement is in.
        as_owner: it is a statement of a procedure with its owner's rights.
        nested: it is one of a pipe, a block, a file or a procedure.
        plans: those that were made before for what sessions send themselves.
    """

    storage: Storage
    warehouse: Warehouse
    session: Session
    catalog: StatementCatalog
    stages: StageReader
    rights: Rights
    transactions: Transactions
    query_id: str
    run: Callable[[str, Mapping[str, Value]], StatementResult]
    acting: Callable[[Key | None, str, datetime | None], Work]
    binds: Binds = NO_BINDS
    wire: int | None = None
    asked: Mapping[str, str] = field(default_factory=dict)
    restricted: bool = False
    recording: bool = False
    procedures: Procedures | None = None
    pools: Pools | None = None
    applications: Applications | None = None
    shared: SharedViews | None = None
    written: Written | None = None
    results: Results | None = None
    home: tuple[str, str] | None = None
    distance: Callable[[str, datetime], Distance] = field(default=lambda owner, named_on: Distance.OWN)
    copies_grants: bool = False
    keep: Kept | None = None
    inside: RunInside | None = None
    python: PythonProcedures | None = None
    depth: int = 0
    as_owner: bool = False
    nested: bool = False
    plans: Plans | None = None

    @property
    def plannable(self) -> bool:
        """Whether the statement is made of its text, its session and the catalog alone (plans.py): nothing is
        bound to it, and no transaction is open, whose rows are in no catalog.
        """
        bound = self.binds.positional or self.binds.named or self.binds.rows or self.binds.staged
        return not bound and self.transactions.current(self.session) is None

    @property
    def seconds(self) -> float:
        """The statement's time limit: the request's own, or the session's."""
        return allowed_seconds(self.asked, self.session.parameters)

    @property
    def sent_as(self) -> ResultFormat:
        """The form in which a query's rows are asked for."""
        return asked_format(self.asked, self.session.parameters)

    def encoded(self, reply: Rows) -> str:
        """A reply as the record of the statement keeps it."""
        return encode(reply if self.wire is None else replace(reply, statement_type=self.wire))

    @contextmanager
    def recorded(self, reply: Rows) -> Iterator[None]:
        """One transaction of the catalog that also records `reply`, with which a repeated request is then answered."""
        with self.storage.database.transaction():
            yield
            if self.recording:
                self.storage.queries.finish(self.query_id, self.encoded(reply))

    def commit(self, changes: list[Change], reply: Rows) -> tuple[bool, ...]:
        """`Tables.commit` with the reply recorded. Raises what it raises."""
        return self.change(changes, RequestRecord(self.query_id, self.encoded(reply)) if self.recording else None)

    def change(self, changes: Sequence[Change], request: RequestRecord | None = None) -> tuple[bool, ...]:
        """`Tables.commit`, and the run that this statement belongs to knows of it. Every change of a table goes here.

        Raises what `Tables.commit` raises; SnapshotConflict also where the run is bound to another snapshot of a table.
        """
        with self.storage.database.transaction():
            for change in changes:
                self._check_bound(change)
                self._check_owned(change)
            done = self.storage.tables.commit(changes, request=request)
            for change, made in zip(changes, done, strict=True):
                if isinstance(change, CreateTable) and made and change.session_id is None:
                    self.made(Thing.of("TABLE", change.key))
            if self.written is not None:
                self.written.record(changes, done)
        return done

    def made(self, thing: Thing) -> None:
        """What this statement made is its session's role's; called in the transaction that makes it.

        What nobody says this of is ADMIN's, so that whoever forgets it gives nothing away.
        """
        if self.restricted:
            return
        account = self.session.account
        if self.rights.role != ADMIN:
            self.storage.grants.own(account, thing, self.rights.role)
        if self.copies_grants:
            return  # sql-reference/sql/create-table, COPY GRANTS: then there are no future ones
        for each in self.storage.future_grants.on(account, thing):
            self.storage.grants.grant(
                account, thing, (each.privilege,), each.grantee, by=each.granted_by, option=each.grant_option
            )

    def grants_on(self, thing: Thing) -> Sequence[Granted]:
        """What COPY GRANTS copies: every grant but the ownership."""
        held = self.storage.grants.list(self.session.account, thing=thing)
        return [each for each in held if each.privilege != OWNERSHIP]

    def grant_again(self, copied: Sequence[Granted]) -> None:
        """Gives what `grants_on` found to what is there now, as this statement's role; in the same transaction
        (sql-reference/sql/create-table, "COPY GRANTS": whoever replaces a table has given what is copied).
        """
        for each in copied:
            self.storage.grants.grant(
                self.session.account,
                each.thing,
                (each.privilege,),
                each.grantee,
                by=self.rights.role,
                option=each.grant_option,
                grantee_kind=each.grantee_kind,
            )

    def require(self, privilege: str, thing: Thing) -> None:
        """Refuses a thing that the session's roles do not have this privilege on.

        Raises:
            SqlError: not found, where they have none at all; else insufficient privileges.
        """
        in_schema = thing.kind not in _ALONE
        if self.rights.reaches(privilege, thing) if in_schema else self.rights.has(privilege, thing):
            return
        if not (self.rights.finds(thing) if in_schema else self.rights.sees(thing)):
            raise SqlError.not_found(thing.kind, displayed(thing.parts))
        raise no_privilege(thing.kind, displayed(thing.parts))

    def managing(self) -> Work:
        """The same statement for whoever manages the account's grants: every thing is there to be granted."""
        if self.rights.everything or not self.rights.in_account("MANAGE GRANTS"):
            return self
        rights = Rights.of_role(self.storage, self.session.account, ADMIN)
        changing = getattr(self.catalog, "for_statement", None)
        return self if changing is None else replace(self, rights=rights, catalog=changing(rights, frozenset()))

    def require_in_account(self, privilege: str) -> None:
        """Refuses what needs a privilege on the account. Raises SqlError."""
        if not self.rights.in_account(privilege):
            raise insufficient(
                f"it needs {privilege} on the account: "
                f"GRANT {privilege} ON ACCOUNT TO ROLE {display(self.session.role)}"
            )

    def give_back(self, drawn: Sequence[Drawn], used: int) -> None:
        """Of these numbers of sequences, the first `used` are in use: the others may be given again."""
        for each in reversed(drawn):
            if isinstance(each.taken, Taken):
                self.storage.sequences.give_back(each.taken, used)

    def fixed(self, tree: exp.Expr) -> exp.Expr:
        """A tree whose AT | BEFORE are points in time. Raises SqlError."""
        return fixed(tree, self.constants, self.storage.database.now())

    def constants(self, expressions: Sequence[exp.Expr]) -> Sequence[Value]:
        """The values of expressions without names, computed by a worker like all expressions."""
        compiled = compile_scalars(expressions, self.catalog, self.binds)
        _, rows = self.warehouse.rows(compiled, query_id=self.query_id, timeout=self.seconds)
        return rows[0]

    def bound(self, key: Key) -> int | None:
        """The snapshot of a table that this statement's run is bound to; None: it is free, or there is no run."""
        return None if self.written is None else self.written.bound(key)

    def attempt(self) -> None:
        """The statement is tried (again): it reads what is there now, but for what its run is bound to."""
        if self.written is not None:
            self.written.begin()

    def _check_bound(self, change: Change) -> None:
        bound = None if isinstance(change, CreateTable | DropTable) else self.bound(change.key)
        if bound is not None:
            table = self.storage.tables.get(change.key, self.session.id)
            if table is None or table.snapshot != bound:
                raise SnapshotConflict(str(change.key), base=bound, current=0 if table is None else table.snapshot)

    def _check_owned(self, change: Change) -> None:
        """What is replaced, dropped or altered must be the session's roles' in the very transaction that does it."""
        if self.restricted or not isinstance(change, CreateTable | DropTable | RenameTable | AlterColumns):
            return
        if isinstance(change, CreateTable) and (change.if_exists != "replace" or change.session_id is not None):
            return
        table = self.storage.tables.get(change.key, change.session_id)
        if table is not None and table.session_id is None:
            self.require(OWNERSHIP, Thing.of("TABLE", change.key))

    def overlay(self) -> Overlay | None:
        """The transaction that this statement's rows belong to; None: they are committed at once."""
        return self.transactions.wanted(self.session)

    def relation(self, key: Key) -> Table | View | None:
        """The permanent table or view of a name."""
        return self.storage.tables.get(key, None) or self.storage.views.get(key, None)

    def temporary(self, wanted: bool, permanent: Callable[[], object]) -> str | None:
        """The session id of what is created as temporary, None for what is to stay. `permanent` gives what has the same
        name and is to stay.

        Raises:
            SqlError: in a procedure with its owner's rights it would hide that from the session's later roles.
        """
        if wanted and self.as_owner and permanent() is not None:
            raise SqlError.unsupported(
                "a temporary object with the name of a permanent one in a procedure with its owner's rights"
            )
        return self.session.id if wanted else None

    def keep_session(self) -> None:
        """Writes the session's context down."""
        self.storage.sessions.update(self.session)

    def writable(self, parts: tuple[str, ...], key: object) -> Key:
        """The key of a target that the catalog gave as writable. Raises SqlError not found."""
        if not isinstance(key, Key):
            raise SqlError.not_found("Table", displayed(parts))
        return key
