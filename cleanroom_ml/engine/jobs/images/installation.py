"""This installation, as it is now: what `local` would be if it was frozen this moment."""

from __future__ import annotations

import hashlib
import os
import platform
import site
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Final

from packaging.utils import canonicalize_name

from cleanroom_ml.engine.jobs.images.data_files import as_it_lies, data_files
from cleanroom_ml.engine.jobs.images.image import LOCAL, Image, digest_of
from cleanroom_ml.engine.jobs.images.interpreter import interpreter_files, interpreter_sha256
from cleanroom_ml.engine.jobs.images.record import NoRecord, Package, RecordedFile, read_package

# Not part of what a job runs in: the engine is trusted and stays outside, and nothing is installed at run time.
_NOT_COUNTED: Final = frozenset({"cleanroom-ml", "pip", "wheel"})
NOT_COUNTED_BEFORE: Final = _NOT_COUNTED | {"setuptools"}
"""By versions that knew `local` by its versions alone."""


@dataclass(frozen=True, slots=True)
class Installation:
    """`image` has no `root`: nothing of it is frozen. `left_out`: why a package cannot be in an image, by name."""

    image: Image
    packages: tuple[Package, ...]
    left_out: Mapping[str, str]


def this_installation() -> Installation:
    """What is installed where this process runs; looked at again once something was installed or removed. Files of data
    are looked at each time: whoever adds to one does it in place.
    """
    places = _places()
    recorded, data = _looked_at(tuple((place, _changed_on(place)) for place in places), _interpreter_state())
    packages = tuple(as_it_lies(package, *data[package.name]) for package in recorded.packages)
    altered = {package.name: package.altered for package in packages if package.altered}
    if not altered:
        return recorded
    image = recorded.image
    hashes = {**image.hashes, **{package.name: package.identity for package in packages}}
    digest = digest_of(image.python, image.packages, hashes)
    return replace(recorded, image=replace(image, digest=digest, hashes=hashes, altered=altered), packages=packages)


def state_of_installation() -> str:
    """A hash over what the filesystem says of this installation: the same while nothing is installed or removed."""
    places = tuple((place, _changed_on(place)) for place in _places())
    return hashlib.sha256(repr((sys.prefix, places, _interpreter_state())).encode()).hexdigest()


def _places() -> list[str]:
    """The directories that packages are installed in, in the order of the import path."""
    known = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *site.getsitepackages()}
    if site.ENABLE_USER_SITE:
        known.add(site.getusersitepackages())
    return [entry for entry in dict.fromkeys(sys.path) if entry in known]


@lru_cache(maxsize=2)
def _looked_at(
    places: tuple[tuple[str, int], ...], interpreter: tuple[tuple[str, int, int, int], ...]
) -> tuple[Installation, Mapping[str, tuple[tuple[RecordedFile, ...], int]]]:
    """What the packages say of themselves; and of each its data files, and when its RECORD was written."""
    found: dict[str, Package] = {}
    left_out: dict[str, str] = {}
    once: dict[str, str] = {}
    for distribution in metadata.distributions(path=[place for place, _ in places]):
        name = str(canonicalize_name(distribution.metadata["Name"] or ""))
        if not name or name in once:
            continue  # of two with the same name the first on the path counts, as for imports
        once[name] = distribution.version
        if name in _NOT_COUNTED:
            continue
        try:
            found[name] = read_package(distribution)
        except NoRecord as error:
            left_out[name] = str(error)
    python = platform.python_version()
    base = Path(sys.base_prefix)
    versions = {name: package.version for name, package in sorted(found.items())}
    hashes = {name: package.identity for name, package in sorted(found.items())}
    hashes["python"] = interpreter_sha256([Path(path) for path, *_ in interpreter], base)
    image = Image(
        tag=LOCAL,
        digest=digest_of(python, versions, hashes),
        python=python,
        packages=versions,
        base=base,
        hashes=hashes,
        digest_before=digest_of(python, {name: once[name] for name in once if name not in NOT_COUNTED_BEFORE}),
    )
    data = {
        name: (data_files(package), _changed_on(f"{package.place}/{package.about}/RECORD"))
        for name, package in found.items()
    }
    return Installation(image, tuple(found[name] for name in sorted(found)), left_out), data


def _interpreter_state() -> tuple[tuple[str, int, int, int], ...]:
    files = interpreter_files(Path(sys.base_prefix), Path(sys.executable), platform.python_version())
    states = ((path, path.stat()) for path in files)
    return tuple((str(path), state.st_size, state.st_mtime_ns, state.st_ctime_ns) for path, state in states)


def _changed_on(place: str) -> int:
    try:
        return os.stat(place).st_mtime_ns  # noqa: PTH116 - an entry of sys.path is a text
    except OSError:
        return 0
