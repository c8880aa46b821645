"""Procedures: the clean room's and the engine's own; statements only ask after them."""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.sql.read.form import ObjectForm

OBJECTS: Final = (ObjectForm(("PROCEDURE",), ("PROCEDURES",), drop=False),)
