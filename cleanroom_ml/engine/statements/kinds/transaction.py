"""BEGIN, COMMIT, ROLLBACK."""

from __future__ import annotations

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.transaction import Begin, Commit, Rollback
from cleanroom_ml.engine.statements.refusals import translated
from cleanroom_ml.engine.statements.results import TRANSACTION, Rows, success
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.errors import SnapshotConflict


def begin(work: Work, statement: Begin) -> Rows:
    """BEGIN [TRANSACTION]: a second one changes nothing."""
    work.transactions.begin(work.session)
    return success(kind=TRANSACTION)


def commit(work: Work, statement: Commit) -> Rows:
    """COMMIT: everything or nothing. Without a transaction it is no error, as on Snowflake.

    Raises:
        SqlError: a table that was replaced from has changed since; the transaction is rolled back.
    """
    overlay = work.transactions.current(work.session)
    reply = success(kind=TRANSACTION)
    try:
        if overlay is not None and overlay.changes:
            with translated(("",)):
                work.commit(overlay.changes, reply)
    except SnapshotConflict:
        raise SqlError(
            90233, "40001", "Another session changed a table of this transaction. The transaction was rolled back."
        ) from None
    finally:
        work.transactions.end(work.session)
    return reply


def rollback(work: Work, statement: Rollback) -> Rows:
    """ROLLBACK."""
    work.transactions.end(work.session)
    return success(kind=TRANSACTION)


def commit_before_ddl(work: Work) -> None:
    """DDL commits what is open, as on Snowflake."""
    if work.transactions.current(work.session) is not None:
        commit(work, Commit())
