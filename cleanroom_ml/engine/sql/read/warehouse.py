"""CREATE WAREHOUSE, ALTER WAREHOUSE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.sql.read.alter import AlterObject, read_alter_object
from cleanroom_ml.engine.sql.read.create import CreateObject, read_object
from cleanroom_ml.engine.sql.read.form import Modifiers, ObjectForm
from cleanroom_ml.engine.sql.read.source import Source


@dataclass(frozen=True, slots=True)
class CreateWarehouse(CreateObject):
    pass


def _create(source: Source, modifiers: Modifiers) -> CreateWarehouse:
    return read_object(source, CreateWarehouse, modifiers)


def _alter(source: Source) -> AlterObject:
    return read_alter_object(source, "WAREHOUSE")


OBJECTS: Final = (ObjectForm(("WAREHOUSE",), ("WAREHOUSES",), create=_create, alter=_alter),)
