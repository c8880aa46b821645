"""INFORMATION_SCHEMA.PACKAGES: what functions in Python may ask for is what is installed where the engine is.

Source: sql-reference/info-schema/packages. Snowpark asks it before it registers a function.
"""

from __future__ import annotations

from functools import cache
from importlib import metadata

from packaging.utils import canonicalize_name

from cleanroom_ml.engine.sql.catalog import RowsSource
from cleanroom_ml.engine.sql.read.routine import RUNTIMES
from cleanroom_ml.engine.sql.types.sql_type import SqlType

_TEXT = SqlType("VARCHAR")
_COLUMNS = (("PACKAGE_NAME", _TEXT), ("VERSION", _TEXT), ("LANGUAGE", _TEXT), ("RUNTIME_VERSION", _TEXT))


@cache
def packages() -> RowsSource:
    """Each package with its version, by name."""
    found = {canonicalize_name(each.name): each.version for each in metadata.distributions()}
    return RowsSource(_COLUMNS, tuple((name, found[name], "python", RUNTIMES[-1]) for name in sorted(found)))
