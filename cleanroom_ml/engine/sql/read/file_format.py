"""CREATE FILE FORMAT."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.sql.read.create import CreateObject, read_object
from cleanroom_ml.engine.sql.read.form import Modifiers, ObjectForm
from cleanroom_ml.engine.sql.read.source import Source


@dataclass(frozen=True, slots=True)
class CreateFileFormat(CreateObject):
    pass


def _create(source: Source, modifiers: Modifiers) -> CreateFileFormat:
    return read_object(source, CreateFileFormat, modifiers)


OBJECTS: Final = (ObjectForm(("FILE", "FORMAT"), ("FILE", "FORMATS"), create=_create),)
