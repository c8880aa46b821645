"""Databases and schemas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.sql.read.create import CreateObject, read_object
from cleanroom_ml.engine.sql.read.form import Modifiers, ObjectForm
from cleanroom_ml.engine.sql.read.source import Source


@dataclass(frozen=True, slots=True)
class CreateDatabase(CreateObject):
    pass


@dataclass(frozen=True, slots=True)
class CreateSchema(CreateObject):
    pass


def _create_database(source: Source, modifiers: Modifiers) -> CreateDatabase:
    return read_object(source, CreateDatabase, modifiers)


def _create_schema(source: Source, modifiers: Modifiers) -> CreateSchema:
    return read_object(source, CreateSchema, modifiers)


OBJECTS: Final = (
    ObjectForm(("DATABASE",), ("DATABASES",), create=_create_database),
    ObjectForm(("SCHEMA",), ("SCHEMAS",), create=_create_schema),
)
