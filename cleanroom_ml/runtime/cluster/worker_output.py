"""What Ray's workers print, on its way to the job's log: every line once, whole, and all of them before the job ends.

Ray's own way, a process that reads the same files and sends lines through the GCS to the driver, loses what is on its
way when the driver ends.
"""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..workers.output import write_to_log

_NAME: Final = re.compile(r"worker-[0-9a-f]+-[0-9a-f]+-(\d+)\.(?:out|err)\Z")
_MARK: Final = re.compile(rb":(actor_name|task_name|job_id):(.*)\Z")
_SECONDS: Final = 0.2
_SETTLE_SECONDS: Final = 0.1

MARKED_ALREADY: Final = "CleanroomWorkers"
"""The class of our own actors, whose lines say whose they are (workers/across_nodes.py)."""

_LEFT_OUT: Final = "PlacementGroupCleaner"
"""An actor of Ray Train's that asks the dashboard, which a job does not have, and says so once a second."""


@dataclass
class _File:
    pid: str
    read: int = 0
    name: str = ""
    rest: bytes = b""


class WorkerOutput:
    """Follows the log files of the workers below a directory of Ray's sessions, from a thread of its own."""

    def __init__(self, sessions: Path) -> None:
        self._sessions = sessions
        self._files: dict[Path, _File] = {}
        self._lock = threading.Lock()
        threading.Thread(target=self._follow, daemon=True).start()

    def catch_up(self, *, last: bool = False) -> None:
        """Bring over all that has been written by now; `last`: also a line that has no end yet."""
        with self._lock:
            for path in sorted(self._sessions.glob("session_2*/logs/worker-*")):
                found = _NAME.match(path.name)
                if found is not None:
                    _write(_new_lines(path, self._files.setdefault(path, _File(found[1])), last=last))

    def _follow(self) -> None:
        while True:
            time.sleep(_SECONDS)
            self.catch_up()


_following: WorkerOutput | None = None


def follow(sessions: Path) -> None:
    """Bring over what workers print from now on. Once is enough."""
    global _following
    if _following is None:
        _following = WorkerOutput(sessions)


def catch_up(*, last: bool = False) -> None:
    """Return once all that workers have printed so far is in the job's log. (A moment is theirs: from a worker's print
    to its file is one more thread of Ray's.)
    """
    if _following is not None:
        time.sleep(_SETTLE_SECONDS)
        _following.catch_up(last=last)


def _new_lines(path: Path, file: _File, *, last: bool) -> list[bytes]:
    if path.stat().st_size > file.read:
        with path.open("rb") as reading:
            reading.seek(file.read)
            data = reading.read()
        file.read += len(data)
        *whole, file.rest = (file.rest + data).split(b"\n")
    else:
        whole = []
    if last and file.rest:
        whole, file.rest = [*whole, file.rest], b""
    lines = []
    for line in whole:
        mark = _MARK.match(line)
        if mark is None and file.name == _LEFT_OUT:
            continue
        if mark is None:
            lines.append(_about(file).encode() + line + b"\n")
        elif mark[1] != b"job_id":
            # Ray marks in a worker's output whose it is from here on.
            file.name = mark[2].decode("utf-8", "replace")
    return lines


def _about(file: _File) -> str:
    if file.name == MARKED_ALREADY:
        return ""
    return f"({file.name} pid={file.pid}) " if file.name else f"(pid={file.pid}) "


def _write(lines: list[bytes]) -> None:
    if lines:
        write_to_log(b"".join(lines))
