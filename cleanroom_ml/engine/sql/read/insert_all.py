"""INSERT ALL and INSERT FIRST: the rows of one query into several tables (sql-reference/sql/insert-multi-table)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.columns import cut_at_commas
from cleanroom_ml.engine.sql.read.form import Form
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.statement import Name, Statement

MOST_TARGETS: Final = 100


@dataclass(frozen=True, slots=True)
class Into:
    """INTO target [(columns)] [VALUES (values)]: a value None is DEFAULT; no values: all columns as they come."""

    target: Name
    columns: tuple[str, ...] | None = None
    values: tuple[exp.Expr | None, ...] | None = None


@dataclass(frozen=True, slots=True)
class Branch:
    """WHEN condition THEN into …; without a condition ELSE, or what there is no WHEN around."""

    condition: exp.Expr | None
    into: tuple[Into, ...]


@dataclass(frozen=True, slots=True)
class InsertAll(Statement):
    """`first`: a row goes to the first branch whose condition it meets. `otherwise`: the branch of ELSE."""

    branches: tuple[Branch, ...]
    source: exp.Expr
    first: bool = False
    overwrite: bool = False
    otherwise: Branch | None = None


def _read(source: Source) -> InsertAll:
    cursor = source.cursor
    cursor.expect("INSERT")
    overwrite = cursor.accept("OVERWRITE")
    first = cursor.accept("FIRST")
    if not first:
        cursor.expect("ALL")
    branches: list[Branch] = []
    while cursor.accept("WHEN"):
        condition = source.expression_here(_then(source))
        cursor.at = _then(source)
        cursor.expect("THEN")
        branches.append(Branch(condition, _into(source)))
    otherwise = None
    if branches and cursor.accept("ELSE"):
        otherwise = Branch(None, _into(source))
    if not branches:
        branches.append(Branch(None, _into(source)))
    if sum(len(each.into) for each in branches) > MOST_TARGETS:
        raise SqlError.too_complex()
    return InsertAll(tuple(branches), source.query_here(), first, overwrite, otherwise)


def _then(source: Source) -> int:
    """Where the THEN stands that ends the condition from the cursor on."""
    tokens = source.cursor.tokens
    depth = 0
    for at in range(source.cursor.at, len(tokens)):
        word = tokens[at].upper
        depth += (tokens[at].text == "(" or word == "CASE") - (tokens[at].text == ")" or word == "END")
        if not depth and word == "THEN":
            return at
    raise source.cursor.surprise("expected a condition and THEN")


def _into(source: Source) -> tuple[Into, ...]:
    cursor = source.cursor
    found: list[Into] = []
    while cursor.accept("INTO"):
        target = source.names.name()
        columns = source.name_list() if cursor.looking_at("(") and not _is_query(source) else None
        values = _values(source) if cursor.accept("VALUES") else None
        found.append(Into(target, columns, values))
    if not found:
        raise cursor.surprise("expected 'INTO'")
    return tuple(found)


def _values(source: Source) -> tuple[exp.Expr | None, ...]:
    """`(value | DEFAULT, …)`."""
    cursor = source.cursor
    opening = cursor.at
    items = cut_at_commas(cursor.group())
    closing = cursor.at
    cursor.at = opening + 1
    values: list[exp.Expr | None] = []
    for item in items:
        if len(item) == 1 and item[0].upper == "DEFAULT":
            values.append(None)
        else:
            values.append(source.expression_here(cursor.at + len(item)))
        cursor.at += len(item) + 1
    cursor.at = closing
    return tuple(values)


def _is_query(source: Source) -> bool:
    ahead = source.cursor.peek(1)
    return ahead is not None and ahead.upper in {"SELECT", "WITH", "VALUES"}


FORMS: Final = (
    Form(("INSERT", "ALL"), _read),
    Form(("INSERT", "FIRST"), _read),
    Form(("INSERT", "OVERWRITE", "ALL"), _read),
    Form(("INSERT", "OVERWRITE", "FIRST"), _read),
)
