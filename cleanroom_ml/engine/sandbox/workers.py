"""A pool of pre-started, sandboxed workers that keep nothing from one request to the next.

Each request is served by a process of its own, forked from one that has the libraries loaded, in a sandbox without
network or files, that sees nothing but the descriptors it is handed. See zygote.py for why no state survives a request.
The requests of one session may be served by one process after the other, where the caller says so (`Kept`): it never
served anybody else, and ends before anybody else is served.
Who gets a worker when several wait is in `load/shares.py`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from cleanroom_ml.engine.contracts.kept import Kept
from cleanroom_ml.engine.load import cancellation
from cleanroom_ml.engine.load.big_texts import BIG_TEXTS
from cleanroom_ml.engine.load.cancellation import Cancellation
from cleanroom_ml.engine.load.shares import Place, Shares
from cleanroom_ml.engine.sandbox.choosing import driver_for
from cleanroom_ml.engine.sandbox.drivers import Driver
from cleanroom_ml.engine.sandbox.errors import WorkerCancelled, WorkerError, WorkerTimeout
from cleanroom_ml.engine.sandbox.policy import MIB, Limits
from cleanroom_ml.engine.sandbox.sweep import sweep
from cleanroom_ml.engine.sandbox.worker import CallHandle, Worker, WorkerConfig
from cleanroom_ml.errors import CleanroomError

logger = logging.getLogger(__name__)

IDLE_SECONDS: Final = 60.0
AHEAD: Final = 2
"""Workers that stand ready while all others are at work: whoever comes next does not wait for one to start."""
KEPT_SECONDS: Final = 1.0
"""A process is kept for a session that asks nothing for so long, while no other session wants to have one."""
_START_SECONDS: Final = 2.0


class SandboxedWorkers:
    """Blocking and thread-safe: threads call, each call has a worker to itself.

    A call is ended by the token of its thread (`contracts.cancellation`), whatever it waits for, and has a fair share
    of the workers by the token's owner.

    Args:
        handler: "package.module:function", called as `function(request, fds) -> dict` inside; what it takes and
            returns is JSON.
        preload: modules to import once, before any request.
        size: how many workers, hence how many calls at once. More than two start only as they are needed.
        spare: how many workers more there may be, each for somebody who has none while others have them all.
        limits: of one worker with the request that it serves.
        spare_memory_bytes: the memory of a spare one, where it is less.
        name: short label for cgroups and messages.
        libraries: further directories for sys.path inside.
        reply_bytes: the largest answer that is read.
        driver: bubblewrap, unless a caller brings another one.
        log_fd: where workers' stderr goes; nowhere by default.

    The first workers start at once, side by side, and are waited for by the first calls; another one starts when none
    is idle, a spare one when all others are at work. Raises IsolationUnavailable.
    """

    def __init__(
        self,
        handler: str,
        *,
        preload: Sequence[str] = (),
        size: int = 2,
        spare: int = 0,
        limits: Limits | None = None,
        spare_memory_bytes: int | None = None,
        name: str = "worker",
        libraries: Sequence[Path] = (),
        reply_bytes: int = 64 * MIB,
        driver: Driver | None = None,
        log_fd: int | None = None,
    ) -> None:
        self._config = WorkerConfig(
            name=name,
            handler=handler,
            preload=tuple(preload),
            limits=limits if limits is not None else Limits(),
            libraries=tuple(libraries),
            reply_bytes=reply_bytes,
            driver=driver if driver is not None else driver_for(),
            log_fd=log_fd,
        )
        whole = self._config.limits
        least = min(whole.memory_bytes, spare_memory_bytes or whole.memory_bytes)
        self._spare_config = replace(self._config, limits=replace(whole, memory_bytes=least))
        self._shares = Shares(size, size + spare)
        self._lock = threading.Lock()
        self._closed = False
        self._workers: set[Worker] = set()
        self._idle: list[Worker] = []
        self._whole = 0
        """Workers that are no spare ones: those that are there, and those that start."""
        self._waiting: set[threading.Event] = set()
        self._preparing: threading.Thread | None = None
        if self._config.driver.isolated:
            sweep()
        try:
            for _ in range(min(size, AHEAD)):
                self._idle.append(self._start(self._next_config()))
        except BaseException:
            self.close()
            raise

    def call(
        self,
        request: dict[str, object],
        fds: Sequence[int] = (),
        *,
        timeout_seconds: float,
        on_start: Callable[[CallHandle], None] | None = None,
        keep: Kept | None = None,
    ) -> dict[str, object]:
        """Run the handler on a request and on copies of open descriptors, in the order given.

        By a process that has served nobody; with `keep` it may be one that served the same session before, or that is
        kept for its next request.

        `on_start` gets the handle that can cancel the call, before the handler runs. Raises WorkerTimeout (waiting for
        a free worker included), WorkerCancelled, WorkerCrashed, SandboxStartError, and WorkerFailed when
        the handler raised.
        """
        with BIG_TEXTS.away():
            return self._call(request, fds, time.monotonic() + timeout_seconds, on_start, keep)

    def _call(
        self,
        request: dict[str, object],
        fds: Sequence[int],
        deadline: float,
        on_start: Callable[[CallHandle], None] | None,
        keep: Kept | None,
    ) -> dict[str, object]:
        token = cancellation.current()
        place = self._place(token, deadline)
        try:
            worker = self._take(keep)
            self._prepare()
            worker = self._ready(worker, token, deadline)
            try:
                handle = CallHandle()
                if on_start is not None:
                    on_start(handle)
                with token.ending(handle.cancel):
                    if handle.cancelled:
                        raise WorkerCancelled("the call was cancelled before it began")
                    return worker.call(request, fds, deadline, handle, keep)
            finally:
                self._put_back(worker)
        finally:
            self._shares.give_back(place)

    def forget(self, session: str) -> None:
        """End what is kept for a session."""
        self._let_go(lambda kept, _: kept.session == session)

    def trim(self) -> None:
        """Stop the spare workers that nobody has needed for a while, and end what is kept for nobody's next request."""
        before = time.monotonic() - IDLE_SECONDS
        self._let_go(lambda _, since: since < before)
        with self._lock:
            old = [each for each in self._idle if each.config is self._spare_config and each.idle_since < before]
            self._idle = [each for each in self._idle if each not in old]
        for worker in old:
            self._discard(worker)

    def close(self) -> None:
        """Kill all workers; calls in progress, and those that wait, raise. Idempotent."""
        with self._lock:
            self._closed = True
            workers, self._workers = self._workers, set()
            self._idle = []
            waiting = list(self._waiting)
        for each in waiting:
            each.set()
        for worker in workers:
            worker.process.kill()
        for worker in workers:
            worker.close()
        preparing = self._preparing
        if preparing is not None:  # what it has just started, it takes away again
            preparing.join(_START_SECONDS)

    def __enter__(self) -> SandboxedWorkers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _place(self, token: Cancellation, deadline: float) -> Place:
        """Wait for a turn: until it comes, the time is over, or somebody ends the work."""
        free = None if self._closed or token.reason is not None else self._shares.take(token.owner)
        if free is not None:
            return free
        woken = threading.Event()
        with self._lock:
            self._waiting.add(woken)
        place = self._shares.ask(token.owner, lambda _: woken.set())
        try:
            with token.ending(woken.set):
                woken.wait(max(0.0, deadline - time.monotonic()))
            if self._closed:
                raise self._is_closed()
            if token.reason is not None:
                raise WorkerCancelled("the call was cancelled while it waited for a worker")
            if not place.granted:
                raise WorkerTimeout("all workers were busy until the time ran out")
        except BaseException:
            self._shares.give_back(place)
            raise
        finally:
            with self._lock:
                self._waiting.discard(woken)
        return place

    def _take(self, keep: Kept | None) -> Worker:
        """An idle worker: the one that is kept for this, else whole ones and those that are ready first, and of those
        that are kept for others the one that waits for longest, whose process ends now; or else a new one.
        """

        def rank(each: Worker) -> tuple[bool, bool, bool, bool, float]:
            others = each.kept is not None
            mine = others and each.kept == keep
            return not mine, others, each.config is self._spare_config, not each.is_ready(), each.idle_since

        with self._lock:
            if self._idle:
                worker = min(self._idle, key=rank)
                self._idle.remove(worker)
                if worker.kept != keep:
                    worker.let_go()
                return worker
            config = self._next_config()
        return self._start(config)

    def _next_config(self) -> WorkerConfig:
        """What the next worker that starts is, and counted as; under the lock."""
        if self._whole >= self._shares.size:
            return self._spare_config
        self._whole += 1
        return self._config

    def _put_back(self, worker: Worker) -> None:
        if worker.alive:
            worker.idle_since = time.monotonic()
            with self._lock:
                if not self._closed:
                    self._leave_one(worker)
                    self._idle.append(worker)
        else:
            self._discard(worker)

    def _leave_one(self, worker: Worker) -> None:
        """Under the lock, before a worker is idle: one at least is kept for nobody, so that whoever comes next does not
        wait until a process has ended and another has begun.
        """
        if worker.kept is None or any(each.kept is None for each in self._idle):
            return
        oldest = min(self._idle, key=lambda each: each.idle_since, default=worker)
        (oldest if oldest.idle_since < worker.idle_since - KEPT_SECONDS else worker).let_go()

    def _let_go(self, which: Callable[[Kept, float], bool]) -> None:
        with self._lock:
            for worker in self._idle:
                if worker.kept is not None and which(worker.kept, worker.idle_since):
                    worker.let_go()

    def _ready(self, worker: Worker, token: Cancellation, deadline: float) -> Worker:
        """This worker, or one in its stead when it died while it was idle."""
        for last in (False, True):
            try:
                worker.wait_ready(deadline, lambda: token.reason is not None)
            except WorkerError:
                if worker.alive:
                    self._put_back(worker)
                    raise
                self._discard(worker)
                if last:
                    raise
                with self._lock:
                    config = self._next_config()
                worker = self._start(config)
            else:
                return worker
        raise AssertionError("the last one is ready, or raised")

    def _prepare(self) -> None:
        """Everything is in use: have spare workers ready for those who come next and have none, before they come."""
        with self._lock:
            ready = len(self._idle) >= AHEAD or min(self._shares.taken, self._whole) < self._shares.size
            enough = ready or self._preparing is not None
            there = self._whole + sum(each.config is self._spare_config for each in self._workers)
            if self._closed or enough or there >= self._shares.most:
                return
            name = f"spare-{self._config.name}"
            self._preparing = threading.Thread(target=self._start_spare, name=name, daemon=True)
            self._preparing.start()

    def _start_spare(self) -> None:
        started = False
        try:
            self._put_back(self._start(self._spare_config))
            started = True
        except CleanroomError as error:  # whoever needs one starts it, and is told then
            logger.warning("no spare worker %s: %s", self._config.name, error.what)
        finally:
            with self._lock:
                self._preparing = None
            if started:
                self._prepare()

    def _start(self, config: WorkerConfig) -> Worker:
        try:
            if self._closed:
                raise self._is_closed()
            worker = Worker(config)
        except BaseException:
            with self._lock:
                self._gone(config)
            raise
        with self._lock:
            if not self._closed:
                self._workers.add(worker)
                return worker
            self._gone(config)
        worker.close()
        raise self._is_closed()

    def _discard(self, worker: Worker) -> None:
        with self._lock:
            if worker in self._workers:
                self._workers.remove(worker)
                self._gone(worker.config)
        worker.close()

    def _gone(self, config: WorkerConfig) -> None:
        """One of these is there no more; under the lock."""
        self._whole -= config is self._config

    def _is_closed(self) -> WorkerError:
        return WorkerError(f"the workers {self._config.name} are closed")
