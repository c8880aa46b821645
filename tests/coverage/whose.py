"""For which test module a process runs: pytest says it in a file, and what it starts finds it by its parents.

One that goes on after that, as the engine that many test modules share does, stays with the one it was started for.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

NOW: Final = Path(__file__).resolve().parents[2] / "build" / "coverage" / "now"
"""A file for each process of pytest's: the test module that it is at."""


def note(module: str) -> None:
    """This process is at a test of this module."""
    NOW.mkdir(parents=True, exist_ok=True)
    (NOW / str(os.getpid())).write_text(module, encoding="utf-8")


def of_my_parents(pid: int | None = None) -> str:
    """The test module that a process, this one's parent, runs for; the empty text: for none."""
    here = (os.getppid() if pid is None else pid) if NOW.is_dir() else 0
    while here > 1:
        try:
            return (NOW / str(here)).read_text(encoding="utf-8")
        except OSError:
            pass
        try:
            # "pid (name) state ppid …", and a name may be anything (proc_pid_stat(5)).
            status = Path(f"/proc/{here}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        here = int(status.rpartition(")")[2].split()[1])
    return ""
