"""Private directories for what is being made: gone when their maker is done, and swept where it died before."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_PREFIX: Final = ".work-"


@contextmanager
def private_directory(root: Path) -> Iterator[Path]:
    """An empty directory (0700) below `root`, on the same filesystem; removed when the block ends, however it ends.

    While its maker lives it holds a lock on it, which the kernel gives up with the process.
    """
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = _new_name(root)
    path.mkdir(mode=0o700)
    held = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(held, fcntl.LOCK_SH)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(held)


def sweep_abandoned(root: Path) -> list[str]:
    """Remove private directories below `root` whose makers are dead; their names."""
    gone = [path for path in sorted(root.glob(f"{_PREFIX}*")) if _is_abandoned(path)]
    for path in gone:
        shutil.rmtree(path, ignore_errors=True)
    return [path.name for path in gone]


def remove_whole(path: Path) -> None:
    """Remove a finished directory. First it loses its name: what is half removed must not pass for a whole one."""
    gone = _new_name(path.parent)
    path.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def age_seconds(path: Path) -> float:
    """How long ago the directory itself was changed."""
    return time.time() - path.lstat().st_mtime


def _new_name(root: Path) -> Path:
    return root / f"{_PREFIX}{secrets.token_hex(8)}"


def _is_abandoned(path: Path) -> bool:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(fd)
    return age_seconds(path) > 1.0  # its maker takes the lock right after making it
