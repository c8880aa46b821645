"""Content manifests as a target shows them. Their form is not documented: a list of files, or a mapping of paths to
hashes, is read; anything else is "not shown", which is never taken for "unchanged".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from cleanroom_ml.artifacts.manifest import FileEntry, Manifest
from cleanroom_ml.errors import CleanroomError
from cleanroom_ml.services.answers import first_of, json_of

MAX_FILES: Final = 1_000
_HASH: Final = re.compile(r"(?:sha-?256:)?([0-9a-f]{64})\Z", re.IGNORECASE)
_PATH: Final = ("path", "file", "file_path", "relative_path", "name")
_SHA256: Final = ("sha256", "hash", "content_hash", "checksum")
_SIZE: Final = ("size", "size_bytes", "bytes")


def shown_manifest(value: object, stage_code_dir: str = "") -> tuple[Manifest, bool] | None:
    """The manifest that a value stands for, and whether it tells the sizes; None: it is none that can be read.

    Args:
        stage_code_dir: `@DB.SCHEMA.STAGE/path`; paths that are told from the stage's root are made relative to it.
    """
    loaded = json_of(value)
    if isinstance(loaded, Mapping) and "files" in loaded:
        loaded = json_of(loaded["files"])
    if isinstance(loaded, Mapping):
        loaded = [_named(path, told) for path, told in loaded.items()]
    if not isinstance(loaded, list | tuple) or not loaded or len(loaded) > MAX_FILES:
        return None
    files = [_file(each) for each in loaded]
    read = [each for each in files if each is not None]
    if len(read) != len(files):
        return None
    sized = all(size is not None for _, size, _ in read)
    paths = _relative([path for path, _, _ in read], stage_code_dir)
    try:
        entries = (
            FileEntry(path, (size or 0) if sized else 0, sha256)
            for path, (_, size, sha256) in zip(paths, read, strict=True)
        )
        return Manifest(tuple(entries)), sized
    except CleanroomError:  # a path that may not be in a manifest, or two that are one file
        return None


def without_sizes(manifest: Manifest) -> Manifest:
    """The same files, for a comparison with a manifest that tells no sizes: a hash says more than a size does."""
    return Manifest(tuple(FileEntry(entry.path, 0, entry.sha256) for entry in manifest.files))


def _named(path: object, told: object) -> object:
    return {**told, "path": path} if isinstance(told, Mapping) else {"path": path, "sha256": told}


def _file(entry: object) -> tuple[str, int | None, str] | None:
    if not isinstance(entry, Mapping):
        return None
    lower = {str(key).lower(): value for key, value in entry.items()}
    path, told, size = first_of(lower, *_PATH), first_of(lower, *_SHA256), first_of(lower, *_SIZE)
    match = _HASH.match(told) if isinstance(told, str) else None
    if not isinstance(path, str) or match is None:
        return None
    number = int(size) if isinstance(size, int | str) and str(size).isdecimal() and len(str(size)) < 19 else None
    return path, number, match[1].lower()


def _relative(paths: Iterable[str], stage_code_dir: str) -> list[str]:
    """Paths below the code directory, where all of them are told from the stage or from its root."""
    listed = list(paths)
    whole = stage_code_dir.strip("/")
    for before in (whole, whole.removeprefix("@"), whole.partition("/")[2]):
        prefix = before.upper() + "/"
        if before and all(path.upper().startswith(prefix) for path in listed):
            return [path[len(prefix) :] for path in listed]
    return listed
