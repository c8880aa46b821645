"""One image: a Python environment that is known by everything that is installed in it."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Final

from cleanroom_ml.engine.jobs.images.data_files import reported
from cleanroom_ml.engine.jobs.requirements import Installed
from cleanroom_ml.engine.sandbox.policy import Mount
from cleanroom_ml.json_values import Document

LOCAL: Final = "local"
INSIDE: Final = "/run/cleanroom/image"
"""Where an image lies in a job's sandbox: its scripts name their interpreter by this path."""

VENV: Final = "venv"
DESCRIPTION: Final = "image.json"

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
    """`root`: the directory that it lies in; None for this installation, which is not an image until it is frozen.

    `digest` is `sha256:` and the hash over the Python version and every package (see `digest_of`). `base`: where its
    interpreter's home is. `hashes`: of each wheel or installed package, and of the interpreter as `python`. `manifest`:
    the SHA-256 of its list of files. `digest_before`: what versions of before would have called the same `local`.
    `altered`: by package and path, the SHA-256 of the data files that are not what was installed (data_files.py).
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
    manifest: str = ""
    digest_before: str = ""
    altered: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def executable(self) -> Path:
        """The interpreter, on this machine."""
        return Path(sys.executable) if self.root is None else self.root / VENV / "bin" / "python"

    @property
    def inside(self) -> str:
        """The interpreter, in a sandbox that has `mounts`."""
        return f"{INSIDE}/bin/python"

    @property
    def prefix(self) -> Path:
        """The environment's own prefix, on this machine."""
        return Path(sys.prefix) if self.root is None else self.root / VENV

    @property
    def libraries(self) -> str:
        """Where its packages lie, below the prefix."""
        return f"lib/python{'.'.join(self.python.split('.')[:2])}/site-packages"

    @cached_property
    def installed(self) -> Installed:
        """What is installed in it, with the metadata of each."""
        return Installed(self._distributions(), python=self.python)

    def mounts(self) -> tuple[Mount, ...]:
        """The whole environment, read-only.

        Not only the packages (as `python_runtime` gives them to workers): a script starts child processes as
        `sys.executable`, and those must find what it finds, `.pth` files included.

        Raises:
            RuntimeError: it is an installation that was not frozen; no job runs in one.
        """
        if self.root is None:
            raise RuntimeError(f"image {self.tag} is not laid out anywhere")
        interpreters = (self.base, self.executable.resolve().parents[1])
        return (*_outside_usr(list(dict.fromkeys(interpreters))), Mount(self.root / VENV, INSIDE))

    def main_packages(self) -> dict[str, str]:
        """The versions that a report shows: Python and the libraries that results depend on most."""
        return {"python": self.python, **{name: self.packages[name] for name in _MAIN if name in self.packages}}

    def notes(self) -> list[str]:
        """What is to be said of it wherever it is shown: the data files that are not what was installed."""
        return reported(self.altered, self.packages)

    def to_json(self) -> dict[str, object]:
        """`image.json`."""
        held = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "root"}
        plain = {name: dict(value) for name, value in held.items() if isinstance(value, Mapping)}
        altered = {name: dict(files) for name, files in self.altered.items()}
        return {**held, **plain, "altered": altered, "base": str(self.base)}

    @classmethod
    def from_json(cls, value: Document, root: Path | None) -> Image:
        """The inverse of `to_json`."""
        return cls(**{**value, "base": Path(value["base"]), "root": root})

    def _distributions(self) -> list[metadata.Distribution]:
        if self.root is None:
            return list(metadata.distributions())
        return list(metadata.distributions(path=[str(self.prefix / self.libraries)]))


def digest_of(python: str, packages: Mapping[str, str], hashes: Mapping[str, str] | None = None) -> str:
    """`sha256:` and the hash over `python==<version>` and the sorted lines `<name>==<version>`.

    Where a hash is known, the line goes on with ` sha256:<hash>`.
    """
    lines = []
    for name, version in (("python", python), *sorted(packages.items())):
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
