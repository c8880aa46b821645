"""CREATE TABLE in its forms, ALTER TABLE, TRUNCATE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.binds import Option
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.columns import ColumnSpec, cut_at_commas, read_columns, read_type
from cleanroom_ml.engine.sql.read.constraints import (
    OUT_OF_LINE,
    ConstraintSpec,
    DroppedKey,
    read_constraints,
    read_dropped,
)
from cleanroom_ml.engine.sql.read.form import Form, Modifiers, ObjectForm
from cleanroom_ml.engine.sql.read.past import RETENTION, Past, read_past, read_settings, retention_days
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.statement import Name, Statement
from cleanroom_ml.engine.sql.types.sql_type import SqlType

_HINTS: Final = frozenset(
    {
        *(RETENTION, "MAX_DATA_EXTENSION_TIME_IN_DAYS", "CHANGE_TRACKING"),
        *("ENABLE_SCHEMA_EVOLUTION", "DEFAULT_DDL_COLLATION"),
    }
)
_RECLUSTERS: Final = (("SUSPEND", "RECLUSTER"), ("RESUME", "RECLUSTER"))
_KEYS: Final = ("PRIMARY", "UNIQUE", "CONSTRAINT", "FOREIGN", "CLUSTERING", "ROW", "ALL", "SEARCH")


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
    clone: Name | None = None
    copy_grants: bool = False
    moment: Past | None = None
    retention: int | None = None
    constraints: tuple[ConstraintSpec, ...] = ()
    clustering: str = ""


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """What ALTER … COLUMN changes; None: it stays as it is."""

    name: str
    type: SqlType | None = None
    nullable: bool | None = None
    default: str | None = None
    comment: str | None = None
    drops_default: bool = False


@dataclass(frozen=True, slots=True)
class AlterTable(Statement):
    """One action: "set" (`comment`, `retention`: None, it stays; negative, what its schema says), "add" (`columns`),
    "drop" (`names`), "rename column" (`names` = old, new), "rename" and "swap"
    (`new_name`), "change" (`changes`), "constrain" (`constraints`), "unconstrain" (`dropped`), "cluster"
    (`clustering`; empty: by nothing), "nothing": what has no
    meaning here. `exists`: IF [NOT] EXISTS of columns.
    """

    name: Name
    action: str
    columns: tuple[ColumnSpec, ...] = ()
    names: tuple[str, ...] = ()
    new_name: Name | None = None
    if_exists: bool = False
    changes: tuple[ColumnChange, ...] = ()
    exists: bool = False
    comment: str | None = None
    retention: int | None = None
    constraints: tuple[ConstraintSpec, ...] = ()
    dropped: DroppedKey | None = None
    clustering: str = ""


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
    if cursor.accept("CLONE"):
        clone = source.names.name()
        moment = read_past(source)
        comment, copied, retention, clustering = _table_options(source)
        cursor.expect_end()
        return CreateTable(
            name,
            kind,
            clone=clone,
            or_replace=or_replace,
            if_not_exists=if_not_exists,
            comment=comment,
            copy_grants=copied,
            moment=moment,
            retention=retention,
            clustering=clustering,
        )
    if cursor.accept("LIKE"):
        like = source.names.name()
        comment, copied, retention, clustering = _table_options(source)
        cursor.expect_end()
        return CreateTable(
            name,
            kind,
            like=like,
            or_replace=or_replace,
            if_not_exists=if_not_exists,
            comment=comment,
            copy_grants=copied,
            retention=retention,
            clustering=clustering,
        )
    if cursor.looking_at("USING", "TEMPLATE"):
        raise SqlError.unsupported("CREATE TABLE … USING TEMPLATE: name the columns")
    columns: tuple[ColumnSpec, ...] = ()
    constraints: tuple[ConstraintSpec, ...] = ()
    only_names: tuple[str, ...] | None = None
    before = _clustering(source) if cursor.accept("CLUSTER", "BY") else ""  # where GET_DDL has it
    if cursor.looking_at("("):
        start = cursor.at + 1
        items = cut_at_commas(cursor.group())
        if items and all(len(item) == 1 for item in items):
            only_names = tuple(str(item[0].value()) for item in items)
        else:
            columns = read_columns(source, items, start)
            constraints = read_constraints(source, items)
    if cursor.looking_at("ROW", "ACCESS") or cursor.looking_at("WITH", "ROW", "ACCESS"):
        raise SqlError.unsupported("CREATE TABLE … WITH ROW ACCESS POLICY")
    comment, copied, retention, clustering = _table_options(source)
    clustering = clustering or before
    if cursor.accept("AS"):
        query = source.query_here()
        return CreateTable(
            name,
            kind,
            columns,
            query,
            only_names,
            or_replace=or_replace,
            if_not_exists=if_not_exists,
            comment=comment,
            copy_grants=copied,
            retention=retention,
            constraints=constraints,
            clustering=clustering,
        )
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
        retention=retention,
        constraints=constraints,
        clustering=clustering,
    )


def _table_options(source: Source) -> tuple[str | None, bool, int | None, str]:
    """Options between the columns and AS: the COMMENT, whether there is COPY GRANTS, the retention, and the clustering
    key; other storage hints have no meaning here; policies are refused.
    """
    cursor = source.cursor
    copied = False
    clustering = ""
    options: dict[str, Option] = {}
    while True:
        options.update(source.names.options())
        if cursor.accept("COPY", "GRANTS"):
            copied = True
            continue
        if cursor.accept("CLUSTER", "BY"):
            clustering = _clustering(source)
            continue
        break
    for key in options:
        if key != "COMMENT" and key not in _HINTS:
            raise SqlError.unsupported(f"table option {key[:40]}")
    comment = options.get("COMMENT")
    return (comment if isinstance(comment, str) else None), copied, retention_days(options), clustering


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
    elif cursor.accept("SWAP", "WITH"):
        made = AlterTable(name, "swap", new_name=source.names.name(), if_exists=if_exists)
    elif cursor.accept("ADD"):
        cursor.accept("COLUMN")
        missing = cursor.accept("IF", "NOT", "EXISTS")
        if cursor.looking_at("ROW") or cursor.looking_at("SEARCH", "OPTIMIZATION"):
            raise SqlError.unsupported("ALTER TABLE ADD of this")
        start = cursor.at
        items = cut_at_commas(cursor.tokens[start:])
        cursor.at = len(cursor.tokens)
        columns = read_columns(source, items, start + 1)
        made = AlterTable(
            name,
            "add" if columns else "constrain",
            columns=columns,
            if_exists=if_exists,
            exists=missing,
            constraints=read_constraints(source, items),
        )
    elif cursor.looking_at("DROP") and any(cursor.looking_at("DROP", word) for word in OUT_OF_LINE):
        cursor.expect("DROP")
        made = AlterTable(name, "unconstrain", if_exists=if_exists, dropped=read_dropped(source))
    elif not any(cursor.looking_at("DROP", word) for word in _KEYS) and cursor.accept("DROP"):
        cursor.accept("COLUMN")
        exists = cursor.accept("IF", "EXISTS")
        names = [cursor.part()]
        while cursor.accept(","):
            names.append(cursor.part())
        made = AlterTable(name, "drop", names=tuple(names), if_exists=if_exists, exists=exists)
    elif cursor.accept("ALTER") or cursor.accept("MODIFY"):
        made = AlterTable(name, "change", if_exists=if_exists, changes=_changes(source))
    elif cursor.looking_at("SET") or cursor.looking_at("UNSET"):
        comment, retention = read_settings(source, _HINTS, "TABLE")
        made = AlterTable(name, "set", if_exists=if_exists, comment=comment, retention=retention)
    elif cursor.accept("CLUSTER", "BY"):
        made = AlterTable(name, "cluster", if_exists=if_exists, clustering=_clustering(source))
    elif cursor.accept("DROP", "CLUSTERING", "KEY"):
        made = AlterTable(name, "cluster", if_exists=if_exists)
    else:
        _meaningless(source)
        made = AlterTable(name, "nothing", if_exists=if_exists)
    cursor.expect_end()
    return made


def _changes(source: Source) -> tuple[ColumnChange, ...]:
    """`[COLUMN] name SET … | DROP … | COMMENT … | [TYPE] type`, several of them with commas, in brackets or not."""
    cursor = source.cursor
    bracket = cursor.accept("(")
    found: list[ColumnChange] = []
    while not found or cursor.accept(","):
        if found and (cursor.looking_at("ALTER") or cursor.looking_at("MODIFY")):
            raise cursor.surprise("ALTER stands once, before the first column")
        cursor.accept("COLUMN")
        found.append(_change(source, cursor.part()))
    if bracket:
        cursor.expect(")")
    return tuple(found)


def _change(source: Source, name: str) -> ColumnChange:
    cursor = source.cursor
    if cursor.accept("DROP", "NOT", "NULL"):
        return ColumnChange(name, nullable=True)
    if cursor.accept("DROP", "DEFAULT"):
        return ColumnChange(name, drops_default=True)
    if cursor.accept("COMMENT"):
        return ColumnChange(name, comment=cursor.string())
    if cursor.accept("SET", "NOT", "NULL") or cursor.accept("NOT", "NULL"):
        return ColumnChange(name, nullable=False)
    if cursor.accept("SET", "DEFAULT"):
        start = cursor.at
        depth = 0
        while (token := cursor.peek()) is not None and (depth or token.text not in {",", ")"}):
            depth += (token.text == "(") - (token.text == ")")
            cursor.at += 1
        if cursor.at == start:
            raise cursor.surprise("expected a value")
        return ColumnChange(name, default=source.text[cursor.tokens[start].start : cursor.tokens[cursor.at - 1].end])
    if cursor.looking_at("SET") and not cursor.looking_at("SET", "DATA"):
        raise SqlError.unsupported("this ALTER TABLE … ALTER COLUMN")
    cursor.accept("SET", "DATA")
    cursor.accept("TYPE")
    sql_type, used = read_type(source.text, cursor.tokens[cursor.at :])
    cursor.at += used
    return ColumnChange(name, type=sql_type)


def _meaningless(source: Source) -> None:
    """What is accepted because it changes nothing that a statement could see. Raises SqlError."""
    if not any(source.cursor.accept(*words) for words in _RECLUSTERS):
        raise SqlError.unsupported("this ALTER TABLE")


def _clustering(source: Source) -> str:
    """What stands in the brackets of CLUSTER BY [LINEAR] (…). Raises SqlError."""
    source.cursor.accept("LINEAR")
    group = source.cursor.group()
    if not group:
        raise SqlError.syntax("CLUSTER BY takes one expression or more.")
    before, after = source.cursor.tokens[source.cursor.at - len(group) - 2], source.cursor.tokens[source.cursor.at - 1]
    return source.text[before.end : after.start]


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
