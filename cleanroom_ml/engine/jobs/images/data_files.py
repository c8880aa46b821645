"""Files of a package that an operator may have changed: data, which nothing executes.

Some machines add their company's certificates to what a package brings (certifi's `cacert.pem`), at every start. Such a
file is taken as it is: the hash of its real bytes counts into the package's identity, and so into the image's digest,
and that it differs is stated. What can be executed, in whatever way, is never taken otherwise than it was published.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Final

from cleanroom_ml.engine.jobs.images.record import Package, RecordedFile, identity_of

FileState = tuple[int, int]
"""Size, and time of the last change of the content."""

# Imported, loaded, compiled or unpickled: by Python, by its extensions, or by the libraries that images hold.
_SUFFIXES: Final = """
    py pyc pyo pyw pyd pyx pxd pyi pth egg egg-link whl zip pyz jar class war nar js mjs wasm so dll dylib a o lib obj
    exe com bat cmd ps1 sh bash csh fish c cc cpp cxx cu cuh h hh hpp hxx inc inl ptx cubin fatbin hip metal cl pl rb
    lua r ipynb j2 jinja jinja2 tmpl template mako pkl pickle joblib dill cloudpickle pt ptl pte ckpt npy npz h5 hdf5
    keras onnx msgpack skops
"""
_CODE: Final = frozenset(_SUFFIXES.split())
_SHARED_LIBRARY: Final = re.compile(r"\.so(\.[0-9]+)+\Z")
_METADATA: Final = re.compile(r"\.(dist-info|egg-info|data)\Z")
_PROGRAMS: Final = frozenset({"bin", "Scripts", "__pycache__", "include", "libexec"})
_MAGIC: Final = (b"#!", b"\x7fELF", b"MZ", b"PK\x03\x04", b"PK\x05\x06", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe")
_PICKLED: Final = re.compile(rb"\x80[\x02-\x09]")
_HEAD: Final = 8


def is_data_by_name(path: str) -> bool:
    """Whether a path that a RECORD holds can be one of a file of data: it is no code, no metadata and no program."""
    *directories, name = path.split("/")
    if any(_METADATA.search(part) or part in _PROGRAMS for part in directories):
        return False
    lowered = name.lower()
    suffixes = lowered.lstrip(".").split(".")[1:]
    return not (suffixes and suffixes[-1] in _CODE) and not _SHARED_LIBRARY.search(lowered)


def is_data(path: Path, status: os.stat_result) -> bool:
    """Whether its content is that of a file of data, as far as a name, a mode and the first bytes can tell."""
    if not stat.S_ISREG(status.st_mode) or status.st_mode & 0o111:
        return False
    with path.open("rb", buffering=0) as file:
        head = file.read(_HEAD)
    return not head.startswith(_MAGIC) and not _PICKLED.match(head)


def data_files(package: Package) -> tuple[RecordedFile, ...]:
    """The files of a package which may differ from what is recorded of them."""
    return tuple(file for file in package.files if file.hash and is_data_by_name(file.path))


def as_it_lies(package: Package, files: Iterable[RecordedFile], recorded_on: int) -> Package:
    """The package with the real hashes of those of its data files that differ from its RECORD.

    Read is what has another size than was recorded, or was written to since its RECORD was. What escapes that (its size
    and time were set back) is no file that anybody adds to, and is refused when it is laid out.
    """
    altered: dict[str, str] = {}
    place = os.fspath(package.place)
    for file in files:
        path = f"{place}/{file.path}"
        try:
            status = os.stat(path)  # noqa: PTH116 - thousands of them
        except OSError:
            continue  # it is refused as missing where it is laid out
        if status.st_size == file.size and status.st_mtime_ns <= recorded_on:
            continue
        algorithm, _, said = file.hash.partition(":")
        found, sha256 = _hashes(path, status.st_size, status.st_mtime_ns, status.st_ino, algorithm)
        if found != said and is_data(Path(path), status):
            altered[file.path] = sha256
    if not altered:
        return package
    taken = tuple(
        replace(file, hash=f"sha256:{altered[file.path]}") if file.path in altered else file for file in package.files
    )
    return replace(package, files=taken, identity=identity_of(taken, altered), altered=altered)


def states_of_data(packages: Iterable[Package]) -> dict[str, FileState | None]:
    """What the filesystem says of each data file, by its path; None: it is not there."""
    found: dict[str, FileState | None] = {}
    for package in packages:
        for file in data_files(package):
            path = f"{package.place}/{file.path}"
            found[path] = state_of_data(path)
    return found


def state_of_data(path: str) -> FileState | None:
    """The same of one file."""
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def reported(altered: Mapping[str, Mapping[str, str]], versions: Mapping[str, str]) -> list[str]:
    """Which files differ, a text for each package."""
    return [
        f"{name} {versions.get(name, '')}: {_listed(sorted(files))} from what was installed"
        for name, files in sorted(altered.items())
    ]


def _listed(paths: list[str]) -> str:
    names = ", ".join(path.rpartition("/")[2] for path in paths[:3])
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return f"{names}{more} {'differs' if len(paths) == 1 else 'differ'}"


@lru_cache(maxsize=256)
def _hashes(path: str, size: int, changed: int, inode: int, algorithm: str) -> tuple[str, str]:
    """By the recorded algorithm, and SHA-256. The state is part of what is asked, so that no old answer is given."""
    with Path(path).open("rb") as file:
        recorded = hashlib.file_digest(file, algorithm).hexdigest()
        file.seek(0)
        return recorded, hashlib.file_digest(file, "sha256").hexdigest()
