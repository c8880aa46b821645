"""ALTER SESSION, SET and UNSET."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.binds import Option
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.form import Form
from cleanroom_ml.engine.sql.read.names import QuotedWord
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.statement import Statement


@dataclass(frozen=True, slots=True)
class AlterSession(Statement):
    """ALTER SESSION SET k = v … / UNSET k, …: parameters in upper case."""

    set: Mapping[str, Option] = field(default_factory=dict)
    unset: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SetVariable(Statement):
    """SET a = expr or SET (a, b) = (expr, expr); `values` are asts of scalar expressions."""

    names: tuple[str, ...]
    values: tuple[exp.Expr, ...]


@dataclass(frozen=True, slots=True)
class UnsetVariable(Statement):
    names: tuple[str, ...]


def _alter(source: Source) -> AlterSession:
    cursor = source.cursor
    cursor.expect("ALTER", "SESSION")
    if cursor.accept("SET"):
        options = source.names.options()
        cursor.expect_end()
        return AlterSession({name: _unquoted(value) for name, value in options.items()})
    cursor.expect("UNSET")
    names = [cursor.part().upper()]
    while cursor.accept(",") or (not cursor.done and not cursor.looking_at(";")):
        names.append(cursor.part().upper())
    cursor.expect_end()
    return AlterSession({}, tuple(names))


def _unquoted(value: Option) -> Option:
    """A parameter's value may stand in double quotes too: `SET TIMEZONE = "America/Los_Angeles"`."""
    return value.inside() if isinstance(value, QuotedWord) else value


def _set(source: Source) -> Statement:
    cursor = source.cursor
    cursor.expect("SET")
    if not cursor.looking_at("("):
        name = cursor.part()
        cursor.expect("=")
        return SetVariable((name,), (source.expression_here(),))
    names = source.name_list()
    cursor.expect("=")
    tree = source.expression_here()
    values = (
        tuple(tree.expressions)
        if isinstance(tree, exp.Tuple)
        else ((tree.this,) if isinstance(tree, exp.Paren) else ())
    )
    if len(values) != len(names):
        raise SqlError.syntax("SET needs as many values as names.")
    return SetVariable(names, values)


def _unset(source: Source) -> Statement:
    cursor = source.cursor
    cursor.expect("UNSET")
    names = source.name_list() if cursor.looking_at("(") else (cursor.part(),)
    cursor.expect_end()
    return UnsetVariable(names)


FORMS: Final = (*(Form(("ALTER", "SESSION"), _alter), Form(("SET",), _set), Form(("UNSET",), _unset)),)
