"""CREATE statements."""

from __future__ import annotations

from typing import Any, Final

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.tokens import WORD
from cleanroom_ml.engine.sql.read.nodes import (
    ColumnSpec,
    CreateComputePool,
    CreateDatabase,
    CreateFileFormat,
    CreateObject,
    CreateSchema,
    CreateStage,
    CreateTable,
    CreateView,
    CreateWarehouse,
    Statement,
)
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.types import SqlType, parse_type

_OBJECTS: Final[tuple[tuple[tuple[str, ...], type[CreateObject]], ...]] = (
    (("DATABASE",), CreateDatabase),
    (("SCHEMA",), CreateSchema),
    (("STAGE",), CreateStage),
    (("FILE", "FORMAT"), CreateFileFormat),
    (("WAREHOUSE",), CreateWarehouse),
    (("COMPUTE", "POOL"), CreateComputePool),
)
_COLUMN_ENDS: Final = frozenset(
    {"NOT", "NULL", "DEFAULT", "COMMENT", "PRIMARY", "UNIQUE", "CONSTRAINT", "REFERENCES", "FOREIGN"}
)
_COLUMN_REFUSED: Final = frozenset(
    {"AUTOINCREMENT", "IDENTITY", "COLLATE", "MASKING", "PROJECTION", "TAG", "WITH", "AS", "CHECK"}
)


def read_create(source: Source) -> Statement:
    """CREATE …. Raises SqlError."""
    cursor = source.cursor
    cursor.expect("CREATE")
    or_replace = cursor.accept("OR", "REPLACE")
    modifiers: set[str] = set()
    while (token := cursor.peek()) is not None and token.upper in {
        "LOCAL",
        "GLOBAL",
        "SCOPED",
        "TEMP",
        "TEMPORARY",
        "VOLATILE",
        "TRANSIENT",
        "SECURE",
        "RECURSIVE",
    }:
        modifiers.add(cursor.word())
    temporary = bool(modifiers & {"TEMP", "TEMPORARY", "VOLATILE"})
    if cursor.accept("TABLE"):
        return _table(
            source, or_replace, "TEMPORARY" if temporary else "TRANSIENT" if "TRANSIENT" in modifiers else "TABLE"
        )
    if cursor.accept("VIEW"):
        return _view(source, or_replace, secure="SECURE" in modifiers, temporary=temporary)
    for words, made in _OBJECTS:
        if cursor.accept(*words):
            return _object(source, made, or_replace, temporary)
    what = cursor.peek()
    raise SqlError.unsupported(f"CREATE {what.upper[:40] if what else ''}".strip())


def _object(source: Source, made: type[CreateObject], or_replace: bool, temporary: bool) -> CreateObject:
    cursor = source.cursor
    if_not_exists = cursor.accept("IF", "NOT", "EXISTS")
    name = source.names.name()
    if_not_exists = cursor.accept("IF", "NOT", "EXISTS") or if_not_exists
    extra: dict[str, Any] = {}
    if made is CreateComputePool and cursor.accept("FOR", "APPLICATION"):
        extra["application"] = source.names.name(1)[0]
    cursor.accept("WITH")
    if cursor.looking_at("CLONE"):
        raise SqlError.unsupported("CLONE")
    options = source.names.options()
    cursor.expect_end()
    return made(name, or_replace, if_not_exists, temporary, options, **extra)


def _view(source: Source, or_replace: bool, *, secure: bool, temporary: bool) -> CreateView:
    cursor = source.cursor
    if_not_exists = cursor.accept("IF", "NOT", "EXISTS")
    name = source.names.name()
    columns = None
    if cursor.looking_at("("):
        columns = tuple(_view_column(group) for group in _items(cursor.group()))
    comment = source.names.options().get("COMMENT")
    if cursor.accept("COPY", "GRANTS"):
        comment = source.names.options().get("COMMENT", comment)
    cursor.expect("AS")
    text = source.query_text()
    return CreateView(name, text, source.query_here(), columns, secure, temporary, or_replace, if_not_exists, comment)


def _view_column(tokens: list[Any]) -> str:
    if len(tokens) != 1 and not (len(tokens) == 3 and tokens[1].upper == "COMMENT"):
        raise SqlError.unsupported("this column of a view")
    return str(tokens[0].value())


def _table(source: Source, or_replace: bool, kind: str) -> CreateTable:
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
        items = _items(cursor.group())
        if items and all(len(item) == 1 for item in items):
            only_names = tuple(str(item[0].value()) for item in items)
        else:
            columns = _columns(source, items, start)
    comment = _table_options(source)
    if cursor.accept("AS"):
        return CreateTable(
            name, kind, columns, source.query_here(), only_names, None, or_replace, if_not_exists, comment
        )
    cursor.expect_end()
    if only_names is not None or not columns:
        raise SqlError.syntax("a table needs columns with types.")
    return CreateTable(name, kind, columns, or_replace=or_replace, if_not_exists=if_not_exists, comment=comment)


def _table_options(source: Source) -> str | None:
    """Options between the columns and AS: COMMENT is kept; storage hints have no meaning here; policies are refused."""
    cursor = source.cursor
    options: dict[str, Any] = {}
    while True:
        options.update(source.names.options())
        if cursor.accept("COPY", "GRANTS"):
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
    return comment if isinstance(comment, str) else None


def _items(tokens: list[Any]) -> list[list[Any]]:
    """Tokens cut at the commas that are outside of brackets."""
    items: list[list[Any]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token.text in {"(", "["}) - (token.text in {")", "]"})
        if token.text == "," and not depth:
            items.append([])
        else:
            items[-1].append(token)
    return [item for item in items if item]


def _columns(source: Source, items: list[list[Any]], start: int) -> tuple[ColumnSpec, ...]:
    columns = []
    at = start - 1
    for item in items:
        if item[0].kind == WORD and item[0].upper in {"PRIMARY", "UNIQUE", "CONSTRAINT", "FOREIGN"} and len(item) > 2:
            continue  # Snowflake does not enforce them
        at = source.tokens.index(item[0], at)  # from the column before it: each token is looked at once
        columns.append(_column(source, item, at))
    folded = [column.name.upper() for column in columns]
    if len(set(folded)) != len(folded):
        raise SqlError.syntax("duplicate column name (names that differ only in case are not supported).")
    return tuple(columns)


def _column(source: Source, tokens: list[Any], at: int) -> ColumnSpec:
    """`name TYPE [NOT NULL] [DEFAULT expr] [COMMENT '…']`; `at` is where its tokens stand in the statement."""
    name = str(tokens[0].value())
    sql_type, used = read_type(source.text, tokens[1:])
    nullable, default, comment = True, None, None
    number = 1 + used
    while number < len(tokens):
        word = tokens[number].upper if tokens[number].kind == WORD else tokens[number].text
        if word in {"PRIMARY", "UNIQUE", "CONSTRAINT", "REFERENCES", "FOREIGN"}:
            break
        if word == "NOT" and number + 1 < len(tokens) and tokens[number + 1].upper == "NULL":
            nullable, number = False, number + 2
        elif word == "NULL":
            number += 1
        elif word == "COMMENT" and number + 1 < len(tokens):
            comment, number = str(tokens[number + 1].value()), number + 2
        elif word == "DEFAULT":
            end = number + 1
            while end < len(tokens) and not (
                tokens[end].kind == WORD and tokens[end].upper in _COLUMN_ENDS - {"NULL"} and end > number + 1
            ):
                end += 1
            keep = source.cursor.at
            source.cursor.at = at + number + 1
            default = source.expression_here(at + end)
            source.cursor.at = keep
            number = end
        elif word in _COLUMN_REFUSED:
            raise SqlError.unsupported(f"column option {word}")
        else:
            raise SqlError.syntax(f"syntax error: unexpected '{word[:80]}' after column {name[:80]}.")
    return ColumnSpec(name, sql_type, nullable, default, comment)


def read_type(text: str, tokens: list[Any]) -> tuple[SqlType, int]:
    """A type at the head of tokens, and how many tokens it takes."""
    if not tokens:
        raise SqlError.syntax("a column needs a type.")
    end = 1
    while (
        end < len(tokens)
        and tokens[end].kind == WORD
        and tokens[end].upper in {"PRECISION", "VARYING", "WITH", "WITHOUT", "LOCAL", "TIME", "ZONE"}
    ):
        end += 1
    if end < len(tokens) and tokens[end].text == "(":
        while end < len(tokens) and tokens[end].text != ")":
            end += 1
        end += 1
    written = text[tokens[0].start : tokens[min(end, len(tokens)) - 1].end]
    try:
        return parse_type(written), end
    except ValueError as error:
        raise SqlError.syntax(str(error)) from error
