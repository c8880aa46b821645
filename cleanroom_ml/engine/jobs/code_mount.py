"""Lays a job's pinned code out, checking every byte while it is copied (docs/ARCHITECTURE.md, decision 4)."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from cleanroom_ml.engine.contracts.job import JobFile
from cleanroom_ml.engine.jobs.errors import CodeMismatch
from cleanroom_ml.engine.storage.errors import StorageError

OpenObject = Callable[[str], int]
_CHUNK = 1 << 20


def lay_out(code: Iterable[JobFile], open_object: OpenObject, target: Path) -> None:
    """Make `target` hold exactly these files, read-only.

    1. What an earlier, interrupted call left is removed.
    2. Each file is copied from its object; size and SHA-256 are taken from the bytes that are written, not from the
       object before or after: there is no moment between check and use.
    3. Only a directory that is complete gets the name `target`.

    Args:
        code: the pinned manifest. Its paths are hostile.
        open_object: gives a readable descriptor of the object with this SHA-256, which is closed here. Raises OSError
        or StorageError.
        target: the directory to make; its parent exists.

    Raises:
        CodeMismatch: an object is missing or is not what the manifest says, or a path leaves the directory. Names the
        file.
    """
    part = target.with_name(f"{target.name}.part")
    for leftover in (part, target):
        if leftover.exists():
            shutil.rmtree(leftover)
    part.mkdir(mode=0o755)
    for file in code:
        destination = _destination(part, file.path)
        try:
            # The sandbox's user is another one: it needs 0755 all the way down, whatever our umask.
            _make_parents(part, destination.parent)
            _copy(file, open_object, destination)
        except StorageError as error:
            raise CodeMismatch(f"'{file.path}': {error}") from error
        except OSError as error:
            raise CodeMismatch(f"'{file.path}' cannot be laid out: {error.strerror or type(error).__name__}") from error
    part.chmod(0o755)
    part.rename(target)


def _destination(root: Path, path: str) -> Path:
    parts = path.split("/")
    if "\0" in path or "\\" in path or any(part in ("", ".", "..") for part in parts):
        raise CodeMismatch(f"'{path}' is not the path of a file inside the code directory")
    return root.joinpath(*parts)


def _make_parents(root: Path, directory: Path) -> None:
    if directory == root:
        return
    _make_parents(root, directory.parent)
    directory.mkdir(exist_ok=True)
    directory.chmod(0o755)


def _copy(file: JobFile, open_object: OpenObject, destination: Path) -> None:
    digest = hashlib.sha256()
    size = 0
    source = open_object(file.sha256)
    with os.fdopen(source, "rb") as reader:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(destination, flags, 0o444), "wb") as writer:
            while chunk := reader.read(_CHUNK):
                size += len(chunk)
                if size > file.size:
                    raise CodeMismatch(f"'{file.path}' is longer than the {file.size} bytes that were pinned")
                digest.update(chunk)
                writer.write(chunk)
    if size != file.size:
        raise CodeMismatch(f"'{file.path}' has {size} bytes; {file.size} were pinned")
    if digest.hexdigest() != file.sha256:
        raise CodeMismatch(
            f"'{file.path}' is not the file that was pinned: its SHA-256 is {digest.hexdigest()}, not {file.sha256}"
        )
    destination.chmod(0o444)
