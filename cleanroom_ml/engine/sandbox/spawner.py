"""Starts processes from one thread that lives as long as this process does.

`bwrap --die-with-parent` rests on PR_SET_PDEATHSIG, which fires when the *thread* that started the child ends, not
the process (prctl(2)). A sandbox started from a pool thread would die with that thread.
"""

from __future__ import annotations

import os
import queue
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import Future

from cleanroom_ml.engine.sandbox.drivers import Command

_Work = tuple["Future[subprocess.Popen[bytes]]", Callable[[], "subprocess.Popen[bytes]"]]

_lock = threading.Lock()
_work: queue.SimpleQueue[_Work] = queue.SimpleQueue()
_owner: int | None = None


def spawn(command: Command, prefix: tuple[str, ...], output: int) -> subprocess.Popen[bytes]:
    """Start the command in a session of its own, stdout and stderr going to `output`. Raises what Popen raises."""
    global _owner, _work
    with _lock:
        if _owner != os.getpid():  # first use, or the first one after a fork, which does not take threads along
            _work = queue.SimpleQueue()
            threading.Thread(target=_serve, args=(_work,), name="sandbox-spawner", daemon=True).start()
            _owner = os.getpid()

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            (*prefix, *command.argv),
            stdin=subprocess.DEVNULL if command.stdin_fd is None else command.stdin_fd,
            stdout=output,
            stderr=output,
            pass_fds=command.pass_fds,
            env=command.env,
            cwd=command.workdir,
            start_new_session=True,
        )

    future: Future[subprocess.Popen[bytes]] = Future()
    _work.put((future, start))
    return future.result()


def _serve(work: queue.SimpleQueue[_Work]) -> None:
    while True:
        future, start = work.get()
        try:
            future.set_result(start())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that asked, which raises it
            future.set_exception(error)
