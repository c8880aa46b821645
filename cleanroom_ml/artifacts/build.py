"""Hashing a directory into a manifest: in parallel, in constant memory, and only if nothing moves meanwhile."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cleanroom_ml.artifacts.ignore import IgnoreRules
from cleanroom_ml.artifacts.manifest import FileEntry, Manifest, check_distinct
from cleanroom_ml.artifacts.progress import Observer, Silent
from cleanroom_ml.artifacts.scan import SNOWFLAKE_LIMITS, FileChangedError, Limits, check_limits, open_inside, scan

_BLOCK_BYTES = 1024**2
_MAX_WORKERS = 8


def build_manifest(
    directory: Path | str,
    *,
    observer: Observer | None = None,
    workers: int | None = None,
    limits: Limits = SNOWFLAKE_LIMITS,
    ignore: IgnoreRules | None = None,
) -> Manifest:
    """The manifest of a directory. Limits are checked before anything is read.

    Args:
        directory: its `.cleanroomignore` and the default rules apply, unless `ignore` says otherwise.
        observer: told about progress.
        workers: threads that hash; None: one for each core, at most 8.
        limits: number of files, and bytes.
        ignore: `IgnoreRules.none()` where every file counts.

    Raises:
        UsageError: the directory cannot be read.
        NotAFileError: it holds something else than files and directories.
        UnsafePathError: it holds a name that may not be in a manifest.
        InvalidManifestError: two names differ in case only.
        LimitExceededError: it holds too much.
        FileChangedError: a file changed while it was read.
    """
    files = scan(directory, ignore=ignore)
    check_distinct(path for path, _ in files)
    check_limits(files, limits)
    watcher = observer or Silent()
    turn = threading.Lock()

    def advance(path: str, done: int) -> None:
        with turn:
            watcher.advance(path, done)

    watcher.start(len(files), sum(size for _, size in files))
    try:
        with ThreadPoolExecutor(workers or min(_MAX_WORKERS, os.cpu_count() or 1)) as pool:
            futures = [pool.submit(_hash, directory, path, size, advance) for path, size in files]
            try:
                entries = tuple(future.result() for future in futures)
            except BaseException:
                for future in futures:
                    future.cancel()
                raise
    finally:
        watcher.finish()
    return Manifest(entries)


def _hash(directory: Path | str, path: str, expected: int, advance: Callable[[str, int], None]) -> FileEntry:
    digest = hashlib.sha256()
    with open_inside(directory, path) as descriptor:
        before = os.fstat(descriptor)
        done = 0
        # A file that grows for ever must not be read for ever.
        while done <= expected and (block := os.read(descriptor, _BLOCK_BYTES)):
            digest.update(block)
            done += len(block)
            advance(path, len(block))
        after = os.fstat(descriptor)
    if done != expected or _state(before) != _state(after) or before.st_size != expected:
        raise FileChangedError(path)
    return FileEntry(path, done, digest.hexdigest())


def _state(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
