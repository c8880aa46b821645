"""What an installed package says of its own files: its RECORD, and what it is known by.

Source of the rules: "Recording installed projects" of the Python packaging specifications.
"""

from __future__ import annotations

import base64
import binascii
import csv
import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Final

from packaging.utils import canonicalize_name

# Written by whoever installs, not by whoever made the package: the same wheel has others in another environment.
_INSTALLERS_OWN: Final = frozenset(
    {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json"}
)
_HEX: Final = re.compile(r"[0-9a-fA-F]+\Z")


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """`path` is relative to where the package lies, and may lead out of it; `hash` is `sha256:<hex>`, or empty. `size`:
    None where the RECORD does not say it.
    """

    path: str
    hash: str
    size: int | None = None

    @property
    def inside(self) -> bool:
        """Whether it lies in the directory of the packages itself."""
        return not self.path.startswith(("../", "/"))


@dataclass(frozen=True, slots=True)
class Package:
    """An installed package. `identity`: a hash over the hashes of its files, the same wherever it is installed.
    `altered`: the SHA-256 of its data files which are not what was installed, by path; see data_files.py.
    """

    name: str
    version: str
    place: Path
    about: str
    files: tuple[RecordedFile, ...]
    identity: str
    altered: Mapping[str, str] = field(default_factory=dict)


class NoRecord(Exception):
    """Nobody can say what belongs to the package; the message says why."""


def read_package(distribution: metadata.Distribution) -> Package:
    """What is recorded of an installed package.

    Raises:
        NoRecord: it is installed in editable mode, or by something that keeps no record of hashes.
    """
    recorded = distribution.read_text("RECORD")
    if recorded is None:
        raise NoRecord("it was not installed by pip or its like: it has no RECORD")
    files = [
        RecordedFile(_normal(path), _hash(value), _size(rest[0] if rest else ""))
        for path, value, *rest in csv.reader(recorded.splitlines())
        if path
    ]
    about = next((PurePosixPath(each.path).parent.as_posix() for each in files if _is_metadata(each.path)), "")
    if _is_editable(distribution) or not about:
        raise NoRecord("it is installed in editable mode: its code is elsewhere, and changes as it is edited")
    name, place = canonicalize_name(distribution.metadata["Name"]), Path(str(distribution.locate_file("")))
    return Package(str(name), distribution.version, place, about, tuple(files), identity_of(files))


def identity_of(files: Iterable[RecordedFile], altered: Mapping[str, str] | None = None) -> str:
    """What a package is known by: its own files; of those outside of it only what is `altered`, because an installer
    writes paths into others.
    """
    total = hashlib.sha256()
    for each in sorted(files, key=lambda file: file.path):
        counts = (each.inside and each.path.rpartition("/")[2] not in _INSTALLERS_OWN) or each.path in (altered or {})
        if counts and each.hash:
            total.update(f"{each.hash}  {each.path}\n".encode())
    return total.hexdigest()


def is_installers_own(file: RecordedFile, package: Package) -> bool:
    """Whether the installer wrote it, so that it says nothing about the package. (RECORD is one of these.)"""
    directory, _, name = file.path.rpartition("/")
    return directory == package.about and name in _INSTALLERS_OWN


def _normal(path: str) -> str:
    return os.path.normpath(path).replace(os.sep, "/")


def _is_metadata(path: str) -> bool:
    return path.endswith(".dist-info/METADATA") and path.count("/") == 1


def _is_editable(distribution: metadata.Distribution) -> bool:
    text = distribution.read_text("direct_url.json")
    if text is None:
        return False
    value = json.loads(text)
    return bool(value.get("dir_info", {}).get("editable"))


def _hash(value: str) -> str:
    """`sha256=<base64 without padding>` as `sha256:<hex>`; some tools write the hexadecimal form itself."""
    algorithm, _, text = value.partition("=")
    if not text:
        return ""
    try:
        size = hashlib.new(algorithm).digest_size
        digest = bytes.fromhex(text) if len(text) == 2 * size and _HEX.match(text) else _from_base64(text)
    except (ValueError, binascii.Error) as error:
        raise NoRecord(f"its RECORD has a hash that cannot be read: {value!r}") from error
    return f"{algorithm}:{digest.hex()}"


def _size(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None


def _from_base64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
