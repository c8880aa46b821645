"""CREATE VIEW, ALTER VIEW."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.tokens import Token
from cleanroom_ml.engine.sql.read.columns import cut_at_commas
from cleanroom_ml.engine.sql.read.form import Modifiers, ObjectForm
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.statement import Name, Statement
from cleanroom_ml.naming import quote


@dataclass(frozen=True, slots=True)
class CreateView(Statement):
    """`text` is the query as it was written (what a `ViewSource` keeps), around a RECURSIVE one the common table that
    it is; `columns` are the view's own names, if given, `comments` what there is of them.
    """

    name: Name
    text: str
    columns: tuple[str, ...] | None = None
    secure: bool = False
    temporary: bool = False
    or_replace: bool = False
    if_not_exists: bool = False
    comment: str | None = None
    copy_grants: bool = False
    comments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AlterView(Statement):
    """RENAME TO `new_name`; or SET and UNSET: `secure`, `comment` (an empty one: UNSET), a column's `comments`."""

    name: Name
    new_name: Name | None = None
    secure: bool | None = None
    comment: str | None = None
    comments: Mapping[str, str] = field(default_factory=dict)
    if_exists: bool = False


def _create(source: Source, modifiers: Modifiers) -> CreateView:
    cursor = source.cursor
    if_not_exists = cursor.accept("IF", "NOT", "EXISTS")
    name = source.names.name()
    if_not_exists = cursor.accept("IF", "NOT", "EXISTS") or if_not_exists
    columns: tuple[str, ...] | None = None
    comments: dict[str, str] = {}
    if cursor.looking_at("("):
        read = [_view_column(group) for group in cut_at_commas(cursor.group())]
        columns = tuple(column for column, _ in read)
        comments = {column: comment for column, comment in read if comment is not None}
    comment, copied = _options(source)
    cursor.expect("AS")
    text = source.query_text()
    source.query_here()  # it has to be a query
    if "RECURSIVE" in modifiers.words:
        if not columns:
            raise SqlError.syntax("CREATE RECURSIVE VIEW needs a list of columns.")
        listed = ", ".join(quote(column) for column in columns)
        text = f"WITH RECURSIVE {quote(name[-1])} ({listed}) AS ({text}) SELECT * FROM {quote(name[-1])}"
    return CreateView(
        name,
        text,
        columns,
        "SECURE" in modifiers.words,
        modifiers.temporary,
        modifiers.or_replace,
        if_not_exists,
        comment,
        copied,
        comments,
    )


def _options(source: Source) -> tuple[str | None, bool]:
    """The COMMENT, and whether there is COPY GRANTS. CHANGE_TRACKING changes nothing that a statement could see."""
    comment, copied = None, False
    while True:
        options = source.names.options()
        if unknown := sorted(options.keys() - {"COMMENT", "CHANGE_TRACKING"}):
            raise SqlError.unsupported(f"view option {unknown[0][:40]}")
        comment = str(options["COMMENT"]) if "COMMENT" in options else comment
        if not source.cursor.accept("COPY", "GRANTS"):
            return comment, copied
        copied = True


def _view_column(tokens: list[Token]) -> tuple[str, str | None]:
    if len(tokens) == 1:
        return str(tokens[0].value()), None
    if len(tokens) == 3 and tokens[1].upper == "COMMENT":
        return str(tokens[0].value()), str(tokens[2].value())
    raise SqlError.unsupported("this column of a view")


def _alter(source: Source) -> AlterView:
    cursor = source.cursor
    if_exists = cursor.accept("IF", "EXISTS")
    name = source.names.name()
    if cursor.accept("RENAME", "TO"):
        made = AlterView(name, source.names.name(), if_exists=if_exists)
    elif cursor.accept("SET", "SECURE"):
        made = AlterView(name, secure=True, if_exists=if_exists)
    elif cursor.accept("UNSET", "SECURE"):
        made = AlterView(name, secure=False, if_exists=if_exists)
    elif cursor.accept("UNSET", "COMMENT"):
        made = AlterView(name, comment="", if_exists=if_exists)
    elif cursor.accept("SET", "COMMENT", "="):
        made = AlterView(name, comment=source.names.text(), if_exists=if_exists)
    elif cursor.accept("ALTER") or cursor.accept("MODIFY"):
        cursor.accept("COLUMN")
        column = cursor.part()
        if cursor.accept("UNSET", "COMMENT"):
            made = AlterView(name, comments={column: ""}, if_exists=if_exists)
        else:
            cursor.accept("SET")
            if not cursor.accept("COMMENT"):
                raise SqlError.unsupported("ALTER VIEW … ALTER COLUMN of what is no comment")
            cursor.accept("=")
            made = AlterView(name, comments={column: source.names.text()}, if_exists=if_exists)
    else:
        what = cursor.peek(1) or cursor.peek()
        raise SqlError.unsupported(f"ALTER VIEW … {what.upper[:40] if what else ''}".strip())
    cursor.expect_end()
    return made


OBJECTS: Final = (ObjectForm(("VIEW",), ("VIEWS",), create=_create, alter=_alter),)
