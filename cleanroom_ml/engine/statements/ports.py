"""What statements ask of the rest of the engine: a session's names, procedures, compute pools, applications."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.contracts.target_catalog import TargetCatalog
from cleanroom_ml.engine.sql.binds import Binds, Option, Value
from cleanroom_ml.engine.sql.catalog import ViewSource
from cleanroom_ml.engine.sql.routines import Routine
from cleanroom_ml.engine.statements.results import StatementResult
from cleanroom_ml.engine.storage.changes import Change
from cleanroom_ml.engine.storage.keys import Key, View
from cleanroom_ml.engine.storage.rights import Rights
from cleanroom_ml.engine.storage.sessions import Session

StatementCatalog = TargetCatalog[Key]
"""The names of an account (`AccountCatalog`) or of a room."""


class Written(Protocol):
    """What the statements of one run have read and written (`rooms.run_tables`): the later ones find it so, whatever
    others commit meanwhile, and change it only where nobody else did.
    """

    def begin(self) -> None:
        """A statement begins, or another attempt at it: what it reads first, it reads as it is now."""

    def done(self) -> None:
        """The statement has ended well: from now on the run is bound to what it read."""

    def bound(self, key: Key) -> int | None:
        """The snapshot of a table that earlier statements of this run read or made; None: it is free."""

    def record(self, changes: Sequence[Change], done: Sequence[bool]) -> None:
        """Changes were made (those that are `done`). Called in the transaction that makes them."""


@dataclass(frozen=True, slots=True)
class KnownProcedure:
    """A procedure by its name, and how many arguments it takes."""

    database: str
    schema: str
    name: str
    fewest: int
    most: int


class Procedures(Protocol):
    """What CALL reaches (`engine/assembly/procedures.py`)."""

    def call(
        self, session: Session, name: tuple[str, ...], args: tuple[Value, ...], *, query_id: str
    ) -> StatementResult:
        """Runs a procedure. Raises SqlError; an unknown name is one too."""

    def known(self) -> Iterable[KnownProcedure]:
        """Every procedure that can be called."""


FREEFORM: Final = "FREEFORM_SQL"
"""The schema of a room's application that has the views for free-form SQL (cleanrooms/free-form-sql)."""


class SharedViews(Protocol):
    """The views that clean rooms give an account for free-form SQL (`engine/rooms/freeform.py`)."""

    def source(self, account: str, rights: Rights, application: str, name: str) -> ViewSource | None:
        """A view by its folded name; None: there is none, or not for these roles. Raises SqlError: it has no rows any
        more, for a reason that the roles may know.
        """

    def listed(self, account: str, rights: Rights, application: str) -> Sequence[View]:
        """The views of an application that these roles may query: names and columns, and nothing of their text."""


RunInside = Callable[[str, Binds | None, str, bool], StatementResult]
"""Runs one statement of a procedure in Python: its text, what is bound, its own query id, and whether it is only to be
described. Whatever the statement may do is decided there, and nowhere else: with the names, the rights and the
transaction of whoever calls the procedure, or of the room that it is a part of. Raises SqlError."""


@dataclass(frozen=True, slots=True)
class Returned:
    """What a procedure in Python returned: a value as JSON has it, or the result of one of its own statements."""

    value: Value = None
    table: StatementResult | None = None


class PythonProcedures(Protocol):
    """Runs handlers whose first argument is a Snowpark Session (`engine/queries/python_procedures.py`).

    The code is in a sandbox of its own without network, files or token. Its Session is the real Snowpark over the real
    connector; what that asks comes through a descriptor to the thread that called, and each statement is `run` there.
    """

    def call(
        self,
        session: Session,
        routine: Routine,
        arguments: Sequence[Value],
        run: RunInside,
        *,
        seconds: float,
        depth: int = 0,
        silent: bool = False,
        home: tuple[str, str] | None = None,
    ) -> Returned:
        """Calls the handler of `routine` with a Session and arguments of its declared types, for `seconds` at most.

        Args:
            session: whose context the Session shows, and under whom its statements are recorded.
            depth: how many procedures in Python have called each other to get here.
            silent: what its code says of an error is not for whoever calls it: only which error, and where.
            home: the current database and schema, where they are not the session's.

        Raises:
            SqlError: the code failed, did not end in time, or calls too deep; what `run` raises is the code's to catch.
        """


class Pools(Protocol):
    """Compute pools of an account (`engine/jobs`). Names are folded; every method raises SqlError."""

    def create(
        self,
        session: Session,
        name: str,
        options: Mapping[str, Option],
        application: str | None,
        *,
        if_not_exists: bool = False,
        or_replace: bool = False,
    ) -> None:
        """Makes a pool: MIN_NODES, MAX_NODES, INSTANCE_FAMILY, AUTO_RESUME, … in upper case."""

    def drop(self, session: Session, name: str, *, if_exists: bool = False) -> bool:
        """Removes a pool; whether it was there."""

    def alter(self, session: Session, name: str, action: str, options: Mapping[str, Option]) -> None:
        """SUSPEND, RESUME, STOP ALL, SET or UNSET."""

    def show(self, session: Session, like: str | None = None) -> Rows:
        """The account's pools, as SHOW COMPUTE POOLS."""

    def show_families(self, session: Session) -> Rows:
        """SHOW COMPUTE POOL INSTANCE FAMILIES."""

    def describe(self, session: Session, name: str) -> Rows:
        """One pool; not found is a SqlError."""


class Applications(Protocol):
    """The account's applications: the rooms that it has joined (`engine/rooms`)."""

    def describe(self, session: Session, name: str) -> Rows:
        """DESCRIBE APPLICATION. Raises SqlError not found."""

    def show(self, session: Session, like: str | None = None) -> Rows:
        """SHOW APPLICATIONS."""
