"""CREATE FUNCTION and ALTER FUNCTION."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.sql.read.form import Modifiers, ObjectForm
from cleanroom_ml.engine.sql.read.routine import Altered, Declared, altered, declared
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.statement import Statement


@dataclass(frozen=True, slots=True)
class CreateFunction(Statement):
    """CREATE [OR REPLACE] [TEMPORARY] [SECURE] [AGGREGATE] FUNCTION."""

    declared: Declared


@dataclass(frozen=True, slots=True)
class AlterFunction(Statement):
    """ALTER FUNCTION name(types) RENAME TO | SET | UNSET."""

    altered: Altered


def _create(source: Source, modifiers: Modifiers) -> CreateFunction:
    return CreateFunction(declared(source, modifiers, procedure=False))


def _alter(source: Source) -> AlterFunction:
    return AlterFunction(altered(source, "FUNCTION"))


OBJECTS: Final = (ObjectForm(("FUNCTION",), ("FUNCTIONS",), create=_create, alter=_alter),)
