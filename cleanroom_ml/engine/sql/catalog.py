"""What resolution asks of whoever owns the names: accounts (statements/) and rooms (rooms/) implement `Catalog`.

A catalog is the only way by which a name in SQL becomes data, so authorisation is: it gives a source, or None, and
None reads
"does not exist or not authorized".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol, runtime_checkable

from cleanroom_ml.engine.sql.binds import Option, Value
from cleanroom_ml.engine.sql.bounds import fine_columns
from cleanroom_ml.engine.sql.policies.guard import Guard
from cleanroom_ml.engine.sql.types.sql_type import SqlType, parse_type

Columns = tuple[tuple[str, SqlType], ...]


def with_nanoseconds(columns: Columns, places: Collection[int]) -> Columns:
    """Columns of which those at some places are read with nanoseconds."""
    return tuple(
        (name, replace(sql_type, fine=True) if place in places else sql_type)
        for place, (name, sql_type) in enumerate(columns)
    )


@dataclass(frozen=True, slots=True)
class TableSource:
    """A snapshot of a table: its declared columns and the Parquet objects that hold its rows (none: an empty table).

    `key` and `snapshot` are opaque here; a writer hands them back for the compare-and-swap. `defaults` are the
    expressions of DEFAULT, by column, `numbers` what IDENTITY columns give next, and their steps. `rows`: how many
    there are, where somebody knows. `bounds`: of objects, what is known of their values (bounds.py).
    """

    columns: Columns
    objects: tuple[str, ...]
    writable: bool = False
    key: object = None
    snapshot: int = 0
    defaults: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    rows: int | None = None
    bounds: Mapping[str, str] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    """Columns that are NOT NULL."""

    def __post_init__(self) -> None:
        """A column is read with nanoseconds where one of the objects has it with some."""
        found = frozenset().union(*(self.fine_in(sha256) for sha256 in self.objects)) if self.bounds else frozenset()
        if found:
            object.__setattr__(self, "columns", with_nanoseconds(self.columns, found))

    def fine_in(self, sha256: str) -> frozenset[int]:
        """The columns that one of its objects has with nanoseconds, by position."""
        return fine_columns(self.bounds.get(sha256, ""))


@dataclass(frozen=True, slots=True)
class ViewSource:
    """A view. Its text is resolved with its definer's catalog: owner's rights. `columns` renames the text's columns,
    in order. `guard`: what its policies allow a query to do with it; only `sql.policies.select` reads one that has any.
    """

    columns: tuple[str, ...] | None
    text: str
    catalog: Catalog
    guard: Guard | None = None


@dataclass(frozen=True, slots=True)
class RowsSource:
    """A small relation given by value (INFORMATION_SCHEMA, a directory table). Values: None, bool, int, float, str,
    Decimal, date, datetime.
    """

    columns: Columns
    rows: tuple[tuple[Value, ...], ...]

    @classmethod
    def of(cls, columns: Iterable[tuple[str, str]], rows: Sequence[tuple[Value, ...]]) -> RowsSource:
        """With the columns' types as text."""
        return cls(tuple((name, parse_type(text)) for name, text in columns), tuple(rows))


Source = TableSource | ViewSource | RowsSource


@dataclass(frozen=True, slots=True)
class FileOptions:
    """How staged files are read: `type` is CSV, JSON or PARQUET; the rest are Snowflake's file format options of the
    same names.
    """

    type: str = "CSV"
    field_delimiter: str = ","
    skip_header: int = 0
    parse_header: bool = False
    field_optionally_enclosed_by: str | None = None
    escape: str | None = None
    escape_unenclosed_field: str | None = "\\"
    null_if: tuple[str, ...] = ("\\N",)
    empty_field_as_null: bool = True
    trim_space: bool = False
    skip_blank_lines: bool = False
    compression: str = "AUTO"
    encoding: str = "UTF8"
    strip_outer_array: bool = False
    allow_duplicate: bool = False
    date_format: str | None = None
    timestamp_format: str | None = None
    error_on_column_count_mismatch: bool = True


@dataclass(frozen=True, slots=True)
class StageReference:
    """`@db.schema.stage/path` as written: folded `parts` (("~",) is the user's stage), path below it ("" for all),
    options in parentheses.
    """

    parts: tuple[str, ...]
    path: str = ""
    pattern: str | None = None
    file_format: tuple[str, ...] | None = None
    options: tuple[tuple[str, Option], ...] = ()


@dataclass(frozen=True, slots=True)
class StagedFile:
    """One staged file: its path in the stage (METADATA$FILENAME), the object that holds it, the checksum that clients
    know it by, and when it was put there.
    """

    path: str
    sha256: str
    md5: str = ""
    last_modified: datetime | None = None


@dataclass(frozen=True, slots=True)
class StagedSource:
    """The files that a stage reference stands for, and how to read them."""

    files: tuple[StagedFile, ...]
    options: FileOptions
    columns: tuple[str, ...] | None = None
    """The column names that all of the files have, where they are Parquet and somebody looked: `$1:name` is then read
    from the column itself instead of through JSON. Names are exact; see `staged.distinct`.
    """


class NameListener(Protocol):
    """Hears what the names of a statement stand for, and may refuse it with an SqlError."""

    def on_alias(self, alias: str, name: tuple[str, ...] | None) -> None:
        """An alias stands for what the catalog knows as `name`; None: a subquery, a common table, …"""

    def on_column(self, column: str | None) -> None:
        """The statement calls something by this name that is no column of that name; None: it could be any name."""


@dataclass(frozen=True, slots=True)
class RoleValues:
    """What the functions that tell of a session's roles answer, looked up when they are asked."""

    available: Callable[[], Iterable[str]]
    secondary: Callable[[], str]
    direct: Callable[[], Iterable[str]]
    active: Callable[[], Iterable[str]]


@dataclass(frozen=True, slots=True)
class ContextValues:
    """What CURRENT_ACCOUNT(), CURRENT_USER(), … answer, and the session's variables (`$NAME`; keys in upper case).

    `parameters` are the session's own (settings.py). `earlier` gives the id of the session's n-th statement (-1: the
    last one that ended), None where there is none. `listener` is told what the names of a statement stand for. It is
    in the context because whatever wraps a catalog gives that on.
    """

    account: str
    user: str | None
    role: str | None
    warehouse: str | None = None
    database: str | None = None
    schema: str | None = None
    session_id: str = ""
    version: str = "9.0.0"
    variables: Mapping[str, Value] = field(default_factory=dict)  # a session keeps what SET gave it
    listener: NameListener | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    earlier: Callable[[int], str | None] = lambda _: None
    roles: RoleValues | None = None  # of an account's session; in a room there are none
    ddl: Callable[[str, str, bool], str] | None = None  # GET_DDL, of the same
    transaction: str | None = None


class Catalog(Protocol):
    """Names → data, for one session."""

    def source(self, parts: tuple[str, ...]) -> Source | None:
        """What a table name of 1 to 3 folded parts stands for; the catalog applies the current database and schema.
        None: no such thing, or not for this session.
        """

    def context(self) -> ContextValues:
        """The session's context."""


@runtime_checkable
class GuardedCatalog(Protocol):
    """A catalog that has views with policies on the queries that read them. One that does not implement it has none."""

    def guarded(self, parts: tuple[str, ...]) -> ViewSource | None:
        """Such a view, with its guard; None: it is no such view, or not for this session. Raises SqlError."""


@runtime_checkable
class WrittenCatalog(Protocol):
    """A catalog that knows what may be written without being read. Of one that does not, only what may be read is."""

    def written(self, parts: tuple[str, ...]) -> Source | None:
        """What a statement changes; None: no such thing, or not for this session."""


@runtime_checkable
class ResultCatalog(Protocol):
    """A catalog that also lets queries read what earlier statements gave. One that does not implement it has none."""

    def result(self, query_id: str) -> TableSource | RowsSource | None:
        """The kept rows of a statement of this session; None: no such statement, or not for this session. What a pipe
        has given so far is under `$1`, `$2`, ….

        Raises:
            SqlError: its rows were not kept by value.
        """


@dataclass(frozen=True, slots=True)
class PastMoment:
    """AT | BEFORE: microseconds since the epoch, or the id of a statement."""

    micros: int | None = None
    statement: str | None = None
    before: bool = False


@runtime_checkable
class HistoryCatalog(Protocol):
    """A catalog that also lets queries read what tables held before. One that does not implement it does not."""

    def source_at(self, parts: tuple[str, ...], moment: PastMoment) -> TableSource | None:
        """A table as it was; None: no such table, or not for this session. Raises SqlError: that is not known."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """Numbers of a sequence that are this statement's: `first`, and each `step` further than the one before.

    `taken` is opaque here: with it the catalog's owner takes back what was not used.
    """

    first: int
    step: int
    taken: object = None


@runtime_checkable
class SequenceCatalog(Protocol):
    """A catalog that has sequences. One that does not implement it has none."""

    def draw(self, parts: tuple[str, ...], count: int | None) -> Drawn | None:
        """Numbers of a sequence for so many rows (None: nobody knows how many), which nobody else gets.

        None: no such sequence, or not for this session. Raises SqlError: it has no more.
        """


@runtime_checkable
class StageCatalog(Protocol):
    """A catalog that also lets queries read stages. One that does not implement it has no stages."""

    def staged(self, reference: StageReference) -> StagedSource | None:
        """The files of `@stage/path (…)`; None: no such stage, or not for this session. File format names are
        resolved by the catalog.
        """

    def directory(self, parts: tuple[str, ...]) -> RowsSource | None:
        """The directory table of a stage."""
