"""The one table of functions: what is not found in it by its name does not exist, and is refused.

A function is an entry in a module of its family; a new family is one more module in `FAMILIES`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType
from typing import Final, TypeVar

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions import (
    absent,
    aggregates,
    arrays,
    conditional,
    conversions,
    dates,
    encodings,
    generated,
    moments,
    numbers,
    percentiles,
    regexp,
    session,
    sketches,
    system,
    tables,
    text,
    variant,
    windows,
)
from cleanroom_ml.engine.sql.functions.entry import Aggregate, Function, Scalar, TableFunction
from cleanroom_ml.engine.sql.tree.dialect import Node

FAMILIES: Final[tuple[ModuleType, ...]] = (
    aggregates,
    arrays,
    conditional,
    conversions,
    dates,
    encodings,
    generated,
    moments,
    numbers,
    percentiles,
    regexp,
    session,
    sketches,
    system,
    tables,
    text,
    variant,
    windows,
)
_Kind = TypeVar("_Kind", Scalar, Aggregate, TableFunction)


def by_name(functions: Iterable[Function]) -> Mapping[str, Function]:
    """The entries by every name that they have. Raises ValueError: two have the same."""
    found: dict[str, Function] = {}
    for function in functions:
        for name in function.names.split():
            if name in found:
                raise ValueError(f"two functions are called {name}")
            found[name] = function
    return found


FUNCTIONS: Final[Mapping[str, Function]] = by_name(function for family in FAMILIES for function in family.FUNCTIONS)
WORDS: Final[Mapping[str, tuple[str, Scalar]]] = {
    word: (function.names.split()[0], function)
    for function in FUNCTIONS.values()
    if isinstance(function, Scalar)
    for word in function.words
}
"""sqlglot's node for a call without parentheses → the function and its name."""


def find(name: str, kind: type[_Kind]) -> _Kind:
    """The function of that name and kind. Raises SqlError: there is none."""
    found = FUNCTIONS.get(name)
    if not isinstance(found, kind):
        if found is None and absent.is_snowflakes(name):
            raise SqlError.unsupported(name)
        raise SqlError.unknown_function(name, "table function" if kind is TableFunction else "function")
    return found


def aggregate(name: str) -> Aggregate | None:
    """The aggregate or window function of that name."""
    found = FUNCTIONS.get(name)
    return found if isinstance(found, Aggregate) else None


def call(name: str, arguments: Sequence[Node]) -> Node:
    """The call of a scalar function with rewritten arguments. Raises SqlError: unknown, or a wrong number of them."""
    return find(name, Scalar).call(name, arguments)
