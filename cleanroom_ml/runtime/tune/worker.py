"""A process that runs trials, one after the other; `main` is given its end of a socket pair.

It is told the import path of the script and the training, pickled, and answers Ready or Unready; then it answers each
Task with its Outcome, and ends when the other end is closed.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import pickle
import signal
import sys
import traceback
from multiprocessing.connection import Connection

from ..workers.processes import die_with_parent
from .messages import Ready, Task, Unready, dumps
from .trial import Training


def main(fd: int) -> None:
    """Serve the process that has the other end."""
    die_with_parent()
    os.set_inheritable(fd, False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that runs the search
    faulthandler.enable()
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("500")  # where memory runs out, the kernel is to take the trial and not the search
    with Connection(fd) as connection, contextlib.suppress(BrokenPipeError):
        serve(connection)


def serve(connection: Connection) -> None:
    """Run trials until nobody asks for more."""
    sys.path[:], sys.argv = connection.recv()
    try:
        training: Training = pickle.loads(connection.recv_bytes())
    except Exception:  # noqa: BLE001 - whatever an import of the script's raises, the other side tells it
        connection.send(Unready(traceback.format_exc()))
        return
    connection.send(Ready())
    here = os.getpid()
    while True:
        try:
            task: Task = pickle.loads(connection.recv_bytes())
        except EOFError:
            return
        outcome = training.run(task)
        sys.stdout.flush()
        sys.stderr.flush()
        if os.getpid() != here:
            os._exit(0)  # a process that train_func forked has come out of it: the outcome is its parent's to send
        connection.send_bytes(dumps(outcome))
