"""CREATE TABLE in its forms, ALTER TABLE, TRUNCATE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.binds import Option
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.columns import ColumnSpec, cut_at_commas, read_columns
from cleanroom_ml.engine.sql.read.form import Form, Modifiers, ObjectForm
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.statement import Name, Statement


@dataclass(frozen=True, slots=True)
class CreateTable(Statement):
    """CREATE TABLE in its forms: with `columns`, `query` (AS SELECT; `columns` may name and type its columns; a type
    may be None there),
    or `like`. `kind` is TABLE, TEMPORARY or TRANSIENT."""

    name: Name
    kind: str = "TABLE"
    columns: tuple[ColumnSpec, ...] = ()
    query: exp.Expr | None = None
    query_columns: tuple[str, ...] | None = None
    like: Name | None = None
    or_replace: bool = False
    if_not_exists: bool = False
    comment: str | None = None
    copy_grants: bool = False


@dataclass(frozen=True, slots=True)
class AlterTable(Statement):
    """One action: "add" (`columns`), "drop" (`names`), "rename column" (`names` = old, new), "rename" (`new_name`)."""

    name: Name
    action: str
    columns: tuple[ColumnSpec, ...] = ()
    names: tuple[str, ...] = ()
    new_name: Name | None = None
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class Truncate(Statement):
    target: Name
    if_exists: bool = False


def _create(source: Source, modifiers: Modifiers) -> CreateTable:
    kind = "TEMPORARY" if modifiers.temporary else "TRANSIENT" if "TRANSIENT" in modifiers.words else "TABLE"
    or_replace = modifiers.or_replace
    cursor = source.cursor
    if_not_exists = cursor.accept("IF", "NOT", "EXISTS")
    name = source.names.name()
    if_not_exists = cursor.accept("IF", "NOT", "EXISTS") or if_not_exists
    if cursor.looking_at("CLONE"):
        raise SqlError.unsupported("CLONE")
    if cursor.accept("LIKE"):
        like = source.names.name()
        cursor.expect_end()
        return CreateTable(name, kind, like=like, or_replace=or_replace, if_not_exists=if_not_exists)
    columns: tuple[ColumnSpec, ...] = ()
    only_names: tuple[str, ...] | None = None
    if cursor.looking_at("("):
        start = cursor.at + 1
        items = cut_at_commas(cursor.group())
        if items and all(len(item) == 1 for item in items):
            only_names = tuple(str(item[0].value()) for item in items)
        else:
            columns = read_columns(source, items, start)
    comment, copied = _table_options(source)
    if cursor.accept("AS"):
        query = source.query_here()
        return CreateTable(name, kind, columns, query, only_names, None, or_replace, if_not_exists, comment, copied)
    cursor.expect_end()
    if only_names is not None or not columns:
        raise SqlError.syntax("a table needs columns with types.")
    return CreateTable(
        name,
        kind,
        columns,
        or_replace=or_replace,
        if_not_exists=if_not_exists,
        comment=comment,
        copy_grants=copied,
    )


def _table_options(source: Source) -> tuple[str | None, bool]:
    """Options between the columns and AS: the COMMENT, and whether there is COPY GRANTS; storage hints have no meaning
    here; policies are refused.
    """
    cursor = source.cursor
    copied = False
    options: dict[str, Option] = {}
    while True:
        options.update(source.names.options())
        if cursor.accept("COPY", "GRANTS"):
            copied = True
            continue
        if cursor.accept("CLUSTER", "BY"):
            cursor.group()
            continue
        break
    ignored = {
        "COMMENT",
        "DATA_RETENTION_TIME_IN_DAYS",
        "MAX_DATA_EXTENSION_TIME_IN_DAYS",
        "CHANGE_TRACKING",
        "ENABLE_SCHEMA_EVOLUTION",
        "DEFAULT_DDL_COLLATION",
    }
    for key in options:
        if key not in ignored:
            raise SqlError.unsupported(f"table option {key[:40]}")
    comment = options.get("COMMENT")
    return (comment if isinstance(comment, str) else None), copied


def _alter(source: Source) -> AlterTable:
    cursor = source.cursor
    if_exists = cursor.accept("IF", "EXISTS")
    name = source.names.name()
    if cursor.accept("RENAME", "TO"):
        made = AlterTable(name, "rename", new_name=source.names.name(), if_exists=if_exists)
    elif cursor.accept("RENAME", "COLUMN"):
        old = cursor.part()
        cursor.expect("TO")
        made = AlterTable(name, "rename column", names=(old, cursor.part()), if_exists=if_exists)
    elif cursor.accept("ADD"):
        cursor.accept("COLUMN")
        if cursor.looking_at("CONSTRAINT") or cursor.looking_at("ROW"):
            raise SqlError.unsupported("ALTER TABLE ADD of this")
        start = cursor.at
        items = cut_at_commas(cursor.tokens[start:])
        cursor.at = len(cursor.tokens)
        made = AlterTable(name, "add", columns=read_columns(source, items, start + 1), if_exists=if_exists)
    elif cursor.accept("DROP"):
        cursor.accept("COLUMN")
        names = [cursor.part()]
        while cursor.accept(","):
            names.append(cursor.part())
        made = AlterTable(name, "drop", names=tuple(names), if_exists=if_exists)
    else:
        raise SqlError.unsupported("this ALTER TABLE")
    cursor.expect_end()
    return made


def _truncate(source: Source) -> Statement:
    cursor = source.cursor
    cursor.expect("TRUNCATE")
    cursor.accept("TABLE")
    if_exists = cursor.accept("IF", "EXISTS")
    name = source.names.name()
    cursor.expect_end()
    return Truncate(name, if_exists)


FORMS: Final = (Form(("TRUNCATE",), _truncate),)
OBJECTS: Final = (ObjectForm(("TABLE",), ("TABLES",), create=_create, alter=_alter),)
