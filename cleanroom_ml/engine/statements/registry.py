"""The records of all statement kinds, found from the modules of `kinds`: a new kind is a new module, and no list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TypeVar

from cleanroom_ml.engine.contracts.records import records_of
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.statement import Statement, spoken
from cleanroom_ml.engine.statements import kinds
from cleanroom_ml.engine.statements.kind import AnyKind, Kind, ObjectKind
from cleanroom_ml.engine.statements.listing import Listing

K = TypeVar("K")
R = TypeVar("R")


@cache
def statement_kinds() -> Mapping[type[Statement], AnyKind]:
    """Kinds by their node."""
    return _by_key((each.node, each) for each in records_of(kinds, "KINDS", Kind))


@cache
def object_kinds() -> Mapping[str, ObjectKind]:
    """Kinds of object by their name."""
    return _by_key((each.name, each) for each in records_of(kinds, "OBJECTS", ObjectKind))


@cache
def listings() -> Mapping[str, Listing]:
    """What SHOW lists, by its words."""
    return _by_key((each.name, each) for each in records_of(kinds, "LISTINGS", Listing))


def kind_of(statement: Statement) -> AnyKind:
    """The record of a statement's kind. Raises SqlError: there is none, so nobody may send it."""
    found = statement_kinds().get(type(statement))
    if found is None:
        raise SqlError.unsupported(spoken(statement))
    return found


def _by_key(pairs: Iterable[tuple[K, R]]) -> Mapping[K, R]:
    found: dict[K, R] = {}
    for key, record in pairs:
        if key in found:
            raise TypeError(f"two records of {key!r}")
        found[key] = record
    return found
