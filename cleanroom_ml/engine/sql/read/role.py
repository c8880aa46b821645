"""CREATE ROLE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.create import CreateObject, read_object
from cleanroom_ml.engine.sql.read.form import Modifiers, ObjectForm
from cleanroom_ml.engine.sql.read.source import Source


@dataclass(frozen=True, slots=True)
class CreateRole(CreateObject):
    pass


def _create(source: Source, modifiers: Modifiers) -> CreateRole:
    made = read_object(source, CreateRole, modifiers)
    if unknown := sorted(made.options.keys() - {"COMMENT"}):
        raise SqlError.unsupported(f"CREATE ROLE … {unknown[0][:40]}")
    return made


OBJECTS: Final = (ObjectForm(("ROLE",), ("ROLES",), create=_create),)
