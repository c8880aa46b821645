"""INSERT, UPDATE, DELETE, MERGE."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.tokens import QUOTED
from cleanroom_ml.engine.sql.read.form import Form
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.statement import Name, Statement


@dataclass(frozen=True, slots=True)
class Insert(Statement):
    """INSERT [OVERWRITE] INTO target [(columns)] query: `compile_insert(statement, catalog, binds)`."""

    target: Name
    columns: tuple[str, ...] | None
    source: exp.Expr
    overwrite: bool = False


@dataclass(frozen=True, slots=True)
class Update(Statement):
    target: Name
    ast: exp.Expr


@dataclass(frozen=True, slots=True)
class Delete(Statement):
    target: Name
    ast: exp.Expr


@dataclass(frozen=True, slots=True)
class Merge(Statement):
    target: Name
    ast: exp.Expr


def _insert(source: Source) -> Statement:
    cursor = source.cursor
    cursor.expect("INSERT")
    overwrite = cursor.accept("OVERWRITE")
    cursor.expect("INTO")
    cursor.accept("TABLE")
    target = source.names.name()
    columns = None
    if cursor.looking_at("(") and not _query_in_brackets(source):
        columns = source.name_list()
    return Insert(target, columns, source.query_here(), overwrite)


def _query_in_brackets(source: Source) -> bool:
    ahead = 0
    while (token := source.cursor.peek(ahead)) is not None and token.text == "(":
        ahead += 1
    return token is not None and token.upper in {"SELECT", "WITH", "VALUES"} and token.kind != QUOTED


def _change(kind: type[Update | Delete | Merge], node: type[exp.Expr]) -> Callable[[Source], Statement]:
    def read(source: Source) -> Statement:
        tree = source.ast()
        if not isinstance(tree, node):
            raise SqlError.syntax("syntax error.")
        return kind(source.table_name(tree.this), tree)

    return read


FORMS: Final = (
    Form(("INSERT",), _insert),
    Form(("UPDATE",), _change(Update, exp.Update)),
    Form(("DELETE",), _change(Delete, exp.Delete)),
    Form(("MERGE",), _change(Merge, exp.Merge)),
)
