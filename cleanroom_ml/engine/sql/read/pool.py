"""CREATE COMPUTE POOL, ALTER COMPUTE POOL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.sql.read.alter import AlterObject, read_alter_object
from cleanroom_ml.engine.sql.read.create import CreateObject, read_object
from cleanroom_ml.engine.sql.read.form import Modifiers, ObjectForm
from cleanroom_ml.engine.sql.read.source import Source


@dataclass(frozen=True, slots=True)
class CreateComputePool(CreateObject):
    """`application`: the FOR APPLICATION name, or None."""

    application: str | None = None


def _create(source: Source, modifiers: Modifiers) -> CreateComputePool:
    return read_object(source, CreateComputePool, modifiers, _application)


def _application(source: Source) -> Mapping[str, str]:
    """FOR APPLICATION app."""
    return {"application": source.names.name(1)[0]} if source.cursor.accept("FOR", "APPLICATION") else {}


def _alter(source: Source) -> AlterObject:
    return read_alter_object(source, "COMPUTE POOL")


OBJECTS: Final = (ObjectForm(("COMPUTE", "POOL"), ("COMPUTE", "POOLS"), create=_create, alter=_alter),)
SHOWN: Final = (("COMPUTE", "POOL", "INSTANCE", "FAMILIES"),)
