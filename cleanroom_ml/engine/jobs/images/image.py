"""One image: a Python environment that is known by everything that is installed in it."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from cleanroom_ml.engine.jobs.requirements import Installed
from cleanroom_ml.engine.sandbox.policy import Mount

LOCAL: Final = "local"
INSIDE: Final = "/run/cleanroom/image"
"""Where a built image lies in a job's sandbox: its scripts name their interpreter by this path."""

VENV: Final = "venv"
DESCRIPTION: Final = "image.json"

# Not part of what a job runs in: the engine is trusted, and nothing is installed at run time.
_NOT_COUNTED: Final = frozenset({"cleanroom-ml", "pip", "setuptools", "wheel"})

_MAIN: Final = (
    "numpy",
    "pandas",
    "pyarrow",
    "scikit-learn",
    "xgboost",
    "xgboost-cpu",
    "lightgbm",
    "torch",
    "ray",
    "optuna",
    "bayesian-optimization",
    "snowflake-snowpark-python",
    "snowflake-ml-python",
)


@dataclass(frozen=True)
class Image:
    """`root`: the directory of a built image; None for this installation. `base`: where its interpreter's home is.

    `digest` is `sha256:` and the hash over the Python version and every package (see `digest_of`).
    """

    tag: str
    digest: str
    python: str
    packages: Mapping[str, str]
    base: Path
    root: Path | None = None
    built_on: str = ""
    size_bytes: int = 0
    hashes: Mapping[str, str] = field(default_factory=dict)

    @property
    def executable(self) -> Path:
        """The interpreter, on this machine."""
        return Path(sys.executable) if self.root is None else self.root / VENV / "bin" / "python"

    @property
    def inside(self) -> str:
        """The interpreter, in a sandbox that has `mounts`."""
        return sys.executable if self.root is None else f"{INSIDE}/bin/python"

    @property
    def prefix(self) -> str:
        """The environment's own prefix, in a sandbox that has `mounts`."""
        return sys.prefix if self.root is None else INSIDE

    @cached_property
    def installed(self) -> Installed:
        """What is installed in it, with the metadata of each."""
        return Installed(self._distributions(), python=self.python)

    def mounts(self) -> tuple[Mount, ...]:
        """The whole environment, read-only.

        Not only the packages (as `python_runtime` gives them to workers): a script starts child processes as
        `sys.executable`, and those must find what it finds, `.pth` files included.
        """
        if self.root is not None:
            return (*_outside_usr([self.base]), Mount(self.root / VENV, INSIDE))
        prefixes = (sys.base_prefix, sys.exec_prefix, sys.prefix, str(Path(sys.executable).resolve().parents[1]))
        return _outside_usr([Path(prefix) for prefix in dict.fromkeys(prefixes)])

    def main_packages(self) -> dict[str, str]:
        """The versions that a report shows: Python and the libraries that results depend on most."""
        return {"python": self.python, **{name: self.packages[name] for name in _MAIN if name in self.packages}}

    def to_json(self) -> dict[str, Any]:
        """`image.json`."""
        return {
            "tag": self.tag,
            "digest": self.digest,
            "python": self.python,
            "packages": dict(self.packages),
            "hashes": dict(self.hashes),
            "base": str(self.base),
            "built_on": self.built_on,
            "size_bytes": self.size_bytes,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any], root: Path | None) -> Image:
        """The inverse of `to_json`."""
        return cls(**{**value, "base": Path(value["base"]), "root": root})

    def _distributions(self) -> list[metadata.Distribution]:
        if self.root is None:
            return list(metadata.distributions())
        libraries = self.root / VENV / "lib" / f"python{'.'.join(self.python.split('.')[:2])}" / "site-packages"
        return list(metadata.distributions(path=[str(libraries)]))


def this_installation() -> Image:
    """`local` as something to mount, without looking at what is installed."""
    return Image(LOCAL, "", platform.python_version(), {}, Path(sys.base_prefix))


def local_image() -> Image:
    """This installation, as it is now: looked at again once something was installed or removed."""
    return _local_image(tuple(_changed_on(entry) for entry in sys.path))


@lru_cache(maxsize=2)
def _local_image(_: tuple[tuple[str, int], ...]) -> Image:
    python = platform.python_version()
    versions = Installed(metadata.distributions(), python=python).versions()
    packages = {name: version for name, version in versions.items() if name not in _NOT_COUNTED}
    return Image(LOCAL, digest_of(python, packages), python, packages, Path(sys.base_prefix))


def _changed_on(entry: str) -> tuple[str, int]:
    try:
        return entry, os.stat(entry or ".").st_mtime_ns  # noqa: PTH116 - an entry of sys.path is a text
    except OSError:
        return entry, 0


def digest_of(python: str, packages: Mapping[str, str], hashes: Mapping[str, str] | None = None) -> str:
    """`sha256:` and the hash over `python==<version>` and the sorted lines `<name>==<version>`.

    Where the wheels are known, each line goes on with ` sha256:<hash of the wheel>`.
    """
    lines = [f"python=={python}"]
    for name, version in sorted(packages.items()):
        known = (hashes or {}).get(name)
        lines.append(f"{name}=={version} sha256:{known}" if known else f"{name}=={version}")
    return "sha256:" + hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def _outside_usr(prefixes: list[Path]) -> tuple[Mount, ...]:
    roots: list[Path] = []
    for path in prefixes:
        # /usr is in every sandbox, except for /usr/local.
        if path == Path("/usr") or any(path.is_relative_to(root) for root in roots):
            continue
        roots.append(path)
    return tuple(Mount(root, str(root)) for root in roots)
