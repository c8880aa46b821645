"""Which statements which kind of session may send at all. What no record allows is refused before it is looked at."""

from __future__ import annotations

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.procedure import CreateProcedure
from cleanroom_ml.engine.sql.read.session import AlterSession, SetVariable, UnsetVariable
from cleanroom_ml.engine.sql.read.statement import Statement, spoken
from cleanroom_ml.engine.sql.read.transaction import Begin, Commit, Rollback
from cleanroom_ml.engine.sql.read.use import Use
from cleanroom_ml.engine.sql.read.user import AlterUser
from cleanroom_ml.engine.statements.kind import Allowed, Roles
from cleanroom_ml.engine.statements.refusals import insufficient
from cleanroom_ml.engine.statements.registry import kind_of
from cleanroom_ml.engine.storage.rights import Rights
from cleanroom_ml.engine.storage.roles import ADMIN


def check_template(statement: Statement) -> None:
    """Refuses what a template, or a part of one, may not do to the session that it runs in.

    Raises:
        SqlError: the statement changes the session, or moves files of the caller's.
    """
    if kind_of(statement).allowed is not Allowed.TEMPLATE:
        raise SqlError.unsupported(f"{spoken(statement)} in a template")


def check_owner(statement: Statement) -> None:
    """Refuses what a procedure with its owner's rights may not do to its caller's session
    (developer-guide/stored-procedure/stored-procedures-rights).

    Raises:
        SqlError: the statement sets something of the session, or leaves code in it that runs with other roles.
    """
    planted = isinstance(statement, CreateProcedure) and statement.declared.temporary  # it would run as who calls it
    if planted or isinstance(statement, AlterSession | AlterUser | SetVariable | UnsetVariable | Use):
        raise SqlError.unsupported(f"{spoken(statement)} in a procedure with its owner's rights")


def check_scoped(statement: Statement) -> None:
    """Refuses what would end, inside of a procedure in Python, the transaction that was open before it was called:
    Snowflake scopes a procedure's own transactions (sql-reference/transactions, "Scoped transactions").

    Raises:
        SqlError: the statement begins or ends a transaction, or is one that commits the open one.
    """
    kind = kind_of(statement)
    commits = isinstance(statement, AlterSession) and "AUTOCOMMIT" in statement.set
    if (
        commits
        or isinstance(statement, Begin | Commit | Rollback)
        or (kind.commits and not kind.leaves_open(statement))
    ):
        raise SqlError.unsupported(
            f"{spoken(statement)} in a procedure in Python that was called inside of an open transaction: COMMIT first"
        )


def check_roles(statement: Statement, rights: Rights) -> None:
    """Refuses a kind of statement that has not said where it asks what roles may do.

    Raises:
        SqlError: it is not for the roles of this session.
    """
    if kind_of(statement).roles is Roles.ADMIN and not rights.everything:
        raise insufficient(f"{spoken(statement)} needs the role {ADMIN}. USE ROLE {ADMIN}")


def check(statement: Statement, *, restricted: bool) -> None:
    """Refuses what a session of a job or a room may not send; other sessions are bounded by their catalog alone.

    Raises:
        SqlError: the statement is not for this kind of session.
    """
    if not restricted:
        return
    kind = kind_of(statement)
    if kind.allowed is Allowed.ACCOUNT or (kind.narrowed is not None and not kind.narrowed(statement)):
        raise SqlError.unsupported(f"{spoken(statement)} in a clean room")
