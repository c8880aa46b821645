"""Procedures in Python: the front's side of their sandboxes. Each call has a process of its own, in a sandbox without
network, files or store; what it asks for comes through one descriptor, and is answered in the thread that called.

It ends with the call, and what it says is a text: never a name, a code or a value that anything is decided by.
"""

from __future__ import annotations

import contextlib
import contextvars
import os
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from cleanroom_ml.engine.load import cancellation
from cleanroom_ml.engine.sandbox.drivers import Driver
from cleanroom_ml.engine.sandbox.policy import MIB, WORKER_WEIGHT, Limits
from cleanroom_ml.engine.sandbox.workers import SandboxedWorkers
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.routines import Imported
from cleanroom_ml.engine.warehouse.procedure_frames import BadFrame, Head, receive_head
from cleanroom_ml.engine.warehouse.python_functions import Running

HANDLER: Final = "cleanroom_ml.engine.warehouse.procedure_worker:handle"
_PRELOAD: Final = ("numpy", "pandas", "pyarrow", "snowflake.snowpark", "cleanroom_ml.engine.warehouse.procedure_worker")
MOST_DEPTH: Final = 2
"""Procedures in Python that call each other. Each waits for a process while it has one: those of each depth have
processes of their own, so that nobody waits for one whose holder waits for him."""
_REPLY_BYTES: Final = 16 * MIB
_END_SECONDS: Final = 2.0

Serve = Callable[[socket.socket, Head], None]
"""Answers one request of a procedure on its line: reads exactly its body, writes exactly one answer."""


class ProcedureProcesses:
    """The processes of procedures. They start with the first call.

    Args:
        size: procedures at once that clients call. With none, there are no procedures on this machine.
        more: one more for somebody who has none, and another one for those that procedures call.
        memory_bytes: of one procedure.
    """

    def __init__(
        self, size: int = 1, *, more: bool = True, memory_bytes: int = 1024 * MIB, driver: Driver | None = None
    ) -> None:
        self._size = size
        self._more = more
        self._limits = Limits(
            memory_bytes=memory_bytes,
            cpus=1.0,
            processes=64,
            scratch_bytes=512 * MIB,
            tmp_bytes=256 * MIB,
            file_bytes=512 * MIB,
            open_files=256,
            cpu_weight=WORKER_WEIGHT,
        )
        self._driver = driver
        self._lock = threading.Lock()
        self._workers: dict[int, SandboxedWorkers] = {}
        self._closed = False

    def call(
        self,
        request: Mapping[str, object],
        imports: Sequence[Imported],
        open_object: Callable[[str], int],
        serve: Serve,
        *,
        seconds: float,
        depth: int,
    ) -> dict[str, object]:
        """Runs a procedure to its end, and answers what it asks with `serve`: what it returned.

        Raises:
            SqlError: it failed, ended, did not end in time, or calls too deep.
        """
        if not self._size:
            raise SqlError.unsupported("CALL of a procedure in Python on a machine with less than 6 GiB of memory")
        if depth >= (MOST_DEPTH if self._more else 1):
            raise SqlError.unsupported(f"procedures in Python that call each other {depth + 1} deep")
        pool = self._pool(depth)
        ours, theirs = socket.socketpair()
        running = Running(ours, seconds)
        with contextlib.ExitStack() as opened:
            opened.callback(ours.close)
            opened.callback(theirs.close)
            files = []
            for each in imports:
                files.append(open_object(each.sha256))
                opened.callback(os.close, files[-1])
            full = {**request, "imports": [each.name for each in imports]}
            thread = threading.Thread(
                target=contextvars.copy_context().run,
                args=(running.serve, pool, full, theirs, files),
                name="procedure",
                daemon=True,
            )
            thread.start()
            try:
                _answer_all(ours, serve)
            finally:
                with contextlib.suppress(OSError):
                    ours.shutdown(socket.SHUT_RDWR)
                running.end(_END_SECONDS)
                running.kill()
                thread.join()
        cancellation.check()
        return running.answer()

    def trim(self) -> None:
        """Stop spare processes that nobody has needed for a while."""
        for pool in list(self._workers.values()):
            pool.trim()

    def close(self) -> None:
        """Stop all of them. Idempotent."""
        with self._lock:
            self._closed = True
            pools = list(self._workers.values())
        for pool in pools:
            pool.close()

    def _pool(self, depth: int) -> SandboxedWorkers:
        with self._lock:
            if self._closed:
                raise SqlError.cancelled()
            if depth not in self._workers:
                self._workers[depth] = SandboxedWorkers(
                    HANDLER,
                    preload=_PRELOAD,
                    size=self._size if depth == 0 else 1,
                    spare=1 if depth == 0 and self._more else 0,
                    limits=self._limits,
                    name="procedures",
                    reply_bytes=_REPLY_BYTES,
                    driver=self._driver,
                )
            return self._workers[depth]


def _answer_all(line: socket.socket, serve: Serve) -> None:
    """Until the procedure has ended, or is ended. What is no request ends it too."""

    def stop() -> None:
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)

    with cancellation.current().ending(stop), contextlib.suppress(OSError, BadFrame):
        while (head := receive_head(line)) is not None:
            serve(line, head)
