"""What one run has read and written: the internal tables as its own statements found and left them.

A job of the same room may write the same internal tables at any time. A block that counts the rows of a table and then
uses it uses the rows that it counted; what it wrote it finds again; and what it activates is the very snapshot that its
own statement committed. What others commit meanwhile is not overwritten either: the run fails, and can be run again.
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

_Held = dict[Key, tuple[Table, ExitStack]]


class RunTables:
    """The tables of one run, by key. A context manager: while it is open, garbage collection keeps their objects.

    Used by one thread, as the statements of a run are run one after the other.
    """

    def __init__(self, storage: Storage, session_id: str) -> None:
        self._storage = storage
        self._session_id = session_id
        self._written: _Held = {}
        self._read: _Held = {}
        self._reading: _Held = {}

    def __enter__(self) -> RunTables:
        return self

    def __exit__(self, *_: object) -> None:
        for held in (self._written, self._read, self._reading):
            _release(held)

    def get(self, key: Key) -> Table | None:
        """The table as this run left it; None: it has not written it, or dropped it."""
        found = self._written.get(key)
        return None if found is None else found[0]

    def read(self, key: Key) -> Table | None:
        """The table as this run sees it: as it left it, as it first read it, or as it is now. None: there is none."""
        for held in (self._written, self._read, self._reading):
            if key in held:
                return held[key][0]
        self._hold(self._reading, key)
        return self._reading[key][0] if key in self._reading else None

    def begin(self) -> None:
        """A statement begins, or another attempt at it: what it reads first, it reads as it is now."""
        _release(self._reading)

    def done(self) -> None:
        """The statement has ended well: from now on the run is bound to what it read."""
        self._read.update(self._reading)
        self._reading = {}

    def bound(self, key: Key) -> int | None:
        """The snapshot of a table that earlier statements of this run read or made; None: it is free."""
        found = self._written.get(key) or self._read.get(key)
        return None if found is None else found[0].snapshot

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
        kept: _Held = {}
        self._hold(kept, key)
        self._forget(key)
        self._written.update(kept)

    def _hold(self, held: _Held, key: Key) -> None:
        table = self._storage.tables.get(key, self._session_id)
        if table is not None:
            pins = ExitStack()
            pins.enter_context(self._storage.pin(item.sha256 for item in table.objects))
            held[key] = (table, pins)

    def _forget(self, key: Key) -> None:
        for held in (self._written, self._read, self._reading):
            if key in held:
                held.pop(key)[1].close()


def _release(held: _Held) -> None:
    while held:
        held.popitem()[1][1].close()
