"""CALL of a procedure in Python: what its Session may do, and what it returns.

Its statements run like those that a client sends, in the thread of the CALL: with the caller's rights and session, or
with its owner's (which is called by that role alone). Whatever a statement is refused to them, it is refused to the
procedure. Source: developer-guide/stored-procedure/python/procedures-python-overview and sql-reference/transactions.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from packaging.utils import canonicalize_name

from cleanroom_ml.engine.contracts.table import CALL, Rows
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.routines import Routine
from cleanroom_ml.engine.statements.declared_columns import check_columns
from cleanroom_ml.engine.statements.ports import Returned
from cleanroom_ml.engine.statements.results import Download, StatementResult, Upload
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.warehouse.outcomes import Spooled

_SNOWPARK: Final = "snowflake-snowpark-python"


def check_packages(work: Work, routine: Routine) -> None:
    """Refuses packages that a procedure in Python cannot have or do without (sql-reference/sql/create-procedure).

    Raises:
        SqlError: Snowpark is none of them, or one is not installed where the engine is.
    """
    if not any(canonicalize_name(text).startswith(_SNOWPARK) for text in routine.packages):
        raise SqlError.syntax(f"LANGUAGE PYTHON of a procedure needs PACKAGES = ('{_SNOWPARK}').")
    work.warehouse.check_packages(routine.packages)


def run(work: Work, routine: Routine, arguments: Sequence[Value]) -> StatementResult | Returned:
    """Calls it, as `work` acts: its table, or the value that it returned, which is of no type yet.

    Raises:
        SqlError: it failed, it returned something else than it declares, or it left a transaction open.
    """
    if work.python is None or work.inside is None:
        raise SqlError.unsupported("CALL of a procedure in Python")
    before = work.transactions.current(work.session)
    try:
        returned = work.python.call(
            *(work.session, routine, arguments, work.inside),
            seconds=work.seconds,
            depth=work.depth,
            silent=work.restricted,  # in a room the code is another party's
            home=work.home,
        )
    finally:
        left = work.transactions.current(work.session)
        left_open = left is not None and left is not before
        if left_open:
            work.transactions.end(work.session)
    if left_open:
        raise SqlError(
            90232,
            "40000",
            "Stored procedure execution error: Scoped transaction started in stored procedure is incomplete and it was "
            "rolled back.",
        )
    if routine.returns is not None:
        return returned
    return _table(work, routine, returned.table)


def _table(work: Work, routine: Routine, table: StatementResult | None) -> StatementResult:
    if table is None or isinstance(table, Upload | Download):
        raise SqlError.syntax(f"{routine.name} is to return a table: a DataFrame.")
    check_columns(routine, table)
    if isinstance(table, Rows):
        return replace(table, statement_type=CALL)
    return _as_own(table, work.query_id)


def _as_own(table: Spooled, query_id: str) -> Spooled:
    """The same rows in a file of the CALL's own: that of the inner statement goes with its record."""
    path = table.path.with_name(f"{query_id}.arrows")
    if path != table.path:
        with suppress(FileNotFoundError):
            path.unlink()
        os.link(table.path, path)
    return replace(table, path=path)
