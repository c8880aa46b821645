"""A pool of pre-started, sandboxed workers that keep nothing from one request to the next.

Each request is served by a process of its own, forked from one that has the libraries loaded, in a sandbox without
network or files, that sees nothing but the descriptors it is handed. See zygote.py for why no state survives a request.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cleanroom_ml.engine.sandbox.bubblewrap import Bubblewrap
from cleanroom_ml.engine.sandbox.drivers import Driver
from cleanroom_ml.engine.sandbox.errors import WorkerError, WorkerTimeout
from cleanroom_ml.engine.sandbox.policy import MIB, Limits
from cleanroom_ml.engine.sandbox.sweep import sweep
from cleanroom_ml.engine.sandbox.worker import CallHandle, Worker, WorkerConfig


class SandboxedWorkers:
    """Blocking and thread-safe: threads call, each call has a worker to itself.

    Args:
        handler: "package.module:function", called as `function(request, fds) -> dict` inside; what it takes and
            returns is JSON.
        preload: modules to import once, before any request.
        size: how many workers, hence how many calls at once.
        limits: of one worker with the request that it serves.
        name: short label for cgroups and messages.
        libraries: further directories for sys.path inside.
        reply_bytes: the largest answer that is read.
        driver: bubblewrap, unless a caller brings another one.
        log_fd: where workers' stderr goes; nowhere by default.

    The workers start at once, side by side, and are waited for by the first calls. Raises IsolationUnavailable.
    """

    def __init__(
        self,
        handler: str,
        *,
        preload: Sequence[str] = (),
        size: int = 2,
        limits: Limits | None = None,
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
            driver=driver if driver is not None else Bubblewrap(),
            log_fd=log_fd,
        )
        self._lock = threading.Lock()
        self._closed = False
        self._workers: set[Worker] = set()
        # A place holds an idle worker, or None: one is to be started by who takes the place.
        self._places: queue.Queue[Worker | None] = queue.Queue()
        if self._config.driver.isolated:
            sweep()
        try:
            for _ in range(size):
                self._places.put(self._start())
        except BaseException:
            self.close()
            raise

    def call(
        self,
        request: dict[str, Any],
        fds: Sequence[int] = (),
        *,
        timeout_seconds: float,
        on_start: Callable[[CallHandle], None] | None = None,
    ) -> dict[str, Any]:
        """Run the handler on a request and on copies of open descriptors, in the order given.

        `on_start` gets the handle that can cancel the call, before the handler runs. Raises WorkerTimeout (waiting for
        a free worker included), WorkerCancelled, WorkerCrashed, SandboxStartError, and WorkerFailed when
        the handler raised.
        """
        deadline = time.monotonic() + timeout_seconds
        try:
            worker = self._places.get(timeout=timeout_seconds)
        except queue.Empty:
            raise WorkerTimeout("all workers were busy until the time ran out") from None
        try:
            worker = self._ready(worker, deadline)
            handle = CallHandle()
            if on_start is not None:
                on_start(handle)
            return worker.call(request, fds, deadline, handle)
        finally:
            if worker is not None and not worker.alive:
                self._discard(worker)
                worker = None
            self._places.put(worker)

    def close(self) -> None:
        """Kill all workers; calls in progress raise. Idempotent."""
        with self._lock:
            self._closed = True
            workers, self._workers = self._workers, set()
        for worker in workers:
            worker.process.kill()
        for worker in workers:
            worker.close()

    def __enter__(self) -> SandboxedWorkers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ready(self, worker: Worker | None, deadline: float) -> Worker:
        """This worker, or one in its stead when it died while it was idle."""
        if worker is not None:
            try:
                worker.wait_ready(deadline)
            except WorkerError:
                if worker.alive:
                    raise
                self._discard(worker)
            else:
                return worker
        fresh = self._start()
        try:
            fresh.wait_ready(deadline)
        except WorkerError:
            self._discard(fresh)
            raise
        return fresh

    def _start(self) -> Worker:
        if self._closed:
            raise WorkerError(f"the workers {self._config.name} are closed")
        worker = Worker(self._config)
        with self._lock:
            if not self._closed:
                self._workers.add(worker)
                return worker
        worker.close()
        raise WorkerError(f"the workers {self._config.name} are closed")

    def _discard(self, worker: Worker) -> None:
        with self._lock:
            self._workers.discard(worker)
        worker.close()
