"""A statement kind, and a kind of object, as one record each: all that the engine knows of it, apart from its grammar.

A module of `kinds` holds the records of its family in `KINDS`, `OBJECTS` and `LISTINGS`; `registry` finds them. The
executor, the policy of rooms, the wire's statement types and what a statement is described as all read them here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

from cleanroom_ml.engine.contracts.table import DDL, Rows
from cleanroom_ml.engine.sql.read.alter import AlterObject
from cleanroom_ml.engine.sql.read.describe import Describe
from cleanroom_ml.engine.sql.read.drop import Drop
from cleanroom_ml.engine.sql.read.statement import Name, Statement
from cleanroom_ml.engine.statements.results import StatementResult
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.warehouses import GrantKind

S = TypeVar("S", bound=Statement)


class Allowed(Enum):
    """Which sessions may send a statement at all; an account's are bounded by their catalog alone.

    Jobs have no CALL, no GRANT, nothing that makes or leaves a namespace. A template runs in a session of its caller's:
    what it set there would be out of the room, and PUT and GET are carried out by the client that sends them.
    """

    ACCOUNT = "accounts only"
    JOB = "accounts and jobs"
    TEMPLATE = "accounts, jobs, and templates as they run in a room"


class Roles(Enum):
    """Whose roles decide about a kind of statement, and where it is asked."""

    ADMIN = "nobody's but ACCOUNTADMIN's: it says nothing else"
    SESSION = "it touches nothing but its own session"
    NAMES = "every thing that it names is asked for at its name: the catalog, the stages, Work.require"
    ELSEWHERE = "what it leads to asks by itself: the statements of a block, the procedure of a CALL"


@dataclass(frozen=True, slots=True)
class Kind(Generic[S]):
    """One kind of statement.

    Args:
        node: what its reader makes (`engine/sql/read`).
        run: carries it out. Raises SqlError.
        wire: the statementTypeId that clients get; None: the result says which.
        allowed: who may send it. What says nothing is for accounts only.
        roles: where it is asked what the session's roles may do. What says nothing is for ACCOUNTADMIN only.
        changing: the privileges that it needs on the table that it changes.
        narrowed: in rooms, whether this very statement of the kind may be sent.
        commits: DDL: an open transaction is committed before it, as on Snowflake.
        leaves_open: of a kind that commits: whether this very statement leaves an open transaction as it is.
        columns: what it would give, without rows and without doing anything; None: the one line of a status.
        batch: runs it for each row of a batch of bound rows, all in one commit; None: `run` does what is to be done.
        again: where it fails, it has changed nothing, and can be run from the start.
        one_commit: it changes what it changes in one transaction; a block or a procedure may have done a half.
    """

    node: type[S]
    run: Callable[[Work, S], StatementResult]
    wire: int | None = DDL
    allowed: Allowed = Allowed.ACCOUNT
    roles: Roles = Roles.ADMIN
    changing: Callable[[S], frozenset[str]] = lambda _: frozenset()
    narrowed: Callable[[S], bool] | None = None
    commits: bool = False
    leaves_open: Callable[[S], bool] = lambda _: False
    columns: Callable[[Work, S], Rows] | None = None
    batch: Callable[[Work, S], Rows] | None = None
    again: bool = False
    one_commit: bool = True


AnyKind = Kind[Any]
"""A kind. Any: of whichever statement; who looks it up by the statement's type runs it with that very statement."""


@dataclass(frozen=True, slots=True)
class ObjectKind:
    """What DROP, DESCRIBE and GRANT do with one kind of object; its CREATE and ALTER are kinds of statement, its SHOW a
    `Listing`.

    Args:
        name: its words, as `sql.read.form.ObjectForm.name`.
        drop: DROP; None: there is none. `room_drops`: jobs and templates may.
        alter: ALTER … SUSPEND | RESUME | STOP ALL | SET; None: there is none, or its ALTER is a kind of its own.
        describe: DESCRIBE; None: there is none. `room_describes`: jobs and templates may.
        usage: GRANT USAGE to an application is enforced, under this name; `exists` raises SqlError where there is no
            such object.
        thing: what a privilege on one is kept for, of a name as it was written; raises SqlError where there is no such
            object. None: there are no privileges on it.
        privileges: those that a role may be granted, beside OWNERSHIP.
        everything: where all objects of the kind in a database, or in a schema of it, are found (GRANT … ON ALL).
    """

    name: str
    drop: Callable[[Work, Drop], Rows] | None = None
    room_drops: bool = False
    alter: Callable[[Work, AlterObject], Rows] | None = None
    describe: Callable[[Work, Describe], Rows] | None = None
    room_describes: bool = False
    usage: GrantKind | None = None
    exists: Callable[[Work, str], object] | None = None
    thing: Callable[[Work, Name], Thing] | None = None
    privileges: tuple[str, ...] = ()
    everything: Callable[[Work, str, str | None], Iterable[Thing]] | None = None
