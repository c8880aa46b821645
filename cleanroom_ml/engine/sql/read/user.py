"""CREATE USER, ALTER USER."""

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
class CreateUser(CreateObject):
    pass


@dataclass(frozen=True, slots=True, repr=False)
class AlterUser(Statement):
    """SET `options`, UNSET `unset`. No name: the session's own user. Not shown by repr: it may hold a password."""

    name: Name | None
    options: Mapping[str, Option] = field(default_factory=dict)
    unset: tuple[str, ...] = ()
    if_exists: bool = False


def _create(source: Source, modifiers: Modifiers) -> CreateUser:
    if modifiers.or_replace:
        raise SqlError.unsupported("CREATE OR REPLACE USER: another user of the same name; DROP it first")
    return read_object(source, CreateUser, modifiers)


def _alter(source: Source) -> AlterUser:
    cursor = source.cursor
    if_exists = cursor.accept("IF", "EXISTS")
    own = cursor.looking_at("SET") or cursor.looking_at("UNSET")
    name = None if own else source.names.name(1)
    if cursor.accept("SET"):
        made = AlterUser(name, source.names.options(), (), if_exists)
        if not made.options:
            raise SqlError.unsupported("ALTER USER SET of this")
    elif cursor.accept("UNSET"):
        unset = [cursor.word()]
        while cursor.accept(","):
            unset.append(cursor.word())
        made = AlterUser(name, {}, tuple(unset), if_exists)
    else:
        what = cursor.peek()
        raise SqlError.unsupported(f"ALTER USER … {what.upper[:40] if what else ''}".strip())
    cursor.expect_end()
    return made


OBJECTS: Final = (ObjectForm(("USER",), ("USERS",), create=_create, alter=_alter),)
