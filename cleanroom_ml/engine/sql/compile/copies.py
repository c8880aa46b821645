"""COPY INTO a table → `Mutation`: rows of staged files in the target's column order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from cleanroom_ml.engine.sql.binds import NO_BINDS, Binds
from cleanroom_ml.engine.sql.catalog import (
    Catalog,
    ContextValues,
    FileOptions,
    Source,
    StagedSource,
    StageReference,
    TableSource,
)
from cleanroom_ml.engine.sql.compile import defaults
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
from cleanroom_ml.engine.sql.compiled import Compiled, Mutation
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.files.staged import column_of, staged_relation
from cleanroom_ml.engine.sql.read.copy_into import CopyInto
from cleanroom_ml.engine.sql.resolve.resolver import Resolver
from cleanroom_ml.engine.sql.resolve.scope import by_position
from cleanroom_ml.engine.sql.settings import keeps_nanoseconds
from cleanroom_ml.engine.sql.tree.build import Build
from cleanroom_ml.engine.sql.tree.dialect import Raw, raw
from cleanroom_ml.engine.sql.tree.fine import SOURCES
from cleanroom_ml.engine.sql.types import fine
from cleanroom_ml.engine.sql.types.kind import Kind
from cleanroom_ml.engine.sql.types.moment_casts import NOT_FINER, Moment, from_moment, from_text
from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.naming import quote


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What a COPY does with rows that do not fit (ON_ERROR other than ABORT_STATEMENT): they are left out.

    `required`: columns that are NOT NULL.
    """

    required: frozenset[str] = frozenset()


def compile_copy(
    statement: CopyInto,
    staged: StagedSource,
    catalog: Catalog,
    binds: Binds = NO_BINDS,
    *,
    tolerance: Tolerance | None = None,
    numbers: Mapping[str, tuple[int, int]] | None = None,
) -> Mutation:
    """COPY INTO a table: rows of staged files, in the target's column order; `numbers`: where its IDENTITY columns go
    on, if not at what the catalog says. Raises SqlError.
    """

    def make() -> Mutation:
        # Where a row that does not fit is left out, one with nanoseconds is none of those.
        given = _Given(statement, staged, catalog, binds, exact=tolerance is not None)
        if numbers is not None:
            given.target = replace(given.target, numbers=numbers)
        columns = ", ".join(
            f"{given.value(name, sql_type)} AS {quote(name)}" for name, sql_type in given.target.columns
        )
        body = given.rows(f"SELECT {safe(columns)} FROM {{0}}")
        if tolerance is not None:
            body = raw(f"{{0}} WHERE {safe(given.misfit(tolerance.required))} IS NULL", body)
        taken = defaults.numbered(given.target, given.positions)
        return Mutation(finished(given.resolver, body, given.target.columns), given.target, False, taken)

    return bounded(make)


def compile_misfits(
    statement: CopyInto, staged: StagedSource, catalog: Catalog, binds: Binds, required: frozenset[str]
) -> tuple[Compiled, TableSource]:
    """How many rows of staged files a COPY reads, how many of them do not fit, and of the first of those the number of
    its column in the target, the text that does not fit, and the line and character where it stands.
    """

    def make() -> tuple[Compiled, TableSource]:
        given = _Given(statement, staged, catalog, binds, exact=True)
        names = given.names
        texts = ", ".join(f'CAST("_{n}" AS VARCHAR)' for n in range(len(names)))
        places = {name: n for n, name in enumerate(names)}
        listed = ", ".join(str(places.get(name, 0)) for name, _ in given.target.columns)
        # What stands before the field in its row: as many characters as its text has, quotes not counted.
        counted = "coalesce(length(_t) - length(replace(_t, chr(10), '')), 0)"
        breaks = f"list_sum(list_transform([{texts}], lambda _t: {counted}))"
        inner = (
            f"SELECT {safe(given.misfit(required))} AS _bad, row_number() OVER () AS _row, [{texts}] AS _texts,"
            f" coalesce(sum(1 + {breaks}) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) + 1 AS _line"
            " FROM {0}"
        )
        first = "(arg_min([{0}], _row) FILTER (WHERE _bad IS NOT NULL))[1]"
        place = f"[{listed}][_bad + 1]"
        before = f"list_sum(list_transform(_texts[:{place}], lambda _t: coalesce(length(_t), 0) + 1))"
        found = (
            "_bad",
            f"_texts[{place} + 1]",
            "_line",
            f"coalesce({before}, 0) + 1",
        )
        picked = ", ".join(f"{first.replace('{0}', each)} AS _f{n}" for n, each in enumerate(found))
        query = f"SELECT count(*) AS _rows, count(_bad) AS _errors, {picked} FROM ({inner}) AS _all"
        return finished(given.resolver, given.rows(query)), given.target

    return bounded(make)


class _Given:
    """What a COPY reads, as a relation `_given` of columns `_0`, `_1`, …: one for each column that it names."""

    def __init__(
        self, statement: CopyInto, staged: StagedSource, catalog: Catalog, binds: Binds, *, exact: bool
    ) -> None:
        target = target_table(statement.target, catalog)
        self.kinds: Sequence[Kind | None] = ()
        self.exact = exact or keeps_nanoseconds()
        names = statement.columns or tuple(name for name, _ in target.columns)
        self.target = target
        self.names = names
        self.positions = positions_of(names, target)
        self.formats: Mapping[str, str] = {}
        self.cuts = statement.options.get("TRUNCATECOLUMNS") is True or statement.options.get("ENFORCE_LENGTH") is False
        match = str(statement.options.get("MATCH_BY_COLUMN_NAME", "NONE")).upper()
        by_name = match != "NONE"
        # Text in a Parquet column is a JSON string for a VARIANT, not JSON to be parsed: that way is through JSON.
        kinds = dict(target.columns)
        csv = staged.options.type.upper() == "CSV"
        documents = frozenset(() if csv else (name for name in names if kinds[name].is_json))
        files = replace(staged, columns=None) if documents and (statement.ast is not None or not by_name) else staged
        if statement.ast is not None:
            tree, resolver = prepare(statement.ast, _OneStage(catalog, files), binds)
            given = len(tree.expressions) if isinstance(tree, exp.Select) and not tree.is_star else len(names)
            if given != len(names):
                raise SqlError.width(len(names), given)
            rows, found = resolver.query(tree, {})
            self._source = raw("SELECT * FROM {0}", rows)
            self.kinds = () if found is None else by_position(found)
        else:
            resolver = Resolver(Build(), catalog, binds)
            if csv:
                self.formats = _formats(staged.options)
                files = replace(files, options=replace(files.options, date_format=None, timestamp_format=None))
            width = len(files.columns) if csv and by_name and files.columns is not None else len(names)
            exact = csv and staged.options.error_on_column_count_mismatch
            relation = staged_relation(
                resolver.build, replace(files, columns=None) if csv else files, width, exact=exact
            )
            sensitive = match == "CASE_SENSITIVE"
            if by_name and csv:
                if files.columns is None:
                    raise SqlError.syntax("MATCH_BY_COLUMN_NAME of CSV files needs PARSE_HEADER = TRUE.")
                self._source = _by_header(names, relation, files.columns, exact=sensitive)
            elif by_name and files.columns is not None:
                self._source = _by_column(names, relation, files.columns, documents, exact=sensitive)
            elif by_name:
                self._source = _by_name(names, relation, exact=sensitive)
            else:
                self._source = _by_position(names, relation, files)
        self.resolver = resolver

    def rows(self, template: str) -> Raw:
        """A query whose `{0}` is the relation."""
        listed = ", ".join(f'"_{number}"' for number in range(len(self.names)))
        inner = raw(f"({no_rows(len(self.names))} UNION ALL {{0}}) AS _given({listed})", self._source)
        return raw(template, inner)

    def value(self, name: str, sql_type: SqlType) -> str:
        """A target column's value."""
        position = self.positions.get(name)
        if position is None:
            return defaults.value(self.target, name, sql_type, self.resolver)
        moment, kind = sql_type.record.moment, self.kinds[position] if position < len(self.kinds) else None
        if moment is not None and kind in SOURCES:
            return fine.converted(SOURCES[kind], moment).replace("{0}", f'"_{position}"')
        value = _copied(f'"_{position}"', sql_type, self.formats, with_nanoseconds=self.exact)
        cut = self.cuts and sql_type.record.characters and sql_type.length is not None
        return f"left({value}, {sql_type.length})" if cut else value

    def misfit(self, required: frozenset[str]) -> str:
        """The number of the first target column that the row does not fit, else NULL."""
        tests = []
        for number, (name, sql_type) in enumerate(self.target.columns):
            if name in self.target.numbers and name not in self.positions:
                continue  # numbered once it is known which rows there are
            made = self.value(name, sql_type)
            value = f"TRY({made})" if sql_type.record.moment else f"TRY(CAST({made} AS {sql_type.duckdb}))"
            test = [f"{value} IS NULL"] if name in required else []
            position = self.positions.get(name)
            if position is not None and name not in required:
                test.append(f'"_{position}" IS NOT NULL AND {value} IS NULL')
            if sql_type.length is not None:
                measure = "length" if sql_type.record.characters else "octet_length"
                test.append(f"{measure}({value}) > {sql_type.length}")
            elif sql_type.is_whole and (sql_type.precision or 38) < 19:
                test.append(f"abs(CAST({value} AS HUGEINT)) >= {10 ** (sql_type.precision or 38)}")
            if test:
                tests.append(f"WHEN {' OR '.join(test)} THEN {number}")
        return f"(CASE {' '.join(tests)} END)" if tests else "CAST(NULL AS INTEGER)"


def _by_position(names: Sequence[str], relation: Raw, staged: StagedSource) -> Raw:
    kind = staged.options.type.upper()
    if kind != "CSV":
        if len(names) != 1:
            raise SqlError.syntax(
                f"{kind} file format can produce one and only one column of type variant, object, or array."
                " Load data into separate columns using the MATCH_BY_COLUMN_NAME copy option or copy with"
                " transformation."
            )
        return raw('SELECT "$1" FROM {0} AS _files', relation)
    return raw(
        "SELECT " + ", ".join(f'"${number + 1}"' for number in range(len(names))) + " FROM {0} AS _files", relation
    )


def _by_column(
    names: Sequence[str], relation: Raw, columns: Sequence[str], documents: frozenset[str], *, exact: bool
) -> Raw:
    """As `_by_name`, from the columns themselves; those that are to be `documents` as JSON, each by itself: bytes in
    another column of the file have no form in it.
    """
    known: dict[str, int] = {}
    for number, name in enumerate(columns):
        known.setdefault(name if exact else name.upper(), number)
    values = []
    for name in names:
        place = known.get(name if exact else name.upper())
        value = "NULL" if place is None else quote(column_of(place))
        values.append(f"to_json({value})" if name in documents and place is not None else value)
    listed = ", ".join(values)
    return raw(f"SELECT {listed} FROM {{0}} AS _files", relation)


def _by_header(names: Sequence[str], relation: Raw, columns: Sequence[str], *, exact: bool) -> Raw:
    """As `_by_column`, of CSV files whose first line names their columns."""
    known: dict[str, int] = {}
    for number, name in enumerate(columns):
        known.setdefault(name if exact else name.upper(), number)
    found = [known.get(name if exact else name.upper()) for name in names]
    listed = ", ".join("CAST(NULL AS VARCHAR)" if number is None else f'"${number + 1}"' for number in found)
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
    """How text is read as a type, where the file format says so: the option → the format."""
    given = {"DATE_FORMAT": options.date_format, "TIMESTAMP_FORMAT": options.timestamp_format}
    return {option: text for option, text in given.items() if text is not None}


def _copied(value: str, sql_type: SqlType, formats: Mapping[str, str], *, with_nanoseconds: bool = False) -> str:
    """A staged value as a column's type: JSON values lose their quotes, text is read as the type."""
    member = f"json_extract_string(CAST({value} AS JSON), '$')"
    moment = sql_type.record.moment
    if moment is not None:
        layout = formats.get(sql_type.record.format or "", "AUTO").replace("'", "''")
        text = f"CASE WHEN typeof({value}) = 'JSON' THEN {member} ELSE CAST({value} AS VARCHAR) END"
        exact = with_nanoseconds or moment == "DATE"
        read = (fine.from_text if exact else from_text)(moment)
        read = read.replace("{1}", f"'{layout}'").replace("{2}", "1970").replace("{0}", text)
        texts = f"typeof({value}) IN ('VARCHAR', 'JSON')"
        if exact:
            return f"CASE WHEN {texts} THEN {read} {_native(value, moment)} END"
        native = from_moment(moment).replace("{0}", NOT_FINER).replace("{0}", value)
        # DuckDB has a type for what pandas writes (nanoseconds in UTC), and few casts of it.
        zoned = from_moment(moment).replace("{0}", f"CAST(CAST({NOT_FINER} AS VARCHAR) AS TIMESTAMPTZ)")
        zoned = zoned.replace("{0}", value)
        return f"CASE WHEN {texts} THEN {read} WHEN typeof({value}) = 'TIMESTAMPTZ_NS' THEN {zoned} ELSE {native} END"
    return sql_type.copied.format(value=value, member=member, type=sql_type.duckdb)


def _native(value: str, target: Moment) -> str:
    """The branches of a CASE for a value that DuckDB read as a date or a moment, with nanoseconds; a DATE has none."""
    given: dict[str, Moment] = {"TIMESTAMP_NS": "NTZ", "TIMESTAMPTZ_NS": "LTZ", "TIME_NS": "TIME"}
    branches = "".join(
        f" WHEN typeof({value}) = '{name}' THEN"
        f" {fine.applied(fine.converted(source, target), fine.of_any(value, source), '_moment')}"
        for name, source in given.items()
        if (source == "TIME") == (target == "TIME")
    )
    plain = from_moment(target).replace("{0}", value)
    return f"{branches} ELSE {plain if target == 'DATE' else fine.made(plain, '0', shifted=target == 'TZ')}"


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
