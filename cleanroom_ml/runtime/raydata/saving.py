"""A stage's file as a file of the job (`local_path`). Its name was chosen by whoever put it there: it is hostile."""

from __future__ import annotations

import os
import tempfile
import unicodedata
from pathlib import Path
from typing import Final

_REFUSED: Final = {"Cc", "Cs"}


class UnsafeNameError(ValueError):
    """The file's name would lead out of the directory, or is no name on disk."""


def save(data: bytes, root: Path, below: str) -> Path:
    """Write the file `below` the directory `root`, whole or not at all, in place of one that is there.

    Nothing is ever written outside of `root`: neither by `..` in the name, nor through a link that lies there.

    Raises:
        UnsafeNameError: it would be.
    """
    parts = checked_parts(below)
    root.mkdir(parents=True, exist_ok=True)
    directory = root.resolve(strict=True)
    for part in parts[:-1]:
        directory /= part
        if directory.is_symlink():
            raise UnsafeNameError(
                f"the file {below!r} of the stage would be written through a link that lies in {root}"
            )
        directory.mkdir(exist_ok=True)
    target = directory / parts[-1]
    descriptor, temporary = tempfile.mkstemp(prefix=".saving-", dir=directory)
    try:
        with os.fdopen(descriptor, "wb") as sink:
            sink.write(data)
        # A link at the target is replaced, not followed.
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return target


def checked_parts(below: str) -> list[str]:
    """The parts of a relative path that means itself. Raises UnsafeNameError."""
    parts = below.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\\" in below:
        raise UnsafeNameError(f"the file name {below!r} of the stage would lead out of the directory it is saved in")
    if any(unicodedata.category(character) in _REFUSED for character in below):
        raise UnsafeNameError(f"the file name {below!r} of the stage has a control character in it")
    return parts
