"""Prepares a job's directory and starts its supervisor. Both are idempotent: doing them again changes nothing."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from cleanroom_ml.engine.contracts.plan import Plan
from cleanroom_ml.engine.jobs import files
from cleanroom_ml.engine.jobs.images.frozen import frozen_root
from cleanroom_ml.engine.jobs.record import write_plan
from cleanroom_ml.engine.sandbox.processes import start_time
from cleanroom_ml.engine.sandbox.remove_tree import remove_tree
from cleanroom_ml.engine.storage.objects import sync_directory

_KEPT = (files.RECORD, files.LOG, files.RESULT, files.EVENTS, files.USAGE, files.SUPERVISOR_LOG, files.LOCK)


def prepare(directory: Path, plan: Plan, token: str) -> None:
    """Make the job's directory with all that its supervisor needs; on disk when this returns."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    files.write_atomically(directory / files.TOKEN, token.encode("ascii"))
    write_plan(plan, directory)
    sync_directory(directory.parent)


def new_token() -> str:
    """What a job's session logs in with."""
    return secrets.token_urlsafe(32)


class Supervisors:
    """Starts supervisors, and reaps the ones that this process started."""

    def __init__(self) -> None:
        self._children: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, directory: Path) -> tuple[int, int]:
        """Start a supervisor for the job of this directory: (pid, start time). Raises OSError.

        It is detached: it has its own session, and neither our end nor our restart touches it. If the job has one
        already, the new one leaves by itself.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        log = os.open(directory / files.SUPERVISOR_LOG, flags, 0o600)
        try:
            process = subprocess.Popen(
                # -P: the working directory, or the job's, never gets on the path of trusted code.
                [sys.executable, "-P", "-m", "cleanroom_ml.engine.jobs.supervisor", str(directory)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_environment(),
                start_new_session=True,
                close_fds=True,
            )
        finally:
            os.close(log)
        self._children[process.pid] = process
        return process.pid, start_time(process.pid) or 0

    def reap(self) -> bool:
        """Collect the exit status of supervisors that have ended, so that they do not linger as zombies.

        Whether there is any that has not.
        """
        for pid, process in list(self._children.items()):
            if process.poll() is not None:
                del self._children[pid]
        return bool(self._children)


def request_cancel(directory: Path) -> None:
    """Tell the job's supervisor, whether it runs already or not, to end the job."""
    if directory.is_dir() and not (directory / files.CANCEL).exists():
        files.write_atomically(directory / files.CANCEL, b"")


def clean_up(directory: Path, *, stop: Callable[[], bool] = lambda: False) -> None:
    """Remove what an ended job does not need any more; its record, log, result, events and usage stay. Idempotent.

    Raises OSError for what cannot be removed, and remove_tree.Interrupted once `stop` says so.
    """
    if not directory.is_dir():
        return
    # Plain files first: the token does not wait for a scratch directory of a million files.
    for path in sorted(directory.iterdir(), key=lambda path: path.is_dir() and not path.is_symlink()):
        if path.name not in _KEPT:
            remove_tree(path, stop=stop)


def _environment() -> dict[str, str]:
    # What the supervisor and `systemd-run --user` need; no secret of the front's environment goes along.
    # LD_LIBRARY_PATH: a GPU's driver may lie where the loader's cache does not know it (gpu.py).
    wanted = ("PATH", "HOME", "LANG", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "VIRTUAL_ENV")
    libraries = ("PYTHONPATH", "LD_LIBRARY_PATH")
    kept = {name: os.environ[name] for name in (*wanted, *libraries) if name in os.environ}
    # As we see it: a supervisor has another working directory, and a path may be relative.
    return {**kept, "CLEANROOM_ML_IMAGES": str(frozen_root(os.environ))}
