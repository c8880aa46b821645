"""Removing a directory that an untrusted process filled: of any depth and width, in bounded memory and descriptors.

A path holds 4,096 bytes and a call stack some thousand frames; a directory can be nested a hundred thousand deep. So
nothing here follows a path or calls itself: each directory that is found below is moved up to the top first, and then
emptied there. Every name is taken relative to a descriptor, and no link is ever followed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

_OPEN: Final = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PART: Final = ".removing-"


class Interrupted(Exception):
    """The caller's `stop` said so; what is left can be removed by another call."""


def remove_tree(path: Path, *, stop: Callable[[], bool] = lambda: False) -> None:
    """Remove `path` with all that is in it, whatever it is; nothing is fine. Nobody may be writing there any more.

    1. What is no directory is unlinked.
    2. A directory is made ours to change: a job may have taken every right from its own.
    3. Its files are unlinked; the directories in it are moved to the top, under names of ours.
    4. Again with each of those, until none is left.

    Raises OSError for what cannot be removed, and Interrupted.
    """
    try:
        if not stat.S_ISDIR(path.lstat().st_mode):
            path.unlink()
            return
    except FileNotFoundError:
        return
    top = _open(path.name, os.open(path.parent, _OPEN | os.O_PATH))
    try:
        _Removal(top, stop).run()
    finally:
        os.close(top)
    path.rmdir()


class _Removal:
    def __init__(self, top: int, stop: Callable[[], bool]) -> None:
        self._top = top
        self._stop = stop
        self._moved = 0

    def run(self) -> None:
        self._empty(self._top)
        while names := self._directories():
            for name in names:
                directory = _open(name, os.dup(self._top))
                try:
                    self._empty(directory)
                finally:
                    os.close(directory)
                os.rmdir(name, dir_fd=self._top)

    def _directories(self) -> list[str]:
        """Some of the names at the top, all of which are directories by now."""
        with os.scandir(self._top) as entries:
            return [entry.name for entry, _ in zip(entries, range(1000), strict=False)]

    def _empty(self, directory: int) -> None:
        """Unlink the files of `directory`, and move its directories to the top (those of the top get a name of ours).

        What is read while names go away may be incomplete (readdir(3)): so until a reading finds nothing new.
        """
        while True:
            found = False
            with os.scandir(directory) as entries:
                for entry in entries:
                    if self._stop():
                        raise Interrupted
                    if directory == self._top and entry.name.startswith(_PART) and entry.is_dir(follow_symlinks=False):
                        self._moved = max(self._moved, _number(entry.name))
                        continue
                    found = True
                    if entry.is_dir(follow_symlinks=False):
                        self._lift(entry.name, directory)
                    else:
                        os.unlink(entry.name, dir_fd=directory)
            if not found:
                return

    def _lift(self, name: str, directory: int) -> None:
        # Moving a directory changes its "..": that needs the right to write in it.
        os.close(_open(name, os.dup(directory)))
        while True:
            self._moved += 1
            try:
                os.rename(name, f"{_PART}{self._moved}", src_dir_fd=directory, dst_dir_fd=self._top)
            except OSError as error:
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
                    raise
            else:
                return


def _number(name: str) -> int:
    rest = name.removeprefix(_PART)
    return int(rest) if rest.isascii() and rest.isdecimal() and len(rest) < 16 else 0


def _open(name: str, parent: int) -> int:
    """A readable descriptor of the directory `name`, every right given back to us. Closes `parent`."""
    try:
        place = os.open(name, _OPEN | os.O_PATH, dir_fd=parent)
    finally:
        os.close(parent)
    try:
        with contextlib.suppress(PermissionError):  # not ours: opening it says what is in the way
            os.chmod(f"/proc/self/fd/{place}", 0o700)  # noqa: PTH101 - the descriptor itself, by no name
        return os.open(".", _OPEN | os.O_RDONLY, dir_fd=place)
    finally:
        os.close(place)
