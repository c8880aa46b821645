"""Is this machine ready? Each check says what it found and, where it is not well, the exact command that helps."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cleanroom_ml.connection.directories import engine_home
from cleanroom_ml.errors import CleanroomError
from cleanroom_ml.local.engine import status

MIN_FREE_BYTES = 5 << 30
MIN_MEMORY_BYTES = 4 << 30
_GIB = 1 << 30

PYTHONS = ((3, 11), (3, 14))
"""The oldest and the newest Python that the tests run on; requires-python in pyproject.toml says the same."""


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. `fix` is an exact command; None where all is well, or where nothing needs to be done about it."""

    name: str
    ok: bool
    detail: str
    fix: str | None = None


def checks(home: Path | None = None) -> list[Check]:
    """Every check, in the order in which they are worth mending; none of them changes anything or starts an engine."""
    path = home or engine_home()
    steps: tuple[Callable[[], list[Check]], ...] = (
        _python,
        lambda: [_home(path)],
        _isolation,
        lambda: [_disk(path)],
        lambda: [_memory()],
        lambda: [_gpu()],
        lambda: _images(path),
        lambda: _engine(path),
    )
    return [check for step in steps for check in step()]


def _python() -> list[Check]:
    version = ".".join(map(str, sys.version_info[:3]))
    oldest, newest = PYTHONS
    ok = oldest <= sys.version_info[:2] <= newest
    fix = None if ok else "install Python {}.{} to {}.{}".format(*oldest, *newest)
    return [Check("python", ok, f"{version} at {sys.executable}", fix)]


def _home(path: Path) -> Check:
    from cleanroom_ml.engine.home.private_files import check_private

    if not path.exists():
        return Check("home", True, f"{path} is not there yet; it is made by the first command that needs it")
    try:
        check_private(path)
    except CleanroomError as error:
        return Check("home", False, error.what, error.fix)
    return Check("home", True, f"{path} is private")


def _isolation() -> list[Check]:
    try:
        from cleanroom_ml.engine.sandbox.probe import probe
    except ImportError as error:
        fix = "pip install 'cleanroom-ml[engine]'"
        return [Check("engine extra", False, f"the embedded engine's libraries are missing ({error.name})", fix)]
    report = probe()
    failed = [f"{check.name}: {check.detail}" for check in report.checks if not check.ok]
    detail = "; ".join(failed) if failed else f"{report.driver} isolates, as checked from the inside"
    enforced = report.memory_enforced_by
    return [
        Check("sandbox", report.ok, detail, report.how_to_fix),
        Check(
            "memory limits",
            enforced != "none",
            f"enforced by {enforced}",
            None if enforced != "none" else "log in through systemd (loginctl enable-linger) or run as root",
        ),
    ]


def _disk(path: Path) -> Check:
    there = next(place for place in (path, *path.parents) if place.exists())
    free = shutil.disk_usage(there).free
    ok = free >= MIN_FREE_BYTES
    fix = None if ok else f"free some space, or: export CLEANROOM_ML_HOME=DIR (now on {there})"
    return Check("disk", ok, f"{free / _GIB:.1f} GiB free at {there}", fix)


def _memory() -> Check:
    cores = os.cpu_count() or 1
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    ok = total >= MIN_MEMORY_BYTES
    detail = f"{total / _GIB:.1f} GiB of memory, {cores} cores"
    return Check(
        "machine", ok, detail, None if ok else "training needs more memory: use a larger machine, or Snowflake"
    )


def _gpu() -> Check:
    from cleanroom_ml.engine.jobs.gpu import find

    found = find()
    if found.minors:
        return Check("gpu", True, f"NVIDIA: {', '.join(f'/dev/nvidia{minor}' for minor in found.minors)}")
    why_not = f" that a job can use: {found.why_not}" if found.why_not else ""
    return Check("gpu", True, f"no NVIDIA GPU{why_not}; jobs run on CPU pools")


def _images(path: Path) -> list[Check]:
    """Whether what approvals pin is here still; that `local` is another now is said, and is no fault."""
    from cleanroom_ml.engine.home.paths import Home
    from cleanroom_ml.local.images import list_images, named

    if not (path / "images").is_dir():
        return []
    found = []
    for row in list_images(Home(path)):
        if row.notes and (row.needed or row.status == "this installation"):
            found.append(Check("image", True, f"{row.tag} {str(row.digest)[:19]}…: {named(row.notes)}"))
        if not row.needed or (row.status != "gone" and not row.differences):
            continue
        pinned = f"{row.tag} {str(row.digest)[:19]}…, which {row.needed} approvals or jobs need,"
        if row.status == "gone":
            fix = "the provider runs: cleanroom-ml spec register --bump && cleanroom-ml template submit"
            found.append(Check("image", False, f"{pinned} is gone", fix))
        else:
            now = f"{row.tag} is another now ({named(row.differences)})"
            found.append(Check("image", True, f"{pinned} is kept; {now}, and takes: cleanroom-ml spec register --bump"))
    return found or [Check("images", True, "what approvals pin is what the tags mean now")]


def _engine(path: Path) -> list[Check]:
    from cleanroom_ml.engine.home.paths import Home

    if not path.exists():
        return [Check("engine", True, "does not run; it starts by itself when it is needed")]
    home = Home(path)
    try:
        found = status(home)
        values = home.description_values() or {}
    except CleanroomError as error:
        return [Check("engine", False, error.what, error.fix)]
    if found.running:
        return [Check("engine", True, f"answers at {found.host}:{found.port}, and proved that it is this home's own")]
    port = values.get("port")
    if isinstance(port, int) and _taken(str(values.get("host", "127.0.0.1")), port):
        return [
            Check("engine", False, f"port {port} is another program's: {found.detail}", f"ss -ltnp 'sport = :{port}'")
        ]
    return [Check("engine", True, "does not run; it starts by itself when it is needed")]


def _taken(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=2.0):
            return True
    except OSError:
        return False
