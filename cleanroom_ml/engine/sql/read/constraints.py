"""Keys as they are declared (sql-reference/sql/create-table-constraint): they are kept, and not enforced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.cursor import Cursor
from cleanroom_ml.engine.sql.lex.tokens import WORD, Token
from cleanroom_ml.engine.sql.read.source import Source

KeyKind = Literal["PRIMARY KEY", "UNIQUE", "FOREIGN KEY"]
_STARTS: Final = frozenset({"CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "REFERENCES"})
OUT_OF_LINE: Final = frozenset({"PRIMARY", "UNIQUE", "CONSTRAINT", "FOREIGN"})


@dataclass(frozen=True, slots=True)
class ConstraintSpec:
    """A key: `references` is the table that a foreign one refers to, as written, with `reference_columns` (none: those
    of its primary key).
    """

    kind: KeyKind
    columns: tuple[str, ...]
    name: str | None = None
    references: tuple[str, ...] = ()
    reference_columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DroppedKey:
    """ALTER TABLE … DROP PRIMARY KEY | UNIQUE (…) | FOREIGN KEY (…) | CONSTRAINT name."""

    kind: KeyKind | None
    columns: tuple[str, ...] = ()
    name: str | None = None


def is_out_of_line(item: list[Token]) -> bool:
    """Whether an item of a list of columns is a key, and no column."""
    return item[0].kind == WORD and item[0].upper in OUT_OF_LINE and len(item) > 2


def read_constraints(source: Source, items: list[list[Token]]) -> tuple[ConstraintSpec, ...]:
    """The keys in a list of columns, those behind a column too. Raises SqlError."""
    found: list[ConstraintSpec] = []
    for item in items:
        if is_out_of_line(item):
            found.append(_read(Cursor(source.text, item), None))
            continue
        column = str(item[0].value())
        depth = 0
        for number, token in enumerate(item):
            depth += (token.text == "(") - (token.text == ")")
            if number and not depth and token.kind == WORD and token.upper in _STARTS:
                cursor = Cursor(source.text, item)
                cursor.at = number
                found.append(_read(cursor, column))
                break
    return tuple(found)


def read_dropped(source: Source) -> DroppedKey | None:
    """What DROP says of a key; None: it says something else, and nothing is taken."""
    cursor = source.cursor
    if cursor.accept("CONSTRAINT"):
        made = DroppedKey(None, (), cursor.part())
    elif cursor.accept("PRIMARY", "KEY"):
        made = DroppedKey("PRIMARY KEY")
    elif cursor.accept("UNIQUE"):
        made = DroppedKey("UNIQUE", source.name_list())
    elif cursor.accept("FOREIGN", "KEY"):
        made = DroppedKey("FOREIGN KEY", source.name_list())
    else:
        return None
    if not cursor.accept("CASCADE"):
        cursor.accept("RESTRICT")
    return made


def _read(cursor: Cursor, column: str | None) -> ConstraintSpec:
    name = cursor.part() if cursor.accept("CONSTRAINT") else None
    if cursor.accept("PRIMARY", "KEY"):
        kind: KeyKind = "PRIMARY KEY"
    elif cursor.accept("UNIQUE"):
        kind = "UNIQUE"
    elif cursor.accept("FOREIGN", "KEY") or cursor.looking_at("REFERENCES"):
        kind = "FOREIGN KEY"
    else:
        raise SqlError.unsupported("this constraint")
    columns = (column,) if column is not None else _names(cursor)
    if kind != "FOREIGN KEY":
        return ConstraintSpec(kind, columns, name)
    cursor.expect("REFERENCES")
    parts = [cursor.part()]
    while cursor.accept("."):
        parts.append(cursor.part())
    return ConstraintSpec(kind, columns, name, tuple(parts), _names(cursor) if cursor.looking_at("(") else ())


def _names(cursor: Cursor) -> tuple[str, ...]:
    cursor.expect("(")
    names = [cursor.part()]
    while cursor.accept(","):
        names.append(cursor.part())
    cursor.expect(")")
    return tuple(names)
