"""Walking a directory: which files it holds, without reading them, and opening one of them without being led astray."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cleanroom_ml.artifacts.ignore import IGNORE_FILE, IgnoreRules
from cleanroom_ml.artifacts.paths import safe_relative_path
from cleanroom_ml.errors import CleanroomError, UsageError

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: a fifo put in the place of a file must not make the open wait.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MAX_IGNORE_FILE_BYTES = 256 * 1024
_LARGEST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Limits:
    """What a directory may hold; None: no limit. Sizes in bytes."""

    max_files: int | None
    max_bytes: int | None


SNOWFLAKE_LIMITS = Limits(max_files=500, max_bytes=2 * 1024**3)
"""Of a code directory on a stage (docs/api-digest.md §2)."""


class NotAFileError(UsageError):
    """Something in the directory is neither a regular file nor a directory."""

    def __init__(self, path: str, kind: str) -> None:
        super().__init__(
            f"{path!a} is a {kind}",
            why="only regular files and directories can be staged and verified",
            fix=f"replace it by a copy, or add it to {IGNORE_FILE}",
        )
        self.path = path


class FileChangedError(CleanroomError):
    """A file changed or went away while it was being read."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path!a} changed while it was read", fix="stop what writes to it, then repeat the command")
        self.path = path


class LimitExceededError(UsageError):
    """The directory holds more than may be staged; the largest files are named."""


def ignore_rules(directory: Path | str, *, root: Path | str | None = None) -> IgnoreRules:
    """The default rules and those of the directory's own `.cleanroomignore`.

    Args:
        root: a directory above, whose `.cleanroomignore` counts as well; the directory's own decides where both match.

    Raises:
        UsageError: an ignore file is too large, is no regular file, or is not UTF-8; the root's leaves out the whole
            directory.
    """
    own = _ignore_file(Path(directory) / IGNORE_FILE, source=IGNORE_FILE, above="", defaults=root is None)
    if root is None:
        return own
    way = Path(directory).resolve().relative_to(Path(root).resolve()).as_posix()
    if way == ".":
        return _ignore_file(Path(directory) / IGNORE_FILE, source=IGNORE_FILE, above="", defaults=True)
    file = Path(root) / IGNORE_FILE
    for depth in range(way.count("/") + 1):
        parent = "/".join(way.split("/")[: depth + 1])
        if reason := _ignore_file(file, source=IGNORE_FILE, above="", defaults=False).reason(parent, directory=True):
            raise UsageError(f"{file} leaves out {parent}/, which is to be staged", why=reason, fix=f"mend {file}")
    return _ignore_file(file, source=f"{IGNORE_FILE} of the project", above=way, defaults=True).then(own)


def _ignore_file(path: Path, *, source: str, above: str, defaults: bool) -> IgnoreRules:
    try:
        descriptor = os.open(path, _FILE)
    except FileNotFoundError:
        return IgnoreRules.parse((), defaults=defaults)
    except OSError as error:
        raise UsageError(f"cannot read {path}", why=error.strerror) from None
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise NotAFileError(str(path), _kind(mode))
    with open(descriptor, "rb") as file:
        content = file.read(_MAX_IGNORE_FILE_BYTES + 1)
    if len(content) > _MAX_IGNORE_FILE_BYTES:
        raise UsageError(f"{path} is larger than {_MAX_IGNORE_FILE_BYTES:,} bytes")
    try:
        lines = content.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8") from None
    return IgnoreRules.parse(lines, defaults=defaults, source=source, above=above)


def scan(
    directory: Path | str,
    *,
    ignore: IgnoreRules | None = None,
    on_ignored: Callable[[str, str], None] | None = None,
) -> list[tuple[str, int]]:
    """(path, size in bytes) of every file that is not ignored, sorted by the bytes of the path. Nothing is read.

    Args:
        directory: may itself be a symbolic link; nothing in it may.
        ignore: None: the default rules and `.cleanroomignore`.
        on_ignored: told each path that is left out (a directory's with a slash behind it), and why.

    Raises:
        UsageError: there is no such directory, or it cannot be read.
        NotAFileError: a symbolic link, fifo, socket or device.
        UnsafePathError: a name that may not be in a manifest.
    """
    rules = ignore_rules(directory) if ignore is None else ignore
    found: list[tuple[str, int]] = []
    with _root(directory) as root:
        pending = [""]
        while pending:
            prefix = pending.pop()
            with _opened(root, prefix, _DIRECTORY) as descriptor, os.scandir(descriptor) as entries:
                for entry in entries:
                    path = prefix + entry.name
                    try:
                        status = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        raise FileChangedError(path) from None
                    is_directory = stat.S_ISDIR(status.st_mode)
                    reason = rules.reason(path, directory=is_directory)
                    if reason is not None:
                        if on_ignored is not None:
                            on_ignored(path + "/" * is_directory, reason)
                        continue
                    safe_relative_path(path)
                    if is_directory:
                        pending.append(path + "/")
                    elif stat.S_ISREG(status.st_mode):
                        found.append((path, status.st_size))
                    else:
                        raise NotAFileError(path, _kind(status.st_mode))
    return sorted(found, key=lambda item: item[0].encode("utf-8"))


def check_limits(files: list[tuple[str, int]], limits: Limits) -> None:
    """Raise where there are too many files or bytes.

    Raises:
        LimitExceededError: naming the largest files.
    """
    total = sum(size for _, size in files)
    exceeded = []
    if limits.max_files is not None and len(files) > limits.max_files:
        exceeded.append(f"{len(files):,} files (at most {limits.max_files:,})")
    if limits.max_bytes is not None and total > limits.max_bytes:
        exceeded.append(f"{total:,} bytes (at most {limits.max_bytes:,})")
    if exceeded:
        largest = sorted(files, key=lambda item: (-item[1], item[0]))[:_LARGEST_SHOWN]
        raise LimitExceededError(
            f"the directory holds {' and '.join(exceeded)}",
            why="the largest are " + ", ".join(f"{path} ({size:,} bytes)" for path, size in largest),
            fix=f"remove files, or list them in {IGNORE_FILE}",
        )


@contextmanager
def open_inside(directory: Path | str, path: str) -> Iterator[int]:
    """A descriptor of a regular file inside the directory, reached without following any symbolic link.

    Raises:
        UnsafePathError: the path is not one of a manifest.
        NotAFileError: it is no regular file, or a part of it is a link.
        FileChangedError: it is not there.
    """
    safe_relative_path(path)
    with _root(directory) as root, _opened(root, path, _FILE) as descriptor:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise NotAFileError(path, _kind(mode))
        yield descriptor


@contextmanager
def _root(directory: Path | str) -> Iterator[int]:
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(f"cannot read the directory {directory}", why=error.strerror) from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _opened(root: int, path: str, flags: int) -> Iterator[int]:
    """Opened name by name from the root, so that no directory on the way can be swapped for a link."""
    descriptor = _open_by_names(root, path, flags)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _open_by_names(root: int, path: str, flags: int) -> int:
    names = [name for name in path.split("/") if name]
    current = os.dup(root)
    try:
        for index, name in enumerate(names):
            last = index == len(names) - 1
            following = os.open(name, flags if last else _DIRECTORY, dir_fd=current)
            os.close(current)
            current = following
    except OSError as error:
        os.close(current)
        raise _as_ours(error, path) from None
    return current


def _as_ours(error: OSError, path: str) -> CleanroomError:
    if isinstance(error, FileNotFoundError):
        return FileChangedError(path)
    if isinstance(error, PermissionError):
        return UsageError(f"cannot read {path!a}", why=error.strerror)
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return NotAFileError(path, "symbolic link")
    # What a socket, or a device without a driver, answers to open.
    if error.errno in (errno.ENXIO, errno.ENODEV):
        return NotAFileError(path, "socket or device")
    return CleanroomError(f"cannot read {path!a}", why=error.strerror)


def _kind(mode: int) -> str:
    kinds = (
        (stat.S_ISLNK, "symbolic link"),
        (stat.S_ISDIR, "directory"),
        (stat.S_ISFIFO, "fifo"),
        (stat.S_ISSOCK, "socket"),
        (stat.S_ISCHR, "character device"),
        (stat.S_ISBLK, "block device"),
    )
    return next((name for test, name in kinds if test(mode)), "special file")
