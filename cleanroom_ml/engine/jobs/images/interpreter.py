"""The interpreter that an image runs with. It is not copied, so its content is a part of the image's identity.

Looked at are the executable, its library, and the standard library without its tests and byte code. What the machine
gives to every sandbox (the C library, OpenSSL) is not.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_NOT_PYTHONS_OWN: Final = frozenset({"site-packages", "dist-packages", "__pycache__", "test"})


def interpreter_files(base: Path, executable: Path, version: str) -> list[Path]:
    """The files of the interpreter whose home is `base`, sorted; `version` is `3.11.7`.

    `executable` may be a link, as in a virtual environment.
    """
    minor = f"python{'.'.join(version.split('.')[:2])}"
    found = {executable.resolve()}
    for libraries in (base / "lib", base / "lib64"):
        found.update(path.resolve() for path in libraries.glob(f"lib{minor}*.so*"))
        found.update(_files(os.path.realpath(libraries / minor)))
    return sorted(path for path in found if path.is_file())


def interpreter_sha256(files: list[Path], base: Path) -> str:
    """One hash over the names and the contents of these files. Names count from `base`, where they lie below it."""
    total = hashlib.sha256()
    for path in files:
        name = path.relative_to(base) if path.is_relative_to(base) else Path(path.name)
        with path.open("rb") as file:
            total.update(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {name}\n".encode())
    return total.hexdigest()


def _files(directory: str) -> Iterator[Path]:
    for parent, directories, names in os.walk(directory):
        # config-…: what programs that embed Python are linked with.
        directories[:] = [
            each for each in directories if each not in _NOT_PYTHONS_OWN and not each.startswith("config-")
        ]
        yield from (Path(parent, name) for name in names)
