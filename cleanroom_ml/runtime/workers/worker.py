"""What a worker's process does on a single node: `python -P -u -c "from …workers.worker import main; main(IN, OUT)"`.

It reads one frame that says where it stands and one with the function and its payload, and writes one with what came of
it (`outcome.run`). Nothing heavy is imported before the function is unpickled, so a worker starts about as fast as an
interpreter does.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import sys
import threading
from typing import BinaryIO

from . import outcome, wire
from .placement import become
from .processes import die_with_parent


def main(read_fd: int, write_fd: int) -> None:
    """Work for the main process, which holds the other ends of these pipes, and leave."""
    die_with_parent()
    for fd in (read_fd, write_fd):
        os.set_inheritable(fd, False)
    with os.fdopen(read_fd, "rb") as incoming, os.fdopen(write_fd, "wb") as outgoing:
        first, work = wire.receive(incoming), wire.receive(incoming)
        if first is None or work is None:
            return
        start = pickle.loads(first)
        become(start["placement"])
        sys.path[:] = start["path"]
        sys.argv = start["argv"]
        threading.Thread(target=_leave_with_the_main_process, args=(incoming,), daemon=True).start()
        answer = outcome.run(work, start["placement"])
        wire.send(outgoing, answer)
        sys.stdout.flush()
        sys.stderr.flush()
        ctypes.CDLL(None).fflush(None)  # what libraries have printed by themselves
        # Threads of a library that do not end by themselves keep nobody waiting.
        os._exit(0)


def _leave_with_the_main_process(incoming: BinaryIO) -> None:
    # The main process never writes a third frame: what ends this read is its end. (Where the kernel can, it has killed
    # us by then, even within native code.)
    incoming.read(1)
    os._exit(1)
