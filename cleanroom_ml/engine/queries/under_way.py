"""The statements under way in this process: found by their ids, counted by their owners, run in their turn."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress

from cleanroom_ml.engine.load.owners import Owner
from cleanroom_ml.engine.queries.running import Running
from cleanroom_ml.engine.queries.threads import FairThreads
from cleanroom_ml.engine.sql.errors import SqlError

_Work = Callable[[], None]


class UnderWay:
    """Thread-safe, and asked on the event loop: the lock is held to look something up or to write it down, never while
    anything blocks.
    """

    def __init__(self, threads: FairThreads) -> None:
        self._threads = threads
        self._named: dict[str, Running] = {}
        self._counts: Counter[Owner] = Counter()
        self._queues: dict[str, deque[tuple[Running, _Work]]] = {}
        self._lock = threading.Lock()

    def enter(self, running: Running) -> int:
        """From here on it is found; how many its owner has under way with it."""
        with self._lock:
            self._named[running.query_id] = running
            running.names.add(running.query_id)
            self._counts[running.owner] += 1
            return self._counts[running.owner]

    def name(self, running: Running, query_id: str) -> bool:
        """It is found by this id as well; False where something else is."""
        with self._lock:
            known = self._named.setdefault(query_id, running) is running
            if known:
                running.names.add(query_id)
            return known

    def unname(self, running: Running, query_id: str) -> None:
        """It is not found by this id any more."""
        with self._lock:
            if self._named.get(query_id) is running:
                del self._named[query_id]
                running.names.discard(query_id)

    def leave(self, running: Running) -> None:
        """It is over: forget it, and tell who waits. Idempotent."""
        with self._lock:
            if running.names:
                self._counts[running.owner] -= 1
                if not self._counts[running.owner]:
                    del self._counts[running.owner]
            for query_id in running.names:
                del self._named[query_id]
            running.names.clear()
        running.finish()

    def get(self, query_id: str) -> Running | None:
        """What is under way by this id."""
        with self._lock:
            return self._named.get(query_id)

    def all(self, session_id: str | None = None) -> list[Running]:
        """Everything under way, of one session where it is given."""
        with self._lock:
            found = dict.fromkeys(self._named.values())
        return [each for each in found if session_id is None or each.session_id == session_id]

    def queue(self, running: Running, work: _Work) -> None:
        """Do the work when it is its turn: a session's statements run one after the other, on one thread at most.

        Of something that was stopped meanwhile nothing is done.
        """
        with self._lock:
            stopped = running.reason is not None
            first = not stopped and running.session_id not in self._queues
            if not stopped:
                self._queues.setdefault(running.session_id, deque()).append((running, work))
        if stopped:
            self.leave(running)
        elif first:
            self._ask(running.owner, running.session_id)

    def begin(self, running: Running, work: _Work) -> bool:
        """Do the work now, where its session has no other under way and a thread is free; else False, and nothing."""
        owner, session_id = running.owner, running.session_id

        def is_first() -> bool:
            with self._lock:
                if session_id in self._queues:
                    return False
                self._queues[session_id] = deque([(running, work)])
                return True

        with suppress(RuntimeError):  # the engine stops
            return self._threads.begin(owner, lambda: self._take_turn(owner, session_id), is_first) is not None
        return False

    def stop(self, query_id: str, reason: SqlError) -> None:
        """End it. Its record is final: who waits is told now, and what had not begun is over with that."""
        running = self.get(query_id)
        if running is None:
            return
        running.cancel(reason)
        with self._lock:
            queue = self._queues.get(running.session_id)
            waiting = [] if queue is None else [entry for entry in queue if entry[0] is running]
            for entry in waiting:
                assert queue is not None
                queue.remove(entry)
        if waiting:
            self.leave(running)
        elif running.query_id == query_id:
            running.finish()

    def close(self, reason: SqlError, seconds: float) -> bool:
        """End everything, begin nothing any more, and wait until nothing runs; whether that was so in time."""
        for running in self.all():
            running.cancel(reason)
        ended = self._threads.close(seconds)
        for running in self.all():
            running.finish()
        return ended

    def _ask(self, owner: Owner, session_id: str) -> None:
        with suppress(RuntimeError):  # the engine stops: `close` tells who waits, and the next engine what became of it
            self._threads.submit(owner, lambda: self._take_turn(owner, session_id))

    def _take_turn(self, owner: Owner, session_id: str) -> None:
        with self._lock:
            queue = self._queues[session_id]
            running, work = queue.popleft() if queue else (None, None)
        try:
            if work is not None:
                work()
        finally:
            with self._lock:
                more = bool(queue)
                if not more:  # before anybody is told: whoever hears that it is over may come with the next at once
                    del self._queues[session_id]
            if running is not None:
                self.leave(running)
            if more:
                self._ask(owner, session_id)
