"""Which tests are skipped where the `runtime` extra is not installed: torch or Ray cannot be had for every Python.

Nothing else is left out for a missing library. `make` says which extras it installed (`CLEANROOM_ML_EXTRAS`): where
`runtime` is among them, and in CI where nothing is said, a library that is missing is a failure.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

LIBRARIES: Final = ("torch", "ray", "lightgbm", "bayes_opt", "snowflake.ml", "PIL")
"""What only the `runtime` extra installs, as modules."""


def reason(environ: Mapping[str, str], installed: Callable[[str], bool]) -> str | None:
    """Why tests of the container runtime are skipped, or None where they are not."""
    said = environ.get("CLEANROOM_ML_EXTRAS")
    if said is None and environ.get("CI"):
        return None
    if said is not None and "runtime" in said.split(","):
        return None
    missing = [name for name in LIBRARIES if not installed(name)]
    return f"needs the runtime extra ({', '.join(missing)} not installed)" if missing else None


def installed(module: str) -> bool:
    """Whether a module of this name can be found; a package above it that is missing is no error."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def imports_it(file: Path) -> bool:
    """Whether a test module imports one of the libraries before any of its tests can run."""
    names: list[str] = []
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append(str(node.module))
    return any(name == library or name.startswith(f"{library}.") for name in names for library in LIBRARIES)
