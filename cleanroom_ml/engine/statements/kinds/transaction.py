"""BEGIN, COMMIT, ROLLBACK."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from cleanroom_ml.engine.contracts.table import TRANSACTION, Rows
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.transaction import Begin, Commit, Rollback
from cleanroom_ml.engine.statements.kind import Allowed, Kind, Roles
from cleanroom_ml.engine.statements.refusals import translated
from cleanroom_ml.engine.statements.results import success
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.errors import SnapshotConflict
from cleanroom_ml.engine.storage.keys import Table


def begin(work: Work, statement: Begin) -> Rows:
    """BEGIN [TRANSACTION]: a second one changes nothing."""
    work.transactions.begin(work.session)
    return success()


def commit(work: Work, statement: Commit) -> Rows:
    """COMMIT: everything or nothing. Without a transaction it is no error, as on Snowflake.

    Raises:
        SqlError: a table that was replaced from has changed since; the transaction is rolled back.
    """
    overlay = work.transactions.current(work.session)
    reply = success()
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
    return success()


def commit_open(work: Work) -> None:
    """DDL commits what is open, as on Snowflake. That is not the DDL: the record of the statement waits for its own."""
    if work.transactions.current(work.session) is not None:
        commit(replace(work, recording=False), Commit())


def going(work: Work, table: Table | None) -> None:
    """A table is about to be dropped or replaced by DDL that leaves the open transaction: what the transaction wrote to
    a temporary one goes with it; with a permanent one the transaction is committed, as by any DDL.
    """
    overlay = work.transactions.current(work.session)
    if overlay is None or table is None:
        return
    if table.session_id is not None:
        overlay.forget(table.key, table.snapshot)
    elif table.key in overlay.content:
        commit_open(work)


KINDS: Final = (
    Kind(Begin, begin, TRANSACTION, Allowed.TEMPLATE, Roles.SESSION),
    Kind(Commit, commit, TRANSACTION, Allowed.TEMPLATE, Roles.SESSION),
    Kind(Rollback, rollback, TRANSACTION, Allowed.TEMPLATE, Roles.SESSION),
)
