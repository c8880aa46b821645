"""HOME/layers: each layer a directory named by the hash of what it was made of, whole or not there at all.

<layer>/tree/           what a job's sandbox sees, read-only
<layer>/manifest.json   every file of the tree: path, size, SHA-256; verified each time before a job mounts it
<layer>/imported.json   the packages that were imported in it, in a sandbox, when somebody asked for them
.work-<random>/         what is being made; with its maker's death it belongs to nobody, and is swept
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from cleanroom_ml.engine.jobs import files
from cleanroom_ml.engine.jobs.errors import JobsError
from cleanroom_ml.engine.jobs.images.image import Image
from cleanroom_ml.engine.jobs.layers.errors import (
    LayerChangedError,
    LayerTooLargeError,
    PackageHashError,
    UnsafeWheelError,
)
from cleanroom_ml.engine.jobs.layers.imports import PLAN, check_imports
from cleanroom_ml.engine.jobs.layers.lock import DependencyLock
from cleanroom_ml.engine.jobs.layers.policy import GIB, TOP_LEVEL, LayerLimits
from cleanroom_ml.engine.jobs.layers.work import age_seconds, private_directory, remove_whole, sweep_abandoned
from cleanroom_ml.engine.sandbox.drivers import Driver
from cleanroom_ml.engine.sandbox.policy import MIB, SCRATCH, Limits, Mount, Outcome, SandboxSpec
from cleanroom_ml.engine.sandbox.process import run
from cleanroom_ml.engine.storage.objects import ObjectStore, sync_directory

TREE: Final = "tree"
UNPACKER: Final = Path(__file__).with_name("unpack.py").resolve()
_MANIFEST: Final = "manifest.json"
_IMPORTED: Final = "imported.json"
_LAYER: Final = re.compile(r"[0-9a-f]{64}\Z")
_PROGRAM: Final = "/run/cleanroom/unpack.py"
_WHEELS: Final = "/run/cleanroom/wheels"
_MAX_REPORT: Final = 64 << 10
_CHUNK: Final = 1 << 20
_KINDS: Final[dict[str, type[JobsError]]] = {
    "unsafe": UnsafeWheelError,
    "hash": PackageHashError,
    "large": LayerTooLargeError,
}


class LayerStore:
    """The layers of one home; any number of processes may make, verify and sweep at once.

    Args:
        root: HOME/layers.
        objects: holds the wheels.
        limits: bounds of a layer.
        driver: of the sandbox that wheels are unpacked in; tests weaken it.
    """

    def __init__(
        self, root: Path, objects: ObjectStore, *, limits: LayerLimits | None = None, driver: Driver | None = None
    ) -> None:
        self._root = root
        self._objects = objects
        self._limits = limits or LayerLimits()
        self._driver = driver

    def ensure(self, lock: DependencyLock, image: Image, *, importing: Collection[str] = ()) -> Path | None:
        """The tree of the lock's layer, verified; made from the stored wheels if it is not there. None: no layer.

        Needs no package index: everything comes from the object store.

        Args:
            importing: packages that must import; what was imported in this layer once is not again.

        Raises:
            JobsError: a stored wheel is not what was locked, a wheel is unsafe, the layer on disk was changed, or a
                package cannot be imported (then a layer made for it is gone).
            IsolationUnavailable, SandboxStartError: there is no sandbox to unpack in.
        """
        if not lock.layer:
            return None
        target = self._root / lock.layer
        if not target.is_dir():
            self._make(lock, image, target, importing)
        verify(target)
        imported = _imported(target)
        if not imported.issuperset(importing):
            with private_directory(self._root) as work:
                self._import(target / TREE, image, importing, work)
            self._note_imported(target, imported.union(importing))
        return target / TREE

    def sweep(self, keep: Collection[str], *, grace_seconds: float = 3600.0) -> list[str]:
        """Remove what dead processes left half made, and layers that nothing refers to and nobody made lately."""
        if not self._root.is_dir():
            return []
        removed = sweep_abandoned(self._root)
        for path in sorted(self._root.iterdir()):
            if _LAYER.match(path.name) and path.name not in keep and age_seconds(path) > grace_seconds:
                remove_whole(path)
                removed.append(path.name)
        return removed

    def _import(self, tree: Path, image: Image, packages: Collection[str], work: Path) -> None:
        scratch = work / "importing"
        scratch.mkdir(mode=0o700)
        check_imports(tree, image, packages, scratch=scratch, limits=self._limits, driver=self._driver)

    def _note_imported(self, layer: Path, packages: Collection[str]) -> None:
        files.write_atomically(layer / _IMPORTED, json.dumps(sorted(packages)).encode())

    def _make(self, lock: DependencyLock, image: Image, target: Path, importing: Collection[str]) -> None:
        for package in lock.packages:
            if not self._objects.verify(package.sha256):
                raise PackageHashError(
                    f"the engine's copy of {package.wheel} is missing or is not the wheel that was locked",
                    fix="register the code spec again under a new version",
                )
        with private_directory(self._root) as work:
            scratch = work / "scratch"
            scratch.mkdir(mode=0o700)
            self._unpack(lock, image, scratch)
            made = work / "layer"
            made.mkdir(mode=0o700)
            listed = _take(scratch / TREE, made / TREE, self._limits)
            manifest = {"lock": lock.to_json(), "files": listed}
            files.write_atomically(made / _MANIFEST, json.dumps(manifest).encode(), mode=0o400)
            self._import(made / TREE, image, importing, work)
            self._note_imported(made, importing)
            try:
                made.rename(target)
            except OSError:
                if not target.is_dir():  # else somebody else has just made the same
                    raise
            sync_directory(self._root)

    def _unpack(self, lock: DependencyLock, image: Image, scratch: Path) -> None:
        wheels = [
            {"path": f"{_WHEELS}/{number}.whl", "wheel": each.wheel, "name": each.name, "version": each.version}
            for number, each in enumerate(lock.packages)
        ]
        plan = {
            "wheels": wheels,
            "reserved": sorted(TOP_LEVEL),
            "max_bytes": self._limits.unpacked_bytes,
            "max_files": self._limits.files,
        }
        sources = (self._objects.path(each.sha256) for each in lock.packages)
        spec = SandboxSpec(
            name="layer",
            argv=(image.inside, "-I", "-S", _PROGRAM, PLAN, f"{SCRATCH}/{TREE}", f"{SCRATCH}/report.json"),
            mounts=(
                *image.mounts(),
                Mount(UNPACKER, _PROGRAM),
                *(Mount(source, f"{_WHEELS}/{number}.whl") for number, source in enumerate(sources)),
            ),
            files={PLAN: json.dumps(plan).encode()},
            scratch=scratch,
            limits=Limits(
                memory_bytes=2 * GIB,
                processes=16,
                wall_seconds=self._limits.unpack_seconds,
                scratch_bytes=self._limits.unpacked_bytes * 2,  # byte code beside the modules
                tmp_bytes=16 * MIB,
                file_bytes=self._limits.unpacked_bytes,
                log_bytes=64 << 10,
            ),
            stateless=False,
        )
        done = run(spec, driver=self._driver)
        _judge(done.outcome, scratch / "report.json")


def verify(layer: Path) -> None:
    """Read every file of a layer and compare it with the manifest beside.

    Raises:
        LayerChangedError: naming what was changed, added or removed.
    """
    wrong: list[str] = []
    try:
        listed = {path: (size, sha256) for path, size, sha256 in json.loads((layer / _MANIFEST).read_bytes())["files"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _changed(layer, [f"its manifest cannot be read ({type(error).__name__})"]) from error
    for path, entry in _walk(layer / TREE):
        expected = listed.pop(path, None)
        if expected is None or not entry.is_file(follow_symlinks=False):
            wrong.append(f"added: {path}")
        elif (entry.stat(follow_symlinks=False).st_size, _sha256(Path(entry.path))) != expected:
            wrong.append(f"changed: {path}")
    wrong += [f"removed: {path}" for path in listed]
    if wrong:
        raise _changed(layer, wrong)


def _imported(layer: Path) -> set[str]:
    """What was imported in a layer; of before this was noted, nothing."""
    try:
        return set(json.loads((layer / _IMPORTED).read_bytes()))
    except FileNotFoundError:
        return set()


def _changed(layer: Path, wrong: list[str]) -> LayerChangedError:
    more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
    return LayerChangedError(
        f"the dependency layer {layer.name[:12]} is not what was installed: {', '.join(wrong[:5])}{more}",
        fix=f"the operator removes HOME/layers/{layer.name}; it is made again from the stored wheels",
    )


def _judge(outcome: Outcome, report: Path) -> None:
    """The unpacker's own word, where it lived to give it; its sandbox's, where not. Both are hostile."""
    reported: object = None
    if outcome.ok:
        try:
            fd = os.open(report, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(fd, "rb") as file:
                reported = json.loads(file.read(_MAX_REPORT))
        except (OSError, ValueError):
            reported = None
    if reported == {}:
        return
    if isinstance(reported, dict) and reported.get("kind") in _KINDS:
        text = "".join(c for c in str(reported.get("text", "")) if c.isprintable())[:1_000]
        raise _KINDS[str(reported["kind"])](text)
    if outcome.reason in ("disk_limit", "timed_out", "out_of_memory"):
        raise LayerTooLargeError(f"unpacking the packages was ended: {outcome.reason.replace('_', ' ')}")
    raise UnsafeWheelError(f"the packages could not be unpacked ({outcome.reason}, status {outcome.exit_code})")


def _take(source: Path, target: Path, limits: LayerLimits) -> list[tuple[str, int, str]]:
    """Copy what the sandbox left into a tree of our own: regular files only, hashed as they are written."""
    target.mkdir(mode=0o755)
    listed: list[tuple[str, int, str]] = []
    total = 0
    for path, entry in _walk(source):
        status = entry.stat(follow_symlinks=False)
        if not entry.is_file(follow_symlinks=False) or status.st_nlink != 1:
            raise UnsafeWheelError(f"the packages unpacked to something that is no file: {path!a}")
        total += status.st_size
        if total > limits.unpacked_bytes * 2 or len(listed) > limits.files * 2:
            raise LayerTooLargeError("the packages are larger than a layer may be")
        place = target / path
        place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        mode = 0o555 if status.st_mode & 0o100 else 0o444
        listed.append((path, status.st_size, _copy(Path(entry.path), place, mode)))
    for directory, _, _ in os.walk(target):
        os.chmod(directory, 0o755)  # noqa: PTH101 - whatever our umask: the sandbox's user is another one
    return sorted(listed)


def _copy(source: Path, target: Path, mode: int) -> str:
    digest = hashlib.sha256()
    reading = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(reading, "rb") as reader:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(target, flags, mode), "wb") as writer:
            while chunk := reader.read(_CHUNK):
                digest.update(chunk)
                writer.write(chunk)
            os.fchmod(writer.fileno(), mode)
    return digest.hexdigest()


def _walk(root: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Everything below `root` but its directories, links not followed: (path with '/', entry)."""
    todo = [("", root)]
    while todo:
        before, directory = todo.pop()
        with os.scandir(directory) as entries:
            for entry in entries:
                path = f"{before}{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    todo.append((f"{path}/", Path(entry.path)))
                else:
                    yield path, entry


def _sha256(path: Path) -> str:
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
