"""The engine's home: one directory that nobody but its owner can enter.

What lies where: docs/ARCHITECTURE.md, "On disk".
"""

from __future__ import annotations

import json
import os
import secrets
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cleanroom_ml.errors import UsageError

_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Home:
    """The paths inside one home."""

    path: Path

    @property
    def catalog(self) -> Path:
        return self.path / "catalog.sqlite"

    @property
    def objects(self) -> Path:
        return self.path / "objects"

    @property
    def spool(self) -> Path:
        return self.path / "spool"

    @property
    def jobs(self) -> Path:
        return self.path / "jobs"

    @property
    def description(self) -> Path:
        """`engine.json`: where the engine listens, and by which key it is known."""
        return self.path / "engine.json"

    @property
    def lock(self) -> Path:
        return self.path / "engine.lock"

    @property
    def isolation(self) -> Path:
        """Whether engines here isolate what they run: written first, never changed (`unisolated.claim`)."""
        return self.path / "isolation"

    @property
    def log(self) -> Path:
        return self.path / "engine.log"

    @property
    def identity_key(self) -> Path:
        return self.path / "engine.key"

    @property
    def operator_secret(self) -> Path:
        return self.path / "operator.secret"

    @property
    def capability_key(self) -> Path:
        return self.path / "capability.key"

    @property
    def connections(self) -> Path:
        return self.path / "connections.toml"

    def description_values(self) -> dict[str, Any] | None:
        """What `engine.json` says; None where no engine ever ran here.

        Raises:
            UsageError: the file is not what an engine writes.
        """
        try:
            values = json.loads(self.description.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (ValueError, OSError) as error:
            raise UsageError(f"{self.description} cannot be read", why=str(error)) from error
        if not isinstance(values, dict):
            raise UsageError(f"{self.description} is not what an engine writes")
        return values


def open_home(path: Path) -> Home:
    """The home at `path`, made (0700) if it is not there.

    Raises:
        UsageError: it is a link, belongs to somebody else, or others may enter it.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        raise UsageError(f"{path} cannot be the engine's home", why=str(error)) from error
    check_private(path)
    return Home(path.resolve())


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
