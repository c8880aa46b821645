"""CREATE SEQUENCE, ALTER SEQUENCE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.numbers import whole_number
from cleanroom_ml.engine.sql.read.form import Modifiers, ObjectForm
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.statement import Name, Statement

_SMALLEST: Final = -(1 << 63)
_LARGEST: Final = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class SequenceOptions:
    """What CREATE and ALTER say of a sequence; None: nothing."""

    start: int | None = None
    step: int | None = None
    ordered: bool | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class CreateSequence(Statement):
    name: Name
    options: SequenceOptions
    or_replace: bool = False
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True)
class AlterSequence(Statement):
    """RENAME TO `new_name`, or what `options` say (UNSET COMMENT: an empty one)."""

    name: Name
    options: SequenceOptions
    new_name: Name | None = None
    if_exists: bool = False


def _create(source: Source, modifiers: Modifiers) -> CreateSequence:
    if modifiers.words:
        raise SqlError.unsupported(f"CREATE {min(modifiers.words)} SEQUENCE")
    cursor = source.cursor
    if_not_exists = cursor.accept("IF", "NOT", "EXISTS")
    name = source.names.name()
    if_not_exists = cursor.accept("IF", "NOT", "EXISTS") or if_not_exists
    cursor.accept("WITH")
    options = _options(source)
    cursor.expect_end()
    return CreateSequence(name, options, modifiers.or_replace, if_not_exists)


def _alter(source: Source) -> AlterSequence:
    cursor = source.cursor
    if_exists = cursor.accept("IF", "EXISTS")
    name = source.names.name()
    if cursor.accept("RENAME", "TO"):
        made = AlterSequence(name, SequenceOptions(), source.names.name(), if_exists)
    elif cursor.accept("UNSET", "COMMENT"):
        made = AlterSequence(name, SequenceOptions(comment=""), None, if_exists)
    else:
        cursor.accept("SET")
        options = _options(source)
        if options.start is not None:
            raise SqlError.unsupported("ALTER SEQUENCE … START: the first value cannot be changed")
        if options == SequenceOptions():
            raise cursor.surprise("expected what is to be changed")
        made = AlterSequence(name, options, None, if_exists)
    cursor.expect_end()
    return made


def _options(source: Source) -> SequenceOptions:
    """`[START [WITH] [=] n] [INCREMENT [BY] [=] n] [ORDER | NOORDER] [COMMENT = '…']`, in any order."""
    cursor = source.cursor
    start: int | None = None
    step: int | None = None
    ordered: bool | None = None
    comment: str | None = None
    while True:
        cursor.accept(",")
        if cursor.accept("START"):
            cursor.accept("WITH")
            start = _number(source)
        elif cursor.accept("INCREMENT"):
            cursor.accept("BY")
            step = _number(source)
            if not step:
                raise SqlError.syntax("The increment of a sequence is not 0.")
        elif cursor.accept("ORDER"):
            ordered = True
        elif cursor.accept("NOORDER"):
            ordered = False
        elif cursor.accept("COMMENT"):
            cursor.expect("=")
            comment = source.names.text()
        else:
            return SequenceOptions(start, step, ordered, comment)


def _number(source: Source) -> int:
    cursor = source.cursor
    cursor.accept("=")
    negative = cursor.accept("-")
    cursor.accept("+")
    number = whole_number(cursor.next().text)
    if number is None or not _SMALLEST <= (-number if negative else number) <= _LARGEST:
        raise SqlError.syntax("A sequence takes whole numbers of 64 bits.")
    return -number if negative else number


OBJECTS: Final = (ObjectForm(("SEQUENCE",), ("SEQUENCES",), create=_create, alter=_alter),)
