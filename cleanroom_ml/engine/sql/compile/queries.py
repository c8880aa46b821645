"""Statements over a catalog → `Compiled` and `Mutation` for a warehouse: the room's main entrance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlglot import exp

from cleanroom_ml.engine.sql.binds import NO_BINDS, Binds
from cleanroom_ml.engine.sql.catalog import Catalog, FileOptions, StagedSource, TableSource
from cleanroom_ml.engine.sql.compile.merges import compile_merge
from cleanroom_ml.engine.sql.compile.preparing import bounded, finished, prepare, safe, target_table
from cleanroom_ml.engine.sql.compile.updates import compile_delete, compile_update
from cleanroom_ml.engine.sql.compiled import Compiled, Mutation
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.files.staged import column_of, staged_relation
from cleanroom_ml.engine.sql.functions.dateparts import strftime
from cleanroom_ml.engine.sql.read.copy_into import CopyInto
from cleanroom_ml.engine.sql.read.dml import Insert
from cleanroom_ml.engine.sql.resolve.resolver import Resolver
from cleanroom_ml.engine.sql.resolve.scope import Scope
from cleanroom_ml.engine.sql.tree.build import Build
from cleanroom_ml.engine.sql.tree.dialect import Raw, raw
from cleanroom_ml.engine.sql.tree.literals import literal
from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.naming import quote

__all__ = [
    "compile_copy",
    "compile_delete",
    "compile_insert",
    "compile_merge",
    "compile_query",
    "compile_rewrite",
    "compile_scalars",
    "compile_update",
]


def compile_query(query: str | Any, catalog: Catalog, binds: Binds = NO_BINDS) -> Compiled:
    """A query: its text, or the ast of `nodes.Query`.

    Raises:
        SqlError: a name that the catalog does not give, a construct or function that is on no list, or over the bounds.
    """

    def make() -> Compiled:
        tree, resolver = prepare(query, catalog, binds)
        return finished(resolver, resolver.query(tree, {})[0])

    compiled: Compiled = bounded(make)
    return compiled


def compile_scalars(expressions: Sequence[Any], catalog: Catalog, binds: Binds = NO_BINDS) -> Compiled:
    """One row of the given expressions, columns V1, V2, … (SET a = …, scripting). Raises SqlError."""
    aliased = [
        exp.alias_(expression.copy(), f"V{number + 1}", quoted=True) for number, expression in enumerate(expressions)
    ]
    return compile_query(exp.Select(expressions=aliased), catalog, binds)


def compile_insert(statement: Insert, catalog: Catalog, binds: Binds = NO_BINDS) -> Mutation:
    """INSERT: rows in the target's column order, columns that are not named NULL. A batch (`binds.rows`) is one
    statement. Raises SqlError.
    """

    def make() -> Mutation:
        target = target_table(statement.target, catalog)
        names = statement.columns or tuple(name for name, _ in target.columns)
        positions = _positions(names, target)
        tree, resolver = prepare(statement.source, catalog, binds)
        if binds.rows is not None:
            query = _batch(tree, binds.rows, resolver)
        else:
            query, kinds = resolver.query(tree, {})
            resolver.call_by_position(dict.fromkeys(names), kinds)
        given = ", ".join(f'"_{number}"' for number in range(len(names)))
        columns = ", ".join(
            f'CAST("_{positions[name]}" AS {sql_type.duckdb}) AS {quote(name)}'
            if name in positions
            else f"CAST(NULL AS {sql_type.duckdb}) AS {quote(name)}"
            for name, sql_type in target.columns
        )
        listed = f"({given})"
        body = raw(f"SELECT {safe(columns)} FROM ({_width(len(names))} UNION ALL {{0}}) AS _given{listed}", query)
        return Mutation(finished(resolver, body, target.columns), target, statement.overwrite)

    mutation: Mutation = bounded(make)
    return mutation


def compile_copy(statement: CopyInto, staged: StagedSource, catalog: Catalog, binds: Binds = NO_BINDS) -> Mutation:
    """COPY INTO a table: rows of staged files, in the target's column order. Raises SqlError."""

    def make() -> Mutation:
        target = target_table(statement.target, catalog)
        names = statement.columns or tuple(name for name, _ in target.columns)
        positions = _positions(names, target)
        formats: Mapping[str, str] = {}
        match = str(statement.options.get("MATCH_BY_COLUMN_NAME", "NONE")).upper()
        by_name = match != "NONE"
        # Text in a Parquet column is a JSON string for a VARIANT, not JSON to be parsed: that way is through JSON.
        kinds = dict(target.columns)
        files = replace(staged, columns=None) if any(kinds[name].is_json for name in names) else staged
        if statement.ast is not None:
            tree, resolver = prepare(statement.ast, _OneStage(catalog, files), binds)
            source = raw("SELECT * FROM {0}", resolver.query(tree, {})[0])
        else:
            resolver = Resolver(Build(), catalog, binds)
            if staged.options.type.upper() == "CSV" and not by_name:
                formats = _formats(staged.options)
                files = replace(files, options=replace(files.options, date_format=None, timestamp_format=None))
            relation = staged_relation(resolver.build, files, len(names))
            exact = match == "CASE_SENSITIVE"
            if by_name and files.columns is not None:
                source = _by_column(names, relation, files.columns, exact=exact)
            elif by_name:
                source = _by_name(names, relation, exact=exact)
            else:
                source = _by_position(names, relation, files)
        values: Mapping[str, str] = {name: f'"_{number}"' for name, number in positions.items()}
        columns = ", ".join(
            f"{_copied(values.get(name), sql_type, formats)} AS {quote(name)}" for name, sql_type in target.columns
        )
        listed = ", ".join(f'"_{number}"' for number in range(len(names)))
        body = raw(f"SELECT {safe(columns)} FROM ({_width(len(names))} UNION ALL {{0}}) AS _given({listed})", source)
        return Mutation(finished(resolver, body, target.columns), target, False)

    mutation: Mutation = bounded(make)
    return mutation


def compile_rewrite(source: TableSource, columns: Sequence[tuple[str, SqlType, str | None]]) -> Compiled:
    """A table's content under new columns (ALTER TABLE): (name, type, the old column or None for NULLs)."""
    resolver = Resolver(Build(), _NoNames(), NO_BINDS)
    listed = ", ".join(
        f"CAST({quote(old) if old is not None else 'NULL'} AS {sql_type.duckdb}) AS {quote(name)}"
        for name, sql_type, old in columns
    )
    body = raw(f"SELECT {safe(listed)} FROM ({{0}}) AS _old", resolver.build.scan(source))
    return finished(resolver, body, tuple((name, sql_type) for name, sql_type, _ in columns))


def _width(count: int) -> str:
    """No rows of `count` columns: what is UNIONed to it must have as many. An alias list alone would drop what is too
    much.
    """
    return f"SELECT {', '.join(['NULL'] * count)} WHERE FALSE"


def _positions(names: Sequence[str], target: TableSource) -> dict[str, int]:
    known = {name for name, _ in target.columns}
    for name in names:
        if name not in known:
            raise SqlError.invalid_identifier(name)
    if len(set(names)) != len(names):
        raise SqlError.syntax("a column is named twice.")
    return {name: number for number, name in enumerate(names)}


def _batch(tree: Any, rows: tuple[tuple[Any, ...], ...], resolver: Resolver) -> Any:
    """`VALUES (?, f(?), …)` or `SELECT ?, …` over many rows of bound values: the row's expressions over a relation of
    the values.
    """
    if not rows or len({len(row) for row in rows}) != 1:
        raise SqlError.bad_value("The rows of a batch must all have the same number of values, and there must be some.")
    items = _batch_row(tree)
    used = sorted({str(node.this) for item in items for node in item.find_all(exp.Placeholder)})
    if any(not name.isdigit() or not 1 <= int(name) <= len(rows[0]) for name in used):
        raise SqlError.bad_value("The statement has other placeholders than the batch has values.")
    holder = exp.Select(
        expressions=[exp.alias_(_columns_for(item), f"C{number}", quoted=True) for number, item in enumerate(items)]
    )
    scope = Scope(None, {"_BATCH": dict.fromkeys(f"_{number + 1}" for number in range(len(rows[0])))})
    projections = [resolver.expressions.rewrite(expression, scope, {}) for expression in holder.expressions]
    values = [raw("{0}", exp.Tuple(expressions=[literal(value) for value in row])) for row in rows]
    listed = ", ".join(f'"_{number + 1}"' for number in range(len(rows[0])))
    slots = ", ".join(f"{{{number}}}" for number in range(len(projections)))
    relation = raw(f'(SELECT * FROM (VALUES {{*}}) AS "_BATCH"({listed})) AS "_BATCH"', *values)
    return raw(f"(SELECT {slots} FROM {{{len(projections)}}})", *projections, relation)


def _batch_row(tree: Any) -> list[Any]:
    if isinstance(tree, exp.Values) and len(tree.expressions) == 1:
        row = tree.expressions[0]
        return list(row.expressions) if isinstance(row, exp.Tuple) else [row]
    if isinstance(tree, exp.Select) and {part for part, value in tree.args.items() if value} == {"expressions"}:
        return [item.this if isinstance(item, exp.Alias) else item for item in tree.expressions]
    raise SqlError.unsupported("a batch of this statement")


def _columns_for(item: Any) -> Any:
    return item.transform(
        lambda node: (
            exp.column(f"_{node.this}", table="_BATCH", quoted=True) if isinstance(node, exp.Placeholder) else node
        )
    )


def _by_position(names: Sequence[str], relation: Raw, staged: StagedSource) -> Raw:
    kind = staged.options.type.upper()
    if kind in {"JSON", "PARQUET"}:
        if len(names) != 1:
            raise SqlError.syntax(
                f"{kind} files can be copied into one column only, or with MATCH_BY_COLUMN_NAME, or by a SELECT."
            )
        return raw('SELECT "$1" FROM {0} AS _files', relation)
    return raw(
        "SELECT " + ", ".join(f'"${number + 1}"' for number in range(len(names))) + " FROM {0} AS _files", relation
    )


def _by_column(names: Sequence[str], relation: Raw, columns: Sequence[str], *, exact: bool) -> Raw:
    """As `_by_name`, from the columns themselves."""
    known: dict[str, int] = {}
    for number, name in enumerate(columns):
        known.setdefault(name if exact else name.upper(), number)
    found = [known.get(name if exact else name.upper()) for name in names]
    listed = ", ".join("NULL" if number is None else quote(column_of(number)) for number in found)
    return raw(f"SELECT {listed} FROM {{0}} AS _files", relation)


def _by_name(names: Sequence[str], relation: Raw, *, exact: bool) -> Raw:
    """Members of `$1` by name, whatever their case unless `exact`."""
    same = "_k = {0}" if exact else "upper(_k) = upper({0})"
    items = ", ".join(f"{{{number + 1}}}" for number in range(len(names)))
    members = [
        raw(
            'json_extract("$1", \'/\' || replace(replace(list_filter(json_keys("$1"), lambda _k: '
            + same
            + ")[1], '~', '~0'), '/', '~1'))",
            exp.Literal.string(name),
        )
        for name in names
    ]
    return raw(f"SELECT {items} FROM {{0}} AS _files", relation, *members)


def _formats(options: FileOptions) -> Mapping[str, str]:
    """How text is read as a type, where the file format says so: type's name → a strptime format."""
    formats = {}
    if options.date_format is not None:
        formats["DATE"] = strftime(options.date_format)
    if options.timestamp_format is not None:
        kinds = ("TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIMESTAMP_TZ")
        formats |= dict.fromkeys(kinds, strftime(options.timestamp_format))
    return formats


def _copied(value: str | None, sql_type: SqlType, formats: Mapping[str, str]) -> str:
    """A staged value as a column's type: JSON values lose their quotes, text is read as the type."""
    if value is None:
        return f"CAST(NULL AS {sql_type.duckdb})"
    if sql_type.name in formats:
        layout = formats[sql_type.name].replace("'", "''")
        return f"CAST(strptime({value}, '{layout}') AS {sql_type.duckdb})"
    if sql_type.is_json:
        return f"CAST({value} AS JSON)"
    member = f"json_extract_string(CAST({value} AS JSON), '$')"
    if sql_type.name == "BINARY":
        return (
            f"CASE typeof({value}) WHEN 'BLOB' THEN CAST({value} AS BLOB) WHEN 'JSON' THEN unhex({member})"
            f" ELSE unhex(CAST({value} AS VARCHAR)) END"
        )
    if sql_type.name == "NUMBER" and not sql_type.scale:
        # DuckDB rounds 2.5 as a DOUBLE to the even number, as text or as a decimal away from zero, as Snowflake does.
        return (
            f"CASE typeof({value}) WHEN 'JSON' THEN CAST({member} AS BIGINT)"
            f" WHEN 'DOUBLE' THEN CAST(round(CAST({value} AS DOUBLE)) AS BIGINT)"
            f" WHEN 'FLOAT' THEN CAST(round(CAST({value} AS DOUBLE)) AS BIGINT)"
            f" ELSE CAST({value} AS BIGINT) END"
        )
    return (
        f"CASE WHEN typeof({value}) = 'JSON' THEN CAST({member} AS {sql_type.duckdb})"
        f" ELSE CAST({value} AS {sql_type.duckdb}) END"
    )


class _NoNames:
    """A catalog without anything."""

    def source(self, parts: tuple[str, ...]) -> None:
        return None

    def context(self) -> Any:
        raise SqlError.unsupported("context functions here")


class _OneStage:
    """The catalog of a COPY's SELECT: every stage is the one that the statement names, already looked up."""

    def __init__(self, catalog: Catalog, staged: StagedSource) -> None:
        self._catalog = catalog
        self._staged = staged

    def source(self, parts: tuple[str, ...]) -> Any:
        return self._catalog.source(parts)

    def context(self) -> Any:
        return self._catalog.context()

    def staged(self, reference: Any) -> StagedSource:
        return self._staged

    def directory(self, parts: tuple[str, ...]) -> None:
        return None
