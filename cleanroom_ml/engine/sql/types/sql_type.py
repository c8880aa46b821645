"""Snowflake's column types with their parameters; what each is, everywhere in the engine, its record says.

Scale-0 NUMBER is BIGINT in DuckDB (its HUGEINT results leave as decimal(38,0)).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from cleanroom_ml.engine.sql.types import fine, intervals
from cleanroom_ml.engine.sql.types.kind import FINE, JSON, TEXT, TIMESTAMP, TZ, Kept, Kind, Number, Seconds, Text
from cleanroom_ml.engine.sql.types.record import Cast, Parameters, TypeRecord
from cleanroom_ml.engine.sql.types.table import BY_WORD, RECORDS

_FINE: Final = {
    text.upper(): record.name for record in RECORDS.values() if (text := fine.TYPES.get(record.moment or "DATE"))
}
_TEXT = re.compile(
    r"\s*+([A-Za-z_][A-Za-z0-9_]*+(?>(?:\s+[A-Za-z]+){0,5}))\s*+(?:\(\s*+(\d{1,9})\s*+(?:,\s*+(\d{1,4})\s*+)?\))?\s*+\Z"
)


@dataclass(frozen=True, slots=True)
class SqlType:
    """One Snowflake type. `str()` is its canonical text; `length` is None where it is the maximum. `fine`: of a column
    of a source, that it is read with nanoseconds (types/fine.py).
    """

    name: str
    precision: int | None = None
    scale: int | None = None
    length: int | None = None
    fine: bool = False

    def __str__(self) -> str:
        if self.record.parameters is Parameters.NUMBER:
            return f"{self.name}({self.precision},{self.scale})"
        if self.record.parameters is Parameters.INTERVAL:
            return intervals.written(self.name, self.precision, self.scale)
        if self.record.parameters is Parameters.SECONDS and self.scale is not None:
            return f"{self.name}({self.scale})"
        return self.name if self.length is None else f"{self.name}({self.length})"

    @property
    def record(self) -> TypeRecord:
        """What the engine knows of it."""
        return RECORDS[self.name]

    @property
    def kind(self) -> Kind:
        """What translation treats its values as."""
        match self.record.parameters:
            case Parameters.NUMBER:
                return Number(self.precision or 38, self.scale or 0)
            case Parameters.LENGTH if self.record.kind == TEXT and self.length is not None:
                return Text(self.length)
            case Parameters.INTERVAL:
                return Kept(str(self))
            case Parameters.SECONDS:
                kind = FINE[self.record.kind] if self.fine else self.record.kind
                return kind if self.scale is None else Seconds(kind, self.scale)
            case _:
                return self.record.kind

    @property
    def with_all_seconds(self) -> SqlType:
        """The same type of all the digits of a second that there are; any other as it is."""
        return replace(self, scale=None) if self.record.parameters is Parameters.SECONDS else self

    @property
    def duckdb(self) -> str:
        """The DuckDB type that holds its values."""
        if self.fine and self.record.moment is not None:
            return fine.TYPES[self.record.moment]
        return self.record.of(self.record.duckdb, self)

    @property
    def stored(self) -> str:
        """pyarrow's name of the type of its column in a table's Parquet object."""
        return self.record.of(self.record.stored, self)

    @property
    def copied(self) -> str:
        """How a staged `{value}` becomes one; `{member}` is its text where it is JSON, `{type}` the DuckDB type."""
        return self.record.of(self.record.copied, self)

    def cast_of(self, value: Kind | None) -> Cast:
        """How a value of a kind is cast to it."""
        return self.record.cast_of(self, value)

    @property
    def is_json(self) -> bool:
        return self.record.kind == JSON

    @property
    def is_interval(self) -> bool:
        """Whether it is kept, and nothing is computed with it."""
        return self.record.parameters is Parameters.INTERVAL

    @property
    def is_timestamp(self) -> bool:
        return self.record.kind in {TIMESTAMP, TZ}

    @property
    def holds_nanoseconds(self) -> bool:
        """Whether its values may have digits beyond the microsecond."""
        return self.record.moment in fine.TYPES and fine.holds(self.scale)

    @property
    def is_whole(self) -> bool:
        """Whether it is a whole number."""
        return self.record.parameters is Parameters.NUMBER and not self.scale

    @property
    def is_of_any_size(self) -> bool:
        """Whether it is a whole number that 64 bits may not hold: an object has it in as many as its values need."""
        return self.is_whole and self.duckdb == "HUGEINT"

    @property
    def is_wide(self) -> bool:
        """Whether its name says little of how large its values are."""
        return self.is_json or self.record.parameters is Parameters.LENGTH

    @property
    def longest(self) -> int | None:
        """The length of its longest value, where it has one."""
        return self.length or self.record.longest

    @property
    def logical(self) -> str:
        """Its name on the wire."""
        return self.record.logical or self.name

    @property
    def wire_name(self) -> str:
        """The `type` of a rowtype entry."""
        return self.logical.lower()

    def wire(self, column: str, nullable: bool = True) -> dict[str, object]:
        """One entry of a response's `rowtype`, as the connector reads it."""
        entry: dict[str, object] = {  # JSON
            "name": column,
            "database": "",
            "schema": "",
            "table": "",
            "nullable": nullable,
            "type": self.wire_name,
            "byteLength": None,
            "length": None,
            "scale": None,
            "precision": None,
            "collation": None,
        }
        match self.record.parameters:
            case Parameters.NUMBER:
                entry.update(precision=self.precision, scale=self.scale)
            case Parameters.LENGTH if self.longest is not None and self.record.longest is not None:
                most = max(self.longest, self.record.longest)
                size = min(self.longest * 4, most) if self.record.characters else self.longest
                entry.update(length=self.longest, byteLength=size)
            case Parameters.SECONDS:
                entry.update(precision=0, scale=self.record.seconds if self.scale is None else self.scale)
            case Parameters.INTERVAL:
                precision, scale = intervals.wire_digits(self.name, self.precision)
                entry.update(precision=precision, scale=scale)
        return entry


@lru_cache(maxsize=4096)
def parse_type(text: str) -> SqlType:
    """The type that Snowflake's text means: `int` → NUMBER(38,0), `varchar(10)`, `timestamp_ntz(3)` (9 digits of
    a second, which is what is meant without a number, are kept as 6).

    Raises:
        ValueError: it is no type that this engine has.
    """
    interval = intervals.read(text[:200])
    if interval is not None:
        name, leading, fraction = interval
        return SqlType(name, leading, fraction)
    match = _TEXT.match(text[:200])
    written = " ".join(match.group(1).upper().split()) if match else ""
    record = BY_WORD.get(written)
    if match is None or record is None:
        raise ValueError(f"Unsupported data type '{text[:100]}'.")
    first, second = (int(group) if group is not None else None for group in match.groups()[1:])
    if record.parameters is Parameters.NUMBER:
        if written in record.whole:
            first, second = 38, 0
        precision, scale = 38 if first is None else first, second or 0
        if not precision and not scale:
            precision = 38  # NUMBER(0,0), which the service takes for NUMBER: its clients' own suites declare it
        if not 1 <= precision <= 38 or not 0 <= scale <= min(37, precision):
            raise ValueError(f"Invalid precision or scale in '{text[:100]}'.")
        return SqlType(record.name, precision, scale)
    if second is not None:
        raise ValueError(f"Unsupported data type '{text[:100]}'.")
    if record.parameters is Parameters.LENGTH:
        if first is None and written in record.one_long:
            first = 1
        if first is not None and not 1 <= first <= (record.most or record.longest or first):
            raise ValueError(f"Invalid length in '{text[:100]}'.")
        return SqlType(record.name, length=None if first == record.longest else first)
    if record.parameters is Parameters.IGNORED:
        return SqlType(record.name)
    if first is not None and (record.parameters is not Parameters.SECONDS or first > 9):
        raise ValueError(f"Unsupported data type '{text[:100]}'.")
    if first is not None and first < 9:
        return SqlType(record.name, scale=first)
    return SqlType(record.name)


def from_duckdb(text: str, *, of_file: bool = False) -> SqlType:
    """The Snowflake type of a DuckDB result column; nested types are ARRAY or OBJECT, what is unknown is VARCHAR.
    `of_file`: of a column as somebody's file has it, where a structure is no value of ours, whatever its members.
    """
    upper = text.upper().strip()
    if upper.endswith("]"):
        return SqlType("ARRAY")
    if of_file and upper.startswith("STRUCT("):
        return SqlType("OBJECT")
    if upper in _FINE:
        return SqlType(_FINE[upper])
    for record in RECORDS.values():
        if record.nested and upper.startswith(record.nested):
            return SqlType(record.name)
    if upper in {"TIME WITH TIME ZONE", "TIME_NS"}:  # of Parquet files whose times are of UTC, or have nanoseconds
        return SqlType("TIME")
    try:
        return parse_type(upper)
    except ValueError:
        return SqlType("VARCHAR")
