"""COPY INTO a stage → the lines of a CSV or JSON file, as a query of one text column."""

from __future__ import annotations

from sqlglot import exp

from cleanroom_ml.engine.sql.binds import NO_BINDS, Binds
from cleanroom_ml.engine.sql.catalog import Catalog, Columns, FileOptions
from cleanroom_ml.engine.sql.compile.preparing import bounded, finished, prepare
from cleanroom_ml.engine.sql.compiled import Compiled
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.types.sql_type import SqlType


def compile_lines(
    query: Node, columns: Columns, options: FileOptions, catalog: Catalog, binds: Binds = NO_BINDS, *, header: bool
) -> Compiled:
    """The lines of a file of a query's rows, of which the columns are known. Raises SqlError."""

    def make() -> Compiled:
        tree, resolver = prepare(query, catalog, binds)
        rows, _ = resolver.query(tree, {})
        names = [f'"_{number}"' for number in range(len(columns))]
        if options.type.upper() == "JSON":
            if len(columns) != 1 or not columns[0][1].is_json:
                raise SqlError.syntax("JSON files are unloaded from one column of VARIANT, OBJECT or ARRAY.")
            line = f"CAST({names[0]} AS VARCHAR)"
        else:
            line = " || {1} || ".join(
                _field(name, sql_type, options) for name, (_, sql_type) in zip(names, columns, strict=True)
            )
        body = raw(
            f"SELECT {line} AS line FROM {{0}} AS _rows({', '.join(names)})",
            _bracketed(rows),
            _text(options.field_delimiter),
        )
        if header:
            first = options.field_delimiter.join(_named(name, options) for name, _ in columns)
            body = raw("SELECT {0} AS line UNION ALL {1}", exp.Literal.string(first), body)
        return finished(resolver, body)

    return bounded(make)


def _bracketed(rows: Node) -> Node:
    return rows if isinstance(rows, exp.Subquery) else exp.Subquery(this=rows)


def _text(text: str) -> Node:
    return exp.Literal.string(text)


def _named(name: str, options: FileOptions) -> str:
    quote = options.field_optionally_enclosed_by
    return name if not quote else quote + name.replace(quote, quote * 2) + quote


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _field(name: str, sql_type: SqlType, options: FileOptions) -> str:
    """A value as Snowflake writes it: texts enclosed where the format says so, else with their delimiters escaped."""
    if sql_type.logical == "TIMESTAMP_NTZ":
        value = f"strftime({name}, '%Y-%m-%d %H:%M:%S.%g')"
    elif sql_type.logical.startswith("TIMESTAMP"):
        value = f"strftime({name}, '%Y-%m-%d %H:%M:%S.%g') || ' Z'"
    elif sql_type.logical == "BINARY":
        value = f"hex({name})"
    elif sql_type.record.moment == "TIME":
        value = f"CAST(CAST({name} AS TIME) AS VARCHAR)"  # one with nanoseconds is none, and fails
    else:
        value = f"CAST({name} AS VARCHAR)"
    quote = options.field_optionally_enclosed_by
    texts = sql_type.record.characters or sql_type.is_json
    if texts and quote:
        value = f"{_quoted(quote)} || replace({value}, {_quoted(quote)}, {_quoted(quote * 2)}) || {_quoted(quote)}"
    escape = options.escape or options.escape_unenclosed_field
    if texts and not quote and escape:
        for special in (escape, options.field_delimiter, "\n"):
            if special:
                value = f"replace({value}, {_char(special)}, {_char(escape + special)})"
    null = options.null_if[0] if options.null_if else ""
    return f"coalesce({value}, {_quoted(null)})"


def _char(text: str) -> str:
    return " || ".join(f"chr({ord(each)})" for each in text)
