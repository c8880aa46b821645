"""Finds the columns that a script names in the columns that a table has."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import Final

_SHOWN: Final = 12
_JSON_SPECIAL: Final = re.compile(r'[",:\[\]{}]')
_XGBOOST_SPECIAL: Final = re.compile(r"[\[\]<]")


class ColumnError(ValueError):
    """A column is missing, of a type that cannot be learned from, or of no use as what it was named for."""


def find(name: str, columns: Sequence[str], *, what: str) -> str:
    """The table's own spelling of a column.

    As written; or as Snowflake reads an identifier: `age` is AGE, and the column `"age"` may be named without its
    quotation marks where that is clear.

    Raises:
        ColumnError: there is none; says which is near.
    """
    if not isinstance(name, str):
        raise ColumnError(f"{what} is {name!r}; it is the name of a column")
    for spelling in (name, f'"{name}"', name.upper(), name.strip('"')):
        if spelling in columns:
            return spelling
    # Compared without case and quotation marks: that is what most mistakes are about.
    plain = {column.strip('"').upper(): column for column in columns}
    near = difflib.get_close_matches(name.strip('"').upper(), plain, n=1)
    hint = f" Did you mean {plain[near[0]]}?" if near else ""
    raise ColumnError(f"{what}: the data has no column {name}.{hint} It has {displayed(columns)}")


def displayed(columns: Sequence[str]) -> str:
    """Some names for a message."""
    more = f" and {len(columns) - _SHOWN} more" if len(columns) > _SHOWN else ""
    return ", ".join(columns[:_SHOWN]) + more


def for_lightgbm(columns: Sequence[str]) -> list[str]:
    """Feature names: LightGBM keeps them in JSON and refuses its characters, so `"age"` becomes age."""
    return _unique(columns, [_JSON_SPECIAL.sub("_", _unquoted(column)).replace(" ", "_") for column in columns])


def for_xgboost(columns: Sequence[str]) -> list[str]:
    """Feature names as the columns are called; XGBoost refuses a few characters."""
    return _unique(columns, [_XGBOOST_SPECIAL.sub("_", column) for column in columns])


def _unquoted(column: str) -> str:
    return column[1:-1].replace('""', '"') if len(column) > 1 and column[0] == column[-1] == '"' else column


def _unique(columns: Sequence[str], names: list[str]) -> list[str]:
    seen: dict[str, str] = {}
    for column, name in zip(columns, names, strict=True):
        if name in seen:
            raise ColumnError(f"the columns {seen[name]} and {column} would both be the feature {name}; rename one")
        seen[name] = column
    return names
