"""Taking over the files that an untrusted process left in a directory, without trusting a single name or type.

Links are never followed, only regular files with exactly one link are taken, everything is bounded, and the copies get
neutral names. What is refused is reported with its reason, never silently dropped.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_OPEN: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class CollectLimits:
    file_bytes: int = 256 << 20
    total_bytes: int = 1 << 30
    files: int = 1000
    depth: int = 8


@dataclass(frozen=True, slots=True)
class CollectedFile:
    """`name` is the path that the job gave it (printable UTF-8, still to be treated as hostile); `path` is our copy."""

    name: str
    path: Path
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Refused:
    """`name` is escaped: safe to print."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Collected:
    files: tuple[CollectedFile, ...]
    refused: tuple[Refused, ...]


@dataclass(slots=True)
class _Collector:
    target: Path
    limits: CollectLimits
    files: list[CollectedFile] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    total: int = 0
    full: bool = False

    def directory(self, fd: int, prefix: str, depth: int) -> None:
        with os.scandir(fd) as entries:
            for entry in entries:
                if len(self.files) + len(self.refused) >= self.limits.files:
                    if not self.full:
                        self.full = True
                        self.refuse(prefix, f"more than {self.limits.files} entries: the rest was not looked at")
                    return
                self.entry(fd, entry.name, prefix + entry.name, depth)
                if self.full:
                    return

    def entry(self, parent: int, name: str, path: str, depth: int) -> None:
        try:
            fd = os.open(name, _OPEN, dir_fd=parent)
        except OSError as error:
            why = {errno.ELOOP: "a symbolic link", errno.ENXIO: "a socket or a pipe"}
            self.refuse(path, why.get(error.errno or 0, error.strerror or "cannot be opened"))
            return
        try:
            status = os.fstat(fd)
            if stat.S_ISDIR(status.st_mode):
                if depth >= self.limits.depth:
                    self.refuse(path, f"more than {self.limits.depth} directories deep")
                else:
                    self.directory(fd, f"{path}/", depth + 1)
                return
            reason = self.objection(path, status)
            if reason is None:
                reason = self.copy(fd, path)
            if reason is not None:
                self.refuse(path, reason)
        finally:
            os.close(fd)

    def objection(self, path: str, status: os.stat_result) -> str | None:
        if not stat.S_ISREG(status.st_mode):
            return "not a regular file"
        if status.st_nlink != 1:
            return "has more than one hard link"
        if not path.isprintable() or any(0xDC80 <= ord(character) <= 0xDCFF for character in path):
            return "its name is not printable UTF-8"
        if status.st_size > self.limits.file_bytes:
            return f"larger than {self.limits.file_bytes} bytes"
        return None

    def copy(self, fd: int, path: str) -> str | None:
        copy = self.target / f"{len(self.files):05d}"
        digest, size = hashlib.sha256(), 0
        most = min(self.limits.file_bytes, self.limits.total_bytes - self.total)
        with open(copy, "xb") as sink:
            while data := os.read(fd, _CHUNK):
                size += len(data)
                if size > most:  # counted while copying: the size that was reported may have been outgrown
                    sink.close()
                    copy.unlink()
                    return f"too large: at most {self.limits.total_bytes} bytes are taken in all"
                digest.update(data)
                sink.write(data)
        self.total += size
        self.files.append(CollectedFile(path, copy, size, digest.hexdigest()))
        return None

    def refuse(self, path: str, reason: str) -> None:
        self.refused.append(Refused(ascii(path)[1:-1], reason))


def collect(source: Path, target: Path, limits: CollectLimits | None = None) -> Collected:
    """Copy what `source` holds into `target` (made if missing, must be empty) under neutral names.

    Call it once the sandbox has ended. Raises OSError when `source` is not a plain directory, or on our own disk.
    """
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(target.iterdir()):
        raise FileExistsError(errno.EEXIST, "the directory is not empty", str(target))
    collector = _Collector(target, limits if limits is not None else CollectLimits())
    top = os.open(source, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        collector.directory(top, "", 0)
    finally:
        os.close(top)
    return Collected(tuple(collector.files), tuple(collector.refused))
