"""The Python that runs us, as mounts: so that a sandbox has the same interpreter and libraries, read-only."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cleanroom_ml
from cleanroom_ml.engine.sandbox.policy import RUN, Mount

LIBRARY: Final = f"{RUN}/lib"
"""Where our own package lies inside, when it is asked for: a directory for sys.path."""


@dataclass(frozen=True, slots=True)
class PythonRuntime:
    """`executable` is a path inside; `site_packages` are directories for sys.path (-I -S adds none)."""

    executable: str
    mounts: tuple[Mount, ...]
    site_packages: tuple[str, ...]


def python_runtime(*, with_package: bool = False) -> PythonRuntime:
    """The interpreter without its virtual environment's start-up, its standard library, and its site-packages.

    Only the directories of packages are mounted, never the directory around an editable install. `with_package` adds
    our own package, under LIBRARY.
    """
    executable = Path(sys.executable).resolve()
    packages = [Path(entry).resolve() for entry in sys.path if entry.endswith(("site-packages", "dist-packages"))]
    packages = [entry for entry in dict.fromkeys(packages) if entry.is_dir()]
    wanted = [Path(sys.base_prefix).resolve(), executable, *packages]
    mounts: list[Mount] = []
    for path in sorted(dict.fromkeys(wanted), key=lambda p: len(p.parts)):
        if not any(path.is_relative_to(m.source) for m in mounts) and not _in_usr(path):
            mounts.append(Mount(path, str(path)))
    if with_package:
        mounts.append(Mount(Path(cleanroom_ml.__file__).resolve().parent, f"{LIBRARY}/cleanroom_ml"))
    return PythonRuntime(str(executable), tuple(mounts), tuple(map(str, packages)))


def _in_usr(path: Path) -> bool:
    """Already visible, as all of /usr is but /usr/local, which is hidden unless a mount lies in it."""
    return path.is_relative_to("/usr") and not (path.is_relative_to("/usr/local") and path != Path("/usr/local"))
