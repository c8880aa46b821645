"""The types of values that statements carry, for packages that know nothing of SQL."""

from __future__ import annotations

from cleanroom_ml.engine.sql.binds import Option, Value

__all__ = ["Option", "Value"]
