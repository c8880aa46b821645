"""The session that a run has to itself: nothing of its caller's is in it, and nothing of it stays.

A template runs with the room's rights, for somebody who may want it to do something else. What a session carries beside
who it is (an open transaction, AUTOCOMMIT, variables, parameters, temporary tables and stages, the current schema, role
and warehouse) would reach into it; so it gets a session that is made for it and ends with it. Only the caller's time
limit comes along: it can end a run, as the caller can, and change nothing in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cleanroom_ml.engine.contracts.statement_time import PARAMETER
from cleanroom_ml.engine.load import cancellation
from cleanroom_ml.engine.rooms.ports import Caller
from cleanroom_ml.engine.rooms.run_tables import RunTables
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage


@dataclass(frozen=True, slots=True)
class Run:
    """One run under way."""

    session: Session
    tables: RunTables


@contextmanager
def opened(storage: Storage, caller: Caller) -> Iterator[Run]:
    """A run for this caller. With the block end its session, what it made temporarily, and what it left uncommitted."""
    limits = {name: value for name, value in caller.parameters.items() if name == PARAMETER}
    session = storage.sessions.open_run(caller.account, caller.user, parameters=limits)
    try:
        with RunTables(storage, session.id) as tables:
            yield Run(session, tables)
    finally:
        with cancellation.tidying():
            storage.sessions.close(session.id)
