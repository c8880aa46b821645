"""Tables that are found from the tree: each module of a package holds its own records, and nobody lists the modules."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import TypeVar

R = TypeVar("R")


def records_of(package: ModuleType, attribute: str, kind: type[R]) -> tuple[R, ...]:
    """The records that the modules of a package hold in `attribute`, a tuple, by the modules' names.

    Loads all of them.

    Raises:
        TypeError: something in it is no such record.
    """
    found: list[R] = []
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda each: each.name):
        loaded = importlib.import_module(f"{package.__name__}.{module.name}")
        for record in getattr(loaded, attribute, ()):
            if not isinstance(record, kind):
                raise TypeError(f"{loaded.__name__}.{attribute} holds {record!r}, which is no {kind.__name__}")
            found.append(record)
    return tuple(found)
