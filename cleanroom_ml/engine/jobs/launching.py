"""Prepares a job's directory and starts its supervisor. Both are idempotent: doing them again changes nothing."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

from cleanroom_ml.engine.jobs import files
from cleanroom_ml.engine.jobs.record import Plan
from cleanroom_ml.engine.sandbox.processes import start_time

_KEPT = (files.RECORD, files.LOG, files.RESULT, files.EVENTS, files.USAGE, files.SUPERVISOR_LOG, files.LOCK)


def prepare(directory: Path, plan: Plan, token: str) -> None:
    """Make the job's directory with all that its supervisor needs; on disk when this returns."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    files.write_atomically(directory / files.TOKEN, token.encode("ascii"))
    plan.write(directory)
    files.sync_directory(directory.parent)


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

    def reap(self) -> None:
        """Collect the exit status of supervisors that have ended, so that they do not linger as zombies."""
        for pid, process in list(self._children.items()):
            if process.poll() is not None:
                del self._children[pid]


def request_cancel(directory: Path) -> None:
    """Tell the job's supervisor, whether it runs already or not, to end the job."""
    if directory.is_dir() and not (directory / files.CANCEL).exists():
        files.write_atomically(directory / files.CANCEL, b"")


def clean_up(directory: Path) -> None:
    """Remove what an ended job does not need any more; its record, log, result, events and usage stay. Idempotent."""
    if not directory.is_dir():
        return
    for path in directory.iterdir():
        if path.name in _KEPT:
            continue
        if path.is_dir() and not path.is_symlink():
            _remove_tree(path)
        else:
            path.unlink(missing_ok=True)


def _remove_tree(path: Path) -> None:
    # A job may have taken every right from its own directories; as an ordinary user we then could not even list them.
    for parent, _, _ in os.walk(path, topdown=True, onerror=lambda error: _open_up(error.filename)):
        _open_up(parent)
    shutil.rmtree(path, ignore_errors=True)


def _open_up(directory: str) -> None:
    with contextlib.suppress(OSError):
        fd = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            Path(f"/proc/self/fd/{fd}").chmod(0o700)
        finally:
            os.close(fd)


def _environment() -> dict[str, str]:
    # What the supervisor and `systemd-run --user` need; no secret of the front's environment goes along.
    wanted = ("PATH", "HOME", "LANG", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "VIRTUAL_ENV", "PYTHONPATH")
    images = ("XDG_DATA_HOME", "CLEANROOM_ML_IMAGES")  # where this person's frozen images lie
    return {name: os.environ[name] for name in (*wanted, *images) if name in os.environ}
