"""DROP of every kind of object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.form import Form
from cleanroom_ml.engine.sql.read.registry import accept_object, named_next, objects
from cleanroom_ml.engine.sql.read.routine import named
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.statement import Name, Statement


@dataclass(frozen=True, slots=True)
class Drop(Statement):
    """`kind`: the words of an `ObjectForm`."""

    kind: str
    name: Name
    if_exists: bool = False
    cascade: bool = True


def _drop(source: Source) -> Statement:
    cursor = source.cursor
    cursor.expect("DROP")
    kind = accept_object(source)
    if kind is None or not next(each for each in objects() if each.name == kind).drop:
        raise SqlError.unsupported(f"DROP {kind or named_next(source)}".strip())
    if_exists = cursor.accept("IF", "EXISTS")
    name = named(source, kind)
    if_exists = cursor.accept("IF", "EXISTS") or if_exists
    cascade = not cursor.accept("RESTRICT")
    cursor.accept("CASCADE")
    cursor.expect_end()
    return Drop(kind, name, if_exists, cascade)


FORMS: Final = (Form(("DROP",), _drop),)
