"""Files and directories that nobody but their owner reads: checked as they are opened, written wholly or not at all."""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from pathlib import Path

from cleanroom_ml.errors import UsageError

_SECRET_BYTES = 32


def check_private(path: Path) -> None:
    """Accept a directory that is the caller's own and closed to everybody else.

    Raises:
        UsageError: it is not.
    """
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise UsageError(f"{path} is not a directory", why="a home is a directory, not a link to one")
    if status.st_uid != os.geteuid():
        raise UsageError(
            f"{path} belongs to another user (uid {status.st_uid})",
            why="whoever owns the engine's home can read everything in it",
            fix="choose a directory of your own: export CLEANROOM_ML_HOME=DIR",
        )
    if status.st_mode & 0o077:
        raise UsageError(
            f"other users may enter {path} (mode {stat.S_IMODE(status.st_mode):04o})",
            why="the engine's home holds every party's data and its own keys",
            fix=f"chmod 700 {path}",
        )


def read_private(path: Path) -> bytes:
    """The content of a secret file.

    Raises:
        FileNotFoundError: it is not there.
        UsageError: it is a link, belongs to somebody else, or others may read it.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
            raise UsageError(f"{path} is not private", why="other users may read it", fix=f"chmod 600 {path}")
        return file.read()


def write_private(path: Path, content: bytes) -> None:
    """Write a file (0600) so that it is there wholly or not at all, and stays there."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def secret_bytes(path: Path) -> bytes:
    """The secret kept at `path` as hexadecimal text; made at random the first time."""
    try:
        return bytes.fromhex(read_private(path).decode("ascii").strip())
    except FileNotFoundError:
        secret = secrets.token_bytes(_SECRET_BYTES)
        write_private(path, secret.hex().encode("ascii") + b"\n")
        return secret
