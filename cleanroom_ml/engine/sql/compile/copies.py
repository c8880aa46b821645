"""COPY INTO a table → `Mutation`: rows of staged files in the target's column order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlglot import exp

from cleanroom_ml.engine.sql.binds import NO_BINDS, Binds
from cleanroom_ml.engine.sql.catalog import Catalog, ContextValues, FileOptions, Source, StagedSource, StageReference
from cleanroom_ml.engine.sql.compile.preparing import (
    bounded,
    finished,
    no_rows,
    positions_of,
    prepare,
    safe,
    target_table,
    written_source,
)
from cleanroom_ml.engine.sql.compiled import Mutation
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.files.staged import column_of, staged_relation
from cleanroom_ml.engine.sql.functions.dateparts import strftime
from cleanroom_ml.engine.sql.read.copy_into import CopyInto
from cleanroom_ml.engine.sql.resolve.resolver import Resolver
from cleanroom_ml.engine.sql.tree.build import Build
from cleanroom_ml.engine.sql.tree.dialect import Raw, raw
from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.naming import quote


def compile_copy(statement: CopyInto, staged: StagedSource, catalog: Catalog, binds: Binds = NO_BINDS) -> Mutation:
    """COPY INTO a table: rows of staged files, in the target's column order. Raises SqlError."""

    def make() -> Mutation:
        target = target_table(statement.target, catalog)
        names = statement.columns or tuple(name for name, _ in target.columns)
        positions = positions_of(names, target)
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
        body = raw(f"SELECT {safe(columns)} FROM ({no_rows(len(names))} UNION ALL {{0}}) AS _given({listed})", source)
        return Mutation(finished(resolver, body, target.columns), target, False)

    return bounded(make)


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
    """How text is read as a type, where the file format says so: the option → a strptime format."""
    given = {"DATE_FORMAT": options.date_format, "TIMESTAMP_FORMAT": options.timestamp_format}
    return {option: strftime(text) for option, text in given.items() if text is not None}


def _copied(value: str | None, sql_type: SqlType, formats: Mapping[str, str]) -> str:
    """A staged value as a column's type: JSON values lose their quotes, text is read as the type."""
    if value is None:
        return f"CAST(NULL AS {sql_type.duckdb})"
    layout = formats.get(sql_type.record.format or "")
    if layout is not None:
        quoted = layout.replace("'", "''")
        return f"CAST(strptime({value}, '{quoted}') AS {sql_type.duckdb})"
    member = f"json_extract_string(CAST({value} AS JSON), '$')"
    return sql_type.copied.format(value=value, member=member, type=sql_type.duckdb)


class _OneStage:
    """The catalog of a COPY's SELECT: every stage is the one that the statement names, already looked up."""

    def __init__(self, catalog: Catalog, staged: StagedSource) -> None:
        self._catalog = catalog
        self._staged = staged

    def source(self, parts: tuple[str, ...]) -> Source | None:
        return self._catalog.source(parts)

    def written(self, parts: tuple[str, ...]) -> Source | None:
        return written_source(parts, self._catalog)

    def context(self) -> ContextValues:
        return self._catalog.context()

    def staged(self, reference: StageReference) -> StagedSource:
        return self._staged

    def directory(self, parts: tuple[str, ...]) -> None:
        return None
