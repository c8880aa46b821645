"""CREATE VIEW."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.tokens import Token
from cleanroom_ml.engine.sql.read.columns import cut_at_commas
from cleanroom_ml.engine.sql.read.form import Modifiers, ObjectForm
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.statement import Name, Statement


@dataclass(frozen=True, slots=True)
class CreateView(Statement):
    """`text` is the query as it was written (what a `ViewSource` keeps); `columns` are the view's own names, if
    given.
    """

    name: Name
    text: str
    ast: exp.Expr
    columns: tuple[str, ...] | None = None
    secure: bool = False
    temporary: bool = False
    or_replace: bool = False
    if_not_exists: bool = False
    comment: str | None = None
    copy_grants: bool = False


def _create(source: Source, modifiers: Modifiers) -> CreateView:
    cursor = source.cursor
    if_not_exists = cursor.accept("IF", "NOT", "EXISTS")
    name = source.names.name()
    columns = None
    if cursor.looking_at("("):
        columns = tuple(_view_column(group) for group in cut_at_commas(cursor.group()))
    comment = source.names.options().get("COMMENT")
    copied = cursor.accept("COPY", "GRANTS")
    if copied:
        comment = source.names.options().get("COMMENT", comment)
    cursor.expect("AS")
    text = source.query_text()
    return CreateView(
        name,
        text,
        source.query_here(),
        columns,
        "SECURE" in modifiers.words,
        modifiers.temporary,
        modifiers.or_replace,
        if_not_exists,
        None if comment is None else str(comment),
        copied,
    )


def _view_column(tokens: list[Token]) -> str:
    if len(tokens) != 1 and not (len(tokens) == 3 and tokens[1].upper == "COMMENT"):
        raise SqlError.unsupported("this column of a view")
    return str(tokens[0].value())


OBJECTS: Final = (ObjectForm(("VIEW",), ("VIEWS",), create=_create),)
