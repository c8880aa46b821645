"""The object store: bytes named by their SHA-256, written once, never changed (docs/ARCHITECTURE.md, decision 3)."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import signal
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from cleanroom_ml.engine.storage.errors import ObjectMissing
from cleanroom_ml.engine.storage.keys import checked_sha256

_CHUNK = 1 << 20
_SCRATCH = "scratch"
_TRASH = "trash"


class ObjectStore:
    """A directory (0700) of objects at `ab/<sha256>` (0444), and a scratch directory on the same filesystem.

    When a method returns a hash, the bytes and the name that leads to them are on disk: a catalog row may point there.
    """

    def __init__(self, root: Path) -> None:
        """Opens the store at `root`, making it if it is not there."""
        self.root = root
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        root.chmod(0o700)
        (root / _SCRATCH).mkdir(mode=0o700, exist_ok=True)
        (root / _TRASH).mkdir(mode=0o700, exist_ok=True)

    def put_bytes(self, data: bytes) -> str:
        """Stores `data`; its hash."""
        with self._private() as (fd, path):
            _write_all(fd, data)
            return self._keep(fd, path, hashlib.sha256(data).hexdigest())

    def put_stream(self, source: BinaryIO | int) -> str:
        """Stores what is read from a binary file object or a descriptor until its end; the hash."""
        with self._private() as (fd, path):
            return self._keep(fd, path, _copy(source, fd))

    def create_output(self) -> tuple[int, Path]:
        """A new, empty file that a worker under any user can write: (descriptor, path), for `adopt` later.

        The caller closes the descriptor. The mode is 0666 because a sandboxed worker opens it again through
        /proc/self/fd as another user; the directory above is 0700, so that nobody else gets there by name.
        """
        fd, path = self._new()
        os.fchmod(fd, 0o666)
        return fd, path

    def adopt(self, path: Path) -> str:
        """Makes the file at `path` (of `create_output`) an object; its hash. The file is gone from `path` afterwards.

        A writer that still has the file open cannot change the object: then the bytes are copied to a file of our own.

        Raises:
            OSError: there is no regular file at `path`.
        """
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise OSError("only a regular file can become an object")
            os.fchmod(fd, 0o444)
            # Only after the mode is 0444 does "nobody has it open for writing" stay true.
            if _unwritten(fd):
                digest = hashlib.sha256()
                while chunk := os.read(fd, _CHUNK):
                    digest.update(chunk)
                return self._keep(fd, path, digest.hexdigest())
            sha256 = self.put_stream(fd)
            path.unlink(missing_ok=True)
            return sha256
        finally:
            os.close(fd)

    def open(self, sha256: str) -> int:
        """A read-only descriptor of the object; the caller closes it. Raises ObjectMissing, InvalidHash."""
        try:
            return os.open(self.path(sha256), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            raise ObjectMissing(sha256) from None

    def path(self, sha256: str) -> Path:
        """Where the object is, if it is there. Raises InvalidHash."""
        return self.root / checked_sha256(sha256)[:2] / sha256

    def size(self, sha256: str) -> int:
        """The object's size in bytes. Raises ObjectMissing, InvalidHash."""
        try:
            return self.path(sha256).stat(follow_symlinks=False).st_size
        except FileNotFoundError:
            raise ObjectMissing(sha256) from None

    def exists(self, sha256: str) -> bool:
        """Whether the store holds the object. Raises InvalidHash."""
        path = self.path(sha256)
        return path.is_file() and not path.is_symlink()

    def verify(self, sha256: str) -> bool:
        """Whether the bytes on disk, read now, still have this hash. False where there is no such object."""
        try:
            fd = self.open(sha256)
        except (ObjectMissing, OSError):
            return False
        with os.fdopen(fd, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256

    def require(self, sha256s: Iterable[str]) -> None:
        """To be called inside the transaction that makes rows point at `sha256s`.

        Garbage collection takes objects away only inside a transaction too, so what is there now stays there for those
        rows.

        Raises:
            ObjectMissing: one is not in the store.
        """
        for sha256 in sha256s:
            if not self.exists(sha256):
                raise ObjectMissing(sha256)

    def scratch(self) -> Path:
        """The directory (0700) for files on their way to becoming objects; on the same filesystem."""
        return self.root / _SCRATCH

    def stored(self) -> Iterator[str]:
        """The hash of every object in the store."""
        for shard in sorted(self.root.iterdir()):
            if len(shard.name) == 2 and shard.is_dir():
                yield from (entry.name for entry in os.scandir(shard) if len(entry.name) == 64)

    def remove(self, sha256: str, *, untouched_since: float) -> int | None:
        """Takes an object out of the store, unless it was stored (again) after `untouched_since`, in seconds since the
        epoch. Its bytes lie in the trash until `empty_trash`: renaming takes no time, deleting large files does.

        Only for garbage collection, inside its transaction. Returns its size; None where it was kept or not there.
        """
        path = self.path(sha256)
        with self._gate():
            try:
                status = path.stat(follow_symlinks=False)
            except FileNotFoundError:
                return None
            if status.st_mtime > untouched_since:
                return None
            path.replace(self.root / _TRASH / sha256)
            return status.st_size

    def empty_trash(self) -> None:
        """Deletes what was removed, also by a process that was killed before it came to this."""
        for entry in os.scandir(self.root / _TRASH):
            Path(entry.path).unlink(missing_ok=True)

    def sweep_scratch(self, *, untouched_since: float) -> int:
        """Deletes files in scratch that nobody has touched since `untouched_since` and nobody holds; how many."""
        with self._gate():
            left = [path for path in self.scratch().iterdir() if _abandoned(path, untouched_since)]
            for path in left:
                path.unlink()
        return len(left)

    def _new(self) -> tuple[int, Path]:
        """A new file in scratch. The lock says that somebody lives who works on it: it ends with the descriptor."""
        path = self.scratch() / secrets.token_hex(16)
        with self._gate():
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            fcntl.flock(fd, fcntl.LOCK_SH)
        return fd, path

    @contextmanager
    def _private(self) -> Iterator[tuple[int, Path]]:
        fd, path = self._new()
        try:
            yield fd, path
        finally:
            os.close(fd)
            path.unlink(missing_ok=True)

    def _keep(self, fd: int, path: Path, sha256: str) -> str:
        """Moves the finished file at `path`, open as `fd`, to its name. On return both are on disk."""
        os.fchmod(fd, 0o444)
        os.fsync(fd)
        home = self.path(sha256)
        if not home.parent.is_dir():
            home.parent.mkdir(mode=0o700, exist_ok=True)
            sync_directory(self.root)
        with self._gate():
            # The age that garbage collection looks at counts from now, also for bytes that were here before.
            os.utime(fd)
            path.replace(home)
        sync_directory(home.parent)
        return sha256

    @contextmanager
    def _gate(self) -> Iterator[None]:
        """Storing an object again and deleting it exclude each other, between threads and between processes."""
        fd = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)


def _abandoned(path: Path, untouched_since: float) -> bool:
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode) or status.st_mtime > untouched_since:
        return False
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(fd)
    return True


def _unwritten(fd: int) -> bool:
    """Whether the kernel vouches that no process has the file of `fd` open for writing (fcntl(2), "Leases")."""
    try:
        # Whoever opens the file between the two calls makes the kernel signal us; SIGURG is ignored, SIGIO kills.
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError:
        return False
    return True


def _copy(source: BinaryIO | int, target: int) -> str:
    digest = hashlib.sha256()
    while chunk := os.read(source, _CHUNK) if isinstance(source, int) else source.read(_CHUNK):
        digest.update(chunk)
        _write_all(target, chunk)
    return digest.hexdigest()


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def sync_directory(path: Path) -> None:
    """Puts the names in a directory on disk: a new file is only there after a crash if its name is."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
