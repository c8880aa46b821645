"""INFORMATION_SCHEMA.PACKAGES: what functions in Python may ask for is what is installed where the engine is.

Source: sql-reference/info-schema/packages. Snowpark asks it before it registers a function.
"""

from __future__ import annotations

from functools import cache
from importlib import metadata

from packaging.utils import canonicalize_name

from cleanroom_ml.engine.sql.read.routine import RUNTIMES
from cleanroom_ml.engine.statements.information_schema_rows import Row, Seen


def packages(_: Seen) -> tuple[Row, ...]:
    """Each package with its version, by name; the same for everybody."""
    return _installed()


@cache
def _installed() -> tuple[Row, ...]:
    found = {canonicalize_name(each.name): each.version for each in metadata.distributions()}
    return tuple(
        {"PACKAGE_NAME": name, "VERSION": found[name], "LANGUAGE": "python", "RUNTIME_VERSION": RUNTIMES[-1]}
        for name in sorted(found)
    )
