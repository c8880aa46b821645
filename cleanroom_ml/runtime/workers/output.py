"""A worker's output on its way to the job's log: whole lines, each marked with the worker that wrote it."""

from __future__ import annotations

import os
import sys
import threading
from typing import Final

_LOG: Final = 1
"""The descriptor of the main process's own output: the job's log, whatever the script did to `sys.stdout`."""


class Relayed:
    """A pipe whose lines go to the log, each in one write, so that lines of several workers never mix.

    `fd` is for the worker; `start` once the worker has it; `finish` once the worker has ended.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix.encode()
        read, self.fd = os.pipe()
        self._file = os.fdopen(read, "rb")
        self._thread = threading.Thread(target=self._relay, daemon=True)

    def start(self) -> None:
        """Close our copy of the worker's end, and begin."""
        os.close(self.fd)
        self._thread.start()

    def finish(self, seconds: float = 1.0) -> None:
        """Wait until all that the worker wrote is in the log; at most so long for processes that it left behind."""
        self._thread.join(seconds)

    def _relay(self) -> None:
        with self._file as lines:
            for line in lines:
                write_to_log(self._prefix + line + (b"" if line.endswith(b"\n") else b"\n"))


def write_to_log(data: bytes) -> None:
    """Write whole lines to the job's log, after what this process has printed so far."""
    sys.stdout.flush()
    view = memoryview(data)
    while view:
        view = view[os.write(_LOG, view) :]
