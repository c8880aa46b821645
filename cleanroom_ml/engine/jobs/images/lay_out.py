"""Lays the packages of an installation out in an environment of their own, checking each file against its RECORD.

Code is linked where the filesystem can, which takes seconds and no space: two environments then share their bytes
until one of them is changed. Data is copied: there are those who add to it in place. Installers replace files, and
leave ours as it is; an editor that writes into one changes both, which the seal notices. Byte code comes
along where it belongs to the very source; it is only as true as the environment that it comes from, because no RECORD
says what it is.
"""

from __future__ import annotations

import contextlib
import grp
import hashlib
import os
import pwd
import stat
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import metadata
from itertools import chain
from pathlib import Path
from typing import Final

from cleanroom_ml.engine.jobs.images.data_files import is_data_by_name
from cleanroom_ml.engine.jobs.images.record import Package, RecordedFile, is_installers_own
from cleanroom_ml.engine.jobs.images.seal import State, state_of
from cleanroom_ml.engine.jobs.images.venv import write_script
from cleanroom_ml.engine.jobs.layers.errors import ImageChangedError

_CHUNK: Final = 1 << 20
_THREADS: Final = 2
_BATCH: Final = 256
_PYC_HEADER: Final = 16
_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Laid:
    """What was laid out: SHA-256 and state by path in the environment, and the paths of each package."""

    hashes: dict[str, str] = field(default_factory=dict)
    states: dict[str, State] = field(default_factory=dict)
    packages: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One file: where it is, where it goes, and what its packages say that it is; nothing of byte code."""

    source: Path
    target: str
    hashes: frozenset[str]
    package: str


def lay_out(packages: Sequence[Package], prefix: Path, venv: Path, libraries: str, laid: Laid) -> None:
    """Put the files of these packages into `venv`; `libraries` is the path of its site-packages.

    Args:
        prefix: of the environment that they are installed in.
        laid: what lies there already; what is added is added to it.

    Raises:
        ImageChangedError: a file is missing there, or is not what its package's RECORD says.
    """
    wanted = [each for each in _wanted(packages, prefix, libraries) if each.target not in laid.hashes]
    for directory in sorted({each.target.rpartition("/")[0] for each in wanted}):
        (venv / directory).mkdir(mode=0o755, parents=True, exist_ok=True)
    wrong: list[tuple[str, str]] = []
    held: dict[str, list[str]] = {package.name: [] for package in packages}
    with ThreadPoolExecutor(_THREADS) as pool:
        batches = [wanted[at : at + _BATCH] for at in range(0, len(wanted), _BATCH)]
        taken = chain.from_iterable(pool.map(lambda batch: [_take(each, venv) for each in batch], batches))
        for each, found in zip(wanted, taken, strict=True):
            if isinstance(found, str):
                wrong.append((each.package, f"{found}: {each.target.removeprefix(f'{libraries}/')}"))
            elif found is not None:
                laid.hashes[each.target], laid.states[each.target] = found
                held[each.package].append(each.target)
    if wrong:
        raise _not_as_recorded(packages, wrong)
    laid.packages.update({name: tuple(paths) for name, paths in held.items()})


def take_over(package: str, paths: Sequence[str], old: Path, venv: Path, hashes: Mapping[str, str], laid: Laid) -> None:
    """Link a package's files from another image, whose content is known: its sources with its byte code."""
    for path in paths:
        if path not in laid.hashes:
            target = venv / path
            target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            os.link(old / path, target)
            laid.hashes[path], laid.states[path] = hashes[path], state_of(target.lstat())
    laid.packages[package] = tuple(paths)


def add_scripts(packages: Sequence[Package], venv: Path) -> None:
    """The console scripts of these packages: made from their entry points, as every installer makes them."""
    for package in packages:
        for point in metadata.Distribution.at(package.place / package.about).entry_points:
            if point.group == "console_scripts" and "/" not in point.name and ":" in point.value:
                write_script(venv / "bin" / point.name, point.value)


def open_up(venv: Path) -> None:
    """Let a sandbox's user, who is another one, read it, whatever our umask is."""
    for directory, _, _ in os.walk(venv):
        os.chmod(directory, 0o755)  # noqa: PTH101
    for path in (venv / "pyvenv.cfg", *(venv / "bin").iterdir()):
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode) and mode & 0o444 != 0o444:
            path.chmod(0o555 if mode & 0o100 else 0o444)


def _wanted(packages: Sequence[Package], prefix: Path, libraries: str) -> Iterable[_Wanted]:
    """Each file once. What several packages bring is what one of them says: the last one installed has written it."""
    claims: dict[str, set[str]] = {}
    first: dict[str, tuple[Path, str]] = {}
    for package in packages:
        for file in package.files:
            if file.path.endswith(".pyc") or (is_installers_own(file, package) and not file.path.endswith("/RECORD")):
                continue
            target = _target(file, package, prefix, libraries)
            if target is not None:
                claims.setdefault(target, set()).add(file.hash)
                first.setdefault(target, (package.place / file.path, package.name))
    for target, hashes in claims.items():
        source, name = first[target]
        yield _Wanted(source, target, frozenset(hashes - {""}), name)
        if target.endswith(".py"):
            yield _Wanted(Path(_compiled(os.fspath(source))), _compiled(target), frozenset(), name)


def _compiled(source: str) -> str:
    directory, name = os.path.split(source)
    return f"{directory}/__pycache__/{name.removesuffix('.py')}.{sys.implementation.cache_tag}.pyc"


def _target(file: RecordedFile, package: Package, prefix: Path, libraries: str) -> str | None:
    """Where a file goes: beside the other packages, or where it lies below the prefix; scripts of text are not taken,
    because whoever installs writes a path into them, and what lies elsewhere is not taken either.
    """
    if file.inside:
        return f"{libraries}/{file.path}"
    place = Path(os.path.normpath(package.place / file.path))
    if not place.is_relative_to(prefix) or not file.hash:
        return None
    if place.parent.name == "bin":
        with contextlib.suppress(OSError), place.open("rb") as script:
            return None if script.read(2) == b"#!" else place.relative_to(prefix).as_posix()
        return None
    return place.relative_to(prefix).as_posix()


def _take(wanted: _Wanted, venv: Path) -> tuple[str, State] | str | None:
    """Its SHA-256 and state in the image; what is wrong with it; None for byte code that does not belong to it."""
    target = venv / wanted.target
    is_compiled = wanted.target.endswith(".pyc")
    if is_compiled and not _belongs(wanted.source):
        return None
    try:
        source = wanted.source.resolve(strict=True)  # some installers write links; an image has none of theirs
        status = source.stat()
    except OSError:
        return "missing"
    if not stat.S_ISREG(status.st_mode):
        return "no file"
    is_data = is_data_by_name(wanted.target) and not status.st_mode & 0o111
    found = (None if is_data else _linked(source, status, target)) or _copied(source, status, target)
    if wanted.hashes and not any(_is(said, found[0], target) for said in wanted.hashes):
        return "changed"
    return found


def _is(said: str, sha256: str, path: Path) -> bool:
    algorithm, _, digest = said.partition(":")
    if algorithm == "sha256":
        return digest == sha256
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest() == digest


def _linked(source: Path, status: os.stat_result, target: Path) -> tuple[str, State] | None:
    """Linked, if it can be: only what is ours, readable for a sandbox's user, and nobody else's to write.

    Who may write to it could change it under a job that runs, after the image was checked.
    """
    if status.st_uid != os.geteuid() or status.st_mode & 0o444 != 0o444 or _others_may_write(status):
        return None
    try:
        os.link(source, target)
    except OSError:
        return None  # another filesystem, or one without links
    with target.open("rb", buffering=0) as file:
        before = state_of(os.fstat(file.fileno()))
        return hashlib.file_digest(file, "sha256").hexdigest(), before


def _others_may_write(status: os.stat_result) -> bool:
    """A group of one's own is nobody else: where users have one, their umask is 002 as a rule."""
    by_group = status.st_mode & stat.S_IWGRP and not _is_own_group(status.st_gid)
    return bool(status.st_mode & stat.S_IWOTH or by_group)


@lru_cache(maxsize=8)
def _is_own_group(gid: int) -> bool:
    try:
        me, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(gid)
    except KeyError:
        return False
    return me.pw_gid == gid and group.gr_name == me.pw_name and set(group.gr_mem) <= {me.pw_name}


def _copied(source: Path, status: os.stat_result, target: Path) -> tuple[str, State]:
    mode = 0o555 if status.st_mode & 0o100 else 0o444
    reading = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    writing = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    total = hashlib.sha256()
    try:
        while chunk := os.read(reading, _CHUNK):
            total.update(chunk)
            while chunk:
                chunk = chunk[os.write(writing, chunk) :]
        os.fchmod(writing, mode)
        # Byte code names the time of its source.
        os.utime(writing, ns=(status.st_atime_ns, status.st_mtime_ns))
        return total.hexdigest(), state_of(os.fstat(writing))
    finally:
        os.close(reading)
        os.close(writing)


def _belongs(compiled: Path) -> bool:
    """Whether byte code is that of the source beside: it names the source's time and size, or its hash."""
    source = compiled.parent.parent / f"{compiled.name.partition('.')[0]}.py"
    try:
        with compiled.open("rb") as file:
            header = file.read(_PYC_HEADER)
        status = source.stat()
    except OSError:
        return False
    numbers = [int.from_bytes(header[at : at + 4], "little") for at in range(4, len(header), 4)]
    return numbers == [0, int(status.st_mtime) & 0xFFFFFFFF, status.st_size & 0xFFFFFFFF]


def _not_as_recorded(packages: Sequence[Package], wrong: list[tuple[str, str]]) -> ImageChangedError:
    versions = {package.name: package.version for package in packages}
    reported = [f"{text} ({name} {versions[name]})" for name, text in wrong]
    more = f" and {len(reported) - _NAMED} more" if len(reported) > _NAMED else ""
    asked = " ".join(f"{name}=={versions[name]}" for name in dict.fromkeys(name for name, _ in wrong))
    return ImageChangedError(
        f"this installation is not what its packages say: {', '.join(reported[:_NAMED])}{more}",
        why="an image holds code as it was published, and nothing of it that was changed since",
        fix=f"the operator runs: pip install --force-reinstall --no-deps {asked}",
    )
