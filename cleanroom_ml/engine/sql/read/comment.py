"""COMMENT ON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.form import Form
from cleanroom_ml.engine.sql.read.registry import accept_object, accept_one
from cleanroom_ml.engine.sql.read.routine import named
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.statement import Name, Statement


@dataclass(frozen=True, slots=True)
class Comment(Statement):
    """COMMENT [IF EXISTS] ON kind name IS 'text'."""

    kind: str
    name: Name
    text: str
    if_exists: bool = False


def _comment(source: Source) -> Statement:
    cursor = source.cursor
    cursor.expect("COMMENT")
    if_exists = cursor.accept("IF", "EXISTS")
    cursor.expect("ON")
    kind = accept_object(source) or accept_one(source, (("COLUMN",),))
    if kind is None:
        raise SqlError.unsupported("COMMENT on this")
    name = named(source, kind) if kind in {"FUNCTION", "PROCEDURE"} else source.names.name(4)
    cursor.expect("IS")
    text = source.names.text()
    cursor.expect_end()
    return Comment(kind, name, text, if_exists)


FORMS: Final = (Form(("COMMENT",), _comment),)
