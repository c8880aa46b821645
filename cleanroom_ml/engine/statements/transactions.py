"""BEGIN … COMMIT: the changes of a session, kept as an overlay over the snapshots they are based on until COMMIT.

Nothing of an open transaction is in the catalog. COMMIT is one compare-and-swap; when another session changed one of
the tables meanwhile, it fails and the whole transaction is rolled back. An overlay lives in this process: after a
restart of the engine the session learns that its transaction is gone, and never that a part of it was committed.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from cleanroom_ml.engine.load import cancellation
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.catalog import (
    Catalog,
    ContextValues,
    Drawn,
    GuardedCatalog,
    HistoryCatalog,
    PastMoment,
    ResultCatalog,
    RowsSource,
    SequenceCatalog,
    Source,
    StageCatalog,
    StagedSource,
    StageReference,
    TableSource,
    ViewSource,
)
from cleanroom_ml.engine.sql.compile.preparing import written_source
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.routines import FunctionCatalog, ProcedureCatalog, Routine, UserFunction
from cleanroom_ml.engine.statements.ports import StatementCatalog
from cleanroom_ml.engine.statements.results import typed
from cleanroom_ml.engine.storage.changes import Append, Change, Replace
from cleanroom_ml.engine.storage.keys import Key
from cleanroom_ml.engine.storage.sessions import Session, Sessions

_MARK = "CLEANROOM_ML_TRANSACTION"


@dataclass(slots=True)
class Overlay:
    """The uncommitted content of the tables that a transaction has written, by key: (base snapshot, objects)."""

    id: str
    changes: list[Change] = field(default_factory=list)
    content: dict[Key, tuple[int, tuple[str, ...]]] = field(default_factory=dict)

    def add(self, changes: Sequence[Change], seen: TableSource) -> None:
        """Adds changes of rows to the one table `seen`, as they were made from what the transaction saw."""
        for change in changes:
            if not isinstance(change, Append | Replace):
                raise TypeError("only rows change inside of a transaction; DDL commits it")
            before = () if isinstance(change, Replace) else seen.objects
            base = self.content.get(change.key, (seen.snapshot, ()))[0]
            self.content[change.key] = (base, before + tuple(item.sha256 for item in change.objects))
            self.changes.append(replace(change, base_snapshot=base) if isinstance(change, Replace) else change)

    def forget(self, key: Key, snapshot: int) -> None:
        """The table that was written from this snapshot on is going: what was written goes with it."""
        if key in self.content and self.content[key][0] == snapshot:
            del self.content[key]
            self.changes = [change for change in self.changes if change.key != key]


class OverlaidCatalog:
    """A catalog as an open transaction sees it."""

    def __init__(self, inner: Catalog, overlay: Overlay) -> None:
        self._inner = inner
        self._overlay = overlay

    def source(self, parts: tuple[str, ...]) -> Source | None:
        """The inner catalog's source, with what this transaction wrote."""
        return self._overlaid(self._inner.source(parts))

    def guarded(self, parts: tuple[str, ...]) -> ViewSource | None:
        """The inner catalog's."""
        found = self._inner.guarded(parts) if isinstance(self._inner, GuardedCatalog) else None
        return None if found is None else replace(found, catalog=OverlaidCatalog(found.catalog, self._overlay))

    def written(self, parts: tuple[str, ...]) -> Source | None:
        """The inner catalog's, for what is changed, with what this transaction wrote."""
        return self._overlaid(written_source(parts, self._inner))

    def _overlaid(self, found: Source | None) -> Source | None:
        if isinstance(found, ViewSource):
            return replace(found, catalog=OverlaidCatalog(found.catalog, self._overlay))
        if isinstance(found, TableSource) and isinstance(found.key, Key) and found.key in self._overlay.content:
            base, objects = self._overlay.content[found.key]
            # The base, not what is there now: a commit from it must fail when the table moved.
            taken = {
                each.column: each.next
                for change in self._overlay.changes
                if isinstance(change, Append | Replace) and change.key == found.key
                for each in change.numbered
            }
            numbers = {name: (taken.get(name, number), step) for name, (number, step) in found.numbers.items()}
            bounds = {
                item.sha256: item.bounds
                for change in self._overlay.changes
                if isinstance(change, Append | Replace) and change.key == found.key
                for item in change.objects
            }
            return replace(
                found,
                objects=objects,
                bounds={**found.bounds, **bounds},
                snapshot=base,
                numbers=numbers,
                rows=None,
            )
        return found

    def functions(self, parts: tuple[str, ...]) -> Sequence[UserFunction]:
        """The inner catalog's; what they read is as this transaction sees it."""
        found = self._inner.functions(parts) if isinstance(self._inner, FunctionCatalog) else ()
        return [replace(each, catalog=OverlaidCatalog(each.catalog, self._overlay)) for each in found]

    def procedure(self, parts: tuple[str, ...]) -> Routine | None:
        """The inner catalog's."""
        return self._inner.procedure(parts) if isinstance(self._inner, ProcedureCatalog) else None

    def context(self) -> ContextValues:
        """The inner catalog's."""
        return self._inner.context()

    def target(self, parts: tuple[str, ...], kind: str) -> Key:
        """The inner catalog's; one that has none allows no writing."""
        target = getattr(self._inner, "target", None)
        if target is None:
            raise SqlError.not_found(kind, ".".join(parts))
        key: Key = target(parts, kind)
        return key

    def staged(self, reference: StageReference) -> StagedSource | None:
        """The inner catalog's."""
        return self._inner.staged(reference) if isinstance(self._inner, StageCatalog) else None

    def directory(self, parts: tuple[str, ...]) -> RowsSource | None:
        """The inner catalog's."""
        return self._inner.directory(parts) if isinstance(self._inner, StageCatalog) else None

    def source_at(self, parts: tuple[str, ...], moment: PastMoment) -> TableSource | None:
        """The inner catalog's: what is not committed has no time."""
        if not isinstance(self._inner, HistoryCatalog):
            raise SqlError.unsupported("AT | BEFORE (Time Travel) in a clean room")
        return self._inner.source_at(parts, moment)

    def draw(self, parts: tuple[str, ...], count: int | None) -> Drawn | None:
        """The inner catalog's: numbers of a sequence are in no transaction, as on Snowflake."""
        return self._inner.draw(parts, count) if isinstance(self._inner, SequenceCatalog) else None

    def result(self, query_id: str) -> TableSource | RowsSource | None:
        """The inner catalog's."""
        return self._inner.result(query_id) if isinstance(self._inner, ResultCatalog) else None


class Transactions:
    """The open transactions of all sessions."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._open: dict[str, Overlay] = {}
        self._lock = threading.Lock()
        sessions.on_end(self.forget)

    def __len__(self) -> int:
        """How many transactions are open."""
        with self._lock:
            return len(self._open)

    def begin(self, session: Session) -> Overlay:
        """Opens a transaction, or gives the one that is open, as Snowflake does for a second BEGIN."""
        current = self.current(session)
        if current is not None:
            return current
        overlay = Overlay(secrets.token_hex(8))
        session.variables[_MARK] = overlay.id
        # Before the session is written down: one that ends meanwhile takes it along, or was gone and cannot be written.
        with self._lock:
            self._open[session.id] = overlay
        try:
            self._sessions.update(session)
        except BaseException:
            self.forget(session.id)
            raise
        return overlay

    def current(self, session: Session) -> Overlay | None:
        """The session's open transaction.

        Raises:
            SqlError: it was open when the engine stopped; it is rolled back, and the session goes on without it.
        """
        with self._lock:
            overlay = self._open.get(session.id)
        mark = session.variables.get(_MARK)
        if mark is None or (overlay is not None and overlay.id == mark):
            return overlay
        self.end(session)
        raise SqlError(
            90232, "40000", "The engine was restarted while a transaction was open. The transaction was rolled back."
        )

    def wanted(self, session: Session) -> Overlay | None:
        """The transaction that a write of the session belongs to: the open one, or with AUTOCOMMIT off a new one."""
        overlay = self.current(session)
        if overlay is None and session.parameters.get("AUTOCOMMIT", "true").lower() == "false":
            return self.begin(session)
        return overlay

    def end(self, session: Session) -> Overlay | None:
        """Closes the session's transaction, if it has one, and forgets its changes. What was open."""
        with self._lock:
            overlay = self._open.pop(session.id, None)
        if session.variables.pop(_MARK, None) is not None:
            with cancellation.tidying():
                self._sessions.update(session)
        return overlay

    def forget(self, session_id: str) -> None:
        """A session ended: its transaction is rolled back."""
        with self._lock:
            self._open.pop(session_id, None)


def open_transaction(session: Session) -> str | None:
    """What CURRENT_TRANSACTION() is; NULL outside of one."""
    mark = session.variables.get(_MARK)
    return None if mark is None else str(int(str(mark), 16))


def session_variables(session: Session) -> dict[str, Value]:
    """The variables that the session set itself, as what they were set to."""
    return {name: typed(value) for name, value in session.variables.items() if name != _MARK}


def overlaid(catalog: StatementCatalog, overlay: Overlay | None) -> StatementCatalog:
    """The catalog as the transaction sees it; outside of one, the catalog itself."""
    return catalog if overlay is None else OverlaidCatalog(catalog, overlay)
