"""CREATE STAGE, ALTER STAGE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cleanroom_ml.engine.sql.binds import Option
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.create import CreateObject, read_object
from cleanroom_ml.engine.sql.read.form import Modifiers, ObjectForm
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.statement import Name, Statement


@dataclass(frozen=True, slots=True)
class CreateStage(CreateObject):
    """`options` may hold DIRECTORY={"ENABLE": True}, ENCRYPTION={…}, FILE_FORMAT={…}, COMMENT."""


@dataclass(frozen=True, slots=True)
class AlterStage(Statement):
    """`refresh` of the directory table, or SET `options`."""

    name: Name
    refresh: bool = False
    options: Mapping[str, Option] = field(default_factory=dict)
    if_exists: bool = False


def _create(source: Source, modifiers: Modifiers) -> CreateStage:
    return read_object(source, CreateStage, modifiers)


def _alter(source: Source) -> AlterStage:
    cursor = source.cursor
    if_exists = cursor.accept("IF", "EXISTS")
    name = source.names.name()
    if cursor.accept("REFRESH"):
        options = source.names.options()
        if set(options) - {"SUBPATH"}:
            raise SqlError.unsupported("this ALTER STAGE … REFRESH")
        made = AlterStage(name, True, options, if_exists)
    else:
        cursor.expect("SET")
        made = AlterStage(name, False, source.names.options(), if_exists)
    cursor.expect_end()
    return made


OBJECTS: Final = (ObjectForm(("STAGE",), ("STAGES",), create=_create, alter=_alter),)
