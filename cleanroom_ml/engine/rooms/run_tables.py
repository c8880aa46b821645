"""What one run has written: the tables as its own statements left them, whatever others commit to them meanwhile.

A job of the same room may write the same internal tables at any time. A run reads what it wrote itself, and what it
activates is that very snapshot: never whatever has the name by then.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

from cleanroom_ml.engine.storage.changes import (
    AlterColumns,
    Append,
    Change,
    CreateTable,
    DropTable,
    RenameTable,
    Replace,
)
from cleanroom_ml.engine.storage.keys import Key, Table
from cleanroom_ml.engine.storage.storage import Storage


class RunTables:
    """The tables of one run, by key. A context manager: while it is open, garbage collection keeps their objects.

    Used by one thread, as the statements of a run are run one after the other.
    """

    def __init__(self, storage: Storage, session_id: str) -> None:
        self._storage = storage
        self._session_id = session_id
        self._tables: dict[Key, tuple[Table, ExitStack]] = {}

    def __enter__(self) -> RunTables:
        return self

    def __exit__(self, *_: object) -> None:
        for key in list(self._tables):
            self._forget(key)

    def get(self, key: Key) -> Table | None:
        """The table as this run left it; None: it has not written it, or dropped it."""
        found = self._tables.get(key)
        return None if found is None else found[0]

    def holds(self, key: Key) -> bool:
        """Whether this run has written the table."""
        return key in self._tables

    def record(self, changes: Sequence[Change], done: Sequence[bool]) -> None:
        """Changes were made (those that are `done`). To be called in the transaction that makes them."""
        for change, made in zip(changes, done, strict=True):
            if not made:
                continue
            match change:
                case DropTable():
                    self._forget(change.key)
                case RenameTable():
                    self._forget(change.key)
                    self._keep(change.new_key)
                case CreateTable() | Append() | Replace() | AlterColumns():
                    self._keep(change.key)

    def _keep(self, key: Key) -> None:
        table = self._storage.tables.get(key, self._session_id)
        pins = ExitStack()
        if table is not None:
            pins.enter_context(self._storage.pin(item.sha256 for item in table.objects))
        self._forget(key)
        if table is not None:
            self._tables[key] = (table, pins)

    def _forget(self, key: Key) -> None:
        found = self._tables.pop(key, None)
        if found is not None:
            found[1].close()
