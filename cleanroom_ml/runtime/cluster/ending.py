"""How a job that used Ray ends: at once. What still runs on Ray then is nobody's any more."""

from __future__ import annotations

import atexit
import ctypes
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import NoReturn

from . import worker_output


class Leaving:
    """Ends the process after everything else that the script registered with `atexit`, if the script used Ray.

    Ray's own way out waits for its processes, and the interpreter's, after it, meets Ray's threads.
    """

    def __init__(self) -> None:
        """To be made before anything registers with `atexit`: what is registered first is called last."""
        self._code: int | None = None
        self._before: Callable[[], None] | None = None
        self._process = os.getpid()
        atexit.register(self._leave)

    def with_code(self, code: int, *, before: Callable[[], None] | None = None) -> int:
        """The launcher is about to end with this code; `before` is called as the last thing. Returns the code."""
        ray = sys.modules.get("ray")
        if before is not None or (ray is not None and _used(ray)):
            self._code, self._before = code, before
        if ray is not None:
            atexit.unregister(ray.shutdown)
        return code

    def _leave(self) -> None:
        if self._code is None or os.getpid() != self._process:
            return
        worker_output.catch_up(last=True)
        if self._before is not None:
            self._before()
        leave_now(self._code)


def leave_now(code: int) -> NoReturn:
    """End this process, whatever its threads do; what was printed is out."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and not stream.closed:
            stream.flush()
    ctypes.CDLL(None).fflush(None)
    os._exit(code)


def _used(ray: ModuleType) -> bool:
    return bool(getattr(ray, "is_initialized", lambda: False)())
