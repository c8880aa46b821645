"""CREATE FILE FORMAT, ALTER FILE FORMAT."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cleanroom_ml.engine.sql.binds import Option
from cleanroom_ml.engine.sql.read.create import CreateObject, read_object
from cleanroom_ml.engine.sql.read.form import Modifiers, ObjectForm
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.statement import Name, Statement


@dataclass(frozen=True, slots=True)
class CreateFileFormat(CreateObject):
    pass


@dataclass(frozen=True, slots=True)
class AlterFileFormat(Statement):
    """RENAME TO `new_name`, or SET `options` (COMMENT among them; `no_comment`: UNSET COMMENT)."""

    name: Name
    new_name: Name | None = None
    options: Mapping[str, Option] = field(default_factory=dict)
    no_comment: bool = False
    if_exists: bool = False


def _create(source: Source, modifiers: Modifiers) -> CreateFileFormat:
    return read_object(source, CreateFileFormat, modifiers)


def _alter(source: Source) -> AlterFileFormat:
    cursor = source.cursor
    if_exists = cursor.accept("IF", "EXISTS")
    name = source.names.name()
    if cursor.accept("RENAME", "TO"):
        made = AlterFileFormat(name, source.names.name(), if_exists=if_exists)
    elif cursor.accept("UNSET"):
        cursor.expect("COMMENT")
        made = AlterFileFormat(name, no_comment=True, if_exists=if_exists)
    else:
        cursor.expect("SET")
        options = source.names.options()
        if not options:
            raise cursor.surprise("expected an option")
        made = AlterFileFormat(name, None, options, if_exists=if_exists)
    cursor.expect_end()
    return made


OBJECTS: Final = (ObjectForm(("FILE", "FORMAT"), ("FILE", "FORMATS"), create=_create, alter=_alter),)
