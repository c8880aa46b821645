"""Start, find and stop this machine's engine.

Whoever needs it calls `ensure_running`; two who do so at once start one.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cleanroom_ml.connection.directories import engine_home
from cleanroom_ml.connection.engine_identity import verify_engine
from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.engine.service_mode.deviations import DEVIATIONS, chosen
from cleanroom_ml.errors import CleanroomError, ConflictError, ConnectError
from cleanroom_ml.local import operator
from cleanroom_ml.local.extras import require
from cleanroom_ml.local.home import ensure_home, existing_home
from cleanroom_ml.local.processes import engine_process, terminate

__all__ = ["DEVIATIONS", "EngineStatus", "ensure_running", "start_like_snowflake", "status", "stop"]

START_SECONDS = 60.0
STOP_SECONDS = 30.0

_KEPT_VARIABLES = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "TZ",
    "TMPDIR",
    "DBUS_SESSION_BUS_ADDRESS",
    "LD_LIBRARY_PATH",
)
# Where packages come from, and how the index is reached: what registering a code spec asks pip with.
_PIPS_VARIABLES = (
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "NETRC"),
)
_KEPT_PREFIXES = ("LC_", "XDG_", "PYTHON", "CLEANROOM_ML_", "CUDA_", "NVIDIA_", "PIP_")


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """`running`: this home's own engine answers. The other values are from its `engine.json`."""

    home: Path
    running: bool
    detail: str
    host: str | None = None
    port: int | None = None
    pid: int | None = None
    version: str | None = None
    isolation: str | None = None
    isolation_reason: str = ""
    like_snowflake: tuple[str, ...] = ()
    """The deviations that it answers with, by name; none: as documented."""


def status(home: Home | None = None) -> EngineStatus:
    """What there is to know about the engine; starts and makes nothing."""
    home = home or existing_home()
    if home is None or not home.path.exists():
        place = (home.path if home is not None else engine_home()).resolve()
        left = engine_process(place)
        gone = f"an engine still runs as process {left}, but its home has been deleted: cleanroom-ml engine stop"
        return EngineStatus(place, False, gone if left is not None else "no engine has run here yet", pid=left)
    if home.description_values() is None:
        return EngineStatus(home.path, False, "no engine has run here yet")
    try:
        host, port = operator.address(home)
        verify_engine(home.path, host=host, port=port, timeout=5.0)
    except ConnectError as error:
        return EngineStatus(home.path, False, error.what)
    # Read once more: an engine writes this file before it answers, so now it is of the one that answered.
    values = home.description_values() or {}
    return EngineStatus(
        home.path,
        True,
        "running",
        host=host,
        port=port,
        pid=int(values.get("pid", 0)),
        version=str(values.get("version")),
        isolation=str(values.get("isolation")),
        isolation_reason=str(values.get("isolation_reason", "")),
        like_snowflake=tuple(map(str, values.get("like_snowflake") or ())),
    )


def ensure_running(
    home: Home | None = None,
    *,
    arguments: Sequence[str] = (),
    timeout: float = START_SECONDS,
    on_start: Callable[[], None] | None = None,
) -> EngineStatus:
    """The engine, started (detached) if it does not run.

    Args:
        arguments: further ones of `engine.http.server`.
        on_start: is called where it does not run, before it is started: that takes a while.

    Raises:
        NotInstalledError: this environment has no embedded engine.
        ConnectError: it does not start; says why, in the engine's own words.
    """
    home = home or ensure_home()
    found = status(home)
    if found.running:
        return found
    deadline = time.monotonic() + timeout
    with _starting(home, deadline):
        found = status(home)
        if found.running:
            return found
        require("engine", what="the embedded engine")
        if on_start is not None:
            on_start()
        return _start(home, arguments, deadline)


def start_like_snowflake(
    deviations: str, home: Home | None = None, *, on_start: Callable[[], None] | None = None
) -> EngineStatus:
    """The engine, started so that it answers as the service does; `deviations` by name, or `all`. `on_start` is that of
    `ensure_running`.

    Raises:
        UsageError: there is no deviation of a name.
        ConflictError: it runs already, and answers otherwise.
        ConnectError: as `ensure_running`.
    """
    wanted = tuple(sorted(chosen(deviations)))
    found = ensure_running(home, arguments=("--like-snowflake", ",".join(wanted)), on_start=on_start)
    if found.like_snowflake != wanted:
        raise ConflictError(
            "the engine runs already, and answers otherwise",
            why=f"it deviates in: {', '.join(found.like_snowflake) or 'nothing'}",
            fix=f"cleanroom-ml engine stop && cleanroom-ml engine start --like-snowflake {deviations}",
        )
    return found


def stop(home: Home | None = None, *, timeout: float = STOP_SECONDS) -> bool:
    """Stop the engine and wait until it is gone; False where none ran. Jobs go on; a later start finds them again.

    An engine that its home cannot speak for any more (deleted, or a file of it) is found by its process and ended.

    Raises:
        ConnectError: it does not stop.
    """
    place = (home.path if home is not None else engine_home()).resolve()
    reported = False
    with suppress(CleanroomError, OSError):  # what stops it then is below
        home = home or existing_home()
        if home is not None and home.path.exists() and status(home).running:
            operator.call(home, "POST", "/cleanroom/admin/stop", {})
            reported = True
    if not reported or home is None:
        left = engine_process(place)
        if left is not None and not terminate(left, place, timeout=timeout):
            raise ConnectError("the engine does not stop", fix=f"kill {left}")
        return left is not None
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if _lock_free(home) and engine_process(place) is None:
            return True
        time.sleep(0.05)
    raise ConnectError("the engine does not stop", fix=f"kill {status(home).pid or '<pid>'}")


def _start(home: Home, arguments: Sequence[str], deadline: float) -> EngineStatus:
    complaint = home.path / "engine-start.log"
    descriptor = os.open(complaint, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "cleanroom_ml.engine.http.server", "--home", str(home.path), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,
            cwd="/",
            env=_environment(),
        )
    finally:
        os.close(descriptor)
    while time.monotonic() < deadline:
        found = status(home)
        if found.running:
            return found
        if process.poll() is not None and _lock_free(home):
            raise _complaint(complaint, process.returncode)
        time.sleep(0.05)
    raise ConnectError("the engine did not become ready in time", why="still starting, or hung", fix=f"tail {home.log}")


def _complaint(path: Path, code: int) -> ConnectError:
    """What the engine said before it gave up: its last line is JSON where it knew why."""
    if code == -signal.SIGTERM:
        return ConnectError("somebody stopped the engine while it was starting", fix="cleanroom-ml engine start")
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    last = lines[-1] if lines else ""
    try:
        said = json.loads(last)
        return ConnectError(str(said["what"]), why=said.get("why"), fix=said.get("fix"))
    except (ValueError, KeyError, TypeError):
        return ConnectError(
            f"the engine does not start (exit status {code})", why=last[:500] or None, fix=f"cat {path}"
        )


@contextmanager
def _starting(home: Home, deadline: float) -> Iterator[None]:
    """Only one process at a time starts an engine in this home."""
    descriptor = os.open(home.path / "start.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise ConnectError("another process has been starting the engine for too long") from None
                time.sleep(0.05)
        yield
    finally:
        os.close(descriptor)


def _lock_free(home: Home) -> bool:
    """Whether no engine holds this home. Asked only while nobody may start one, or after it was told to stop."""
    try:
        descriptor = os.open(home.lock, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _environment() -> dict[str, str]:
    """What the engine needs of the environment: not the credentials that a shell carries along."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in (*_KEPT_VARIABLES, *_PIPS_VARIABLES) or name.startswith(_KEPT_PREFIXES)
    }
