"""Snowflake's column types, and what each is in DuckDB and on the wire.

Scale-0 NUMBER is BIGINT in DuckDB (its HUGEINT results leave as decimal(38,0)); VARIANT, OBJECT and ARRAY are JSON
text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

MAX_LENGTH: Final = 16_777_216
MAX_BINARY: Final = 8_388_608

_INTEGERS = {
    "INT",
    "INTEGER",
    "BIGINT",
    "SMALLINT",
    "TINYINT",
    "BYTEINT",
    "HUGEINT",
    "UBIGINT",
    "UINTEGER",
    "USMALLINT",
    "UTINYINT",
    "UHUGEINT",
}
_ALIASES: Final = {
    **dict.fromkeys(_INTEGERS, "NUMBER"),
    **dict.fromkeys(("NUMBER", "NUMERIC", "DECIMAL", "DEC", "FIXED"), "NUMBER"),
    **dict.fromkeys(("FLOAT", "FLOAT4", "FLOAT8", "DOUBLE", "DOUBLE PRECISION", "REAL"), "FLOAT"),
    **dict.fromkeys(
        (
            "VARCHAR",
            "CHAR",
            "CHARACTER",
            "STRING",
            "TEXT",
            "NVARCHAR",
            "NVARCHAR2",
            "NCHAR",
            "CHAR VARYING",
            "NCHAR VARYING",
            "CHARACTER VARYING",
            "UUID",
        ),
        "VARCHAR",
    ),
    **dict.fromkeys(("BOOLEAN", "BOOL"), "BOOLEAN"),
    "DATE": "DATE",
    "TIME": "TIME",
    **dict.fromkeys(
        (
            "TIMESTAMP_NTZ",
            "TIMESTAMPNTZ",
            "TIMESTAMP WITHOUT TIME ZONE",
            "DATETIME",
            "TIMESTAMP",
            "TIMESTAMP_NS",
            "TIMESTAMP_S",
            "TIMESTAMP_MS",
        ),
        "TIMESTAMP_NTZ",
    ),
    **dict.fromkeys(
        ("TIMESTAMP_LTZ", "TIMESTAMPLTZ", "TIMESTAMP WITH LOCAL TIME ZONE", "TIMESTAMP WITH TIME ZONE"), "TIMESTAMP_LTZ"
    ),
    **dict.fromkeys(("TIMESTAMP_TZ", "TIMESTAMPTZ"), "TIMESTAMP_TZ"),
    **dict.fromkeys(("BINARY", "VARBINARY", "BLOB"), "BINARY"),
    **dict.fromkeys(("VARIANT", "JSON"), "VARIANT"),
    "OBJECT": "OBJECT",
    "ARRAY": "ARRAY",
}
_DUCKDB: Final = {
    "FLOAT": "DOUBLE",
    "VARCHAR": "VARCHAR",
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
    "TIME": "TIME",
    "TIMESTAMP_NTZ": "TIMESTAMP",
    "TIMESTAMP_LTZ": "TIMESTAMPTZ",
    "TIMESTAMP_TZ": "TIMESTAMPTZ",
    "BINARY": "BLOB",
    "VARIANT": "JSON",
    "OBJECT": "JSON",
    "ARRAY": "JSON",
}
_WIRE: Final = {"NUMBER": "fixed", "FLOAT": "real", "VARCHAR": "text"}
_TEXT = re.compile(
    r"\s*+([A-Za-z_][A-Za-z0-9_]*+(?:\s++[A-Za-z]++)*+)\s*+(?:\(\s*+(\d{1,9})\s*+(?:,\s*+(\d{1,4})\s*+)?\))?\s*+\Z"
)


@dataclass(frozen=True, slots=True)
class SqlType:
    """One Snowflake type. `str()` is its canonical text ; `length` is None where it is the maximum."""

    name: str
    precision: int | None = None
    scale: int | None = None
    length: int | None = None

    def __str__(self) -> str:
        if self.name == "NUMBER":
            return f"NUMBER({self.precision},{self.scale})"
        return self.name if self.length is None else f"{self.name}({self.length})"

    @property
    def duckdb(self) -> str:
        """The DuckDB type that holds its values."""
        if self.name != "NUMBER":
            return _DUCKDB[self.name]
        return "BIGINT" if not self.scale else f"DECIMAL({self.precision},{self.scale})"

    @property
    def is_json(self) -> bool:
        return self.name in {"VARIANT", "OBJECT", "ARRAY"}

    @property
    def is_timestamp(self) -> bool:
        return self.name.startswith("TIMESTAMP")

    @property
    def wire_name(self) -> str:
        """The `type` of a rowtype entry."""
        return _WIRE.get(self.name, self.name.lower())

    def wire(self, column: str, nullable: bool = True) -> dict[str, Any]:
        """One entry of a response's `rowtype`, as the connector reads it."""
        entry: dict[str, Any] = {
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
        if self.name == "NUMBER":
            entry.update(precision=self.precision, scale=self.scale)
        elif self.name == "VARCHAR":
            length = self.length or MAX_LENGTH
            entry.update(length=length, byteLength=min(length * 4, MAX_LENGTH))
        elif self.name == "BINARY":
            length = self.length or MAX_BINARY
            entry.update(length=length, byteLength=length)
        elif self.name == "TIME" or self.is_timestamp:
            entry.update(precision=0, scale=6)
        return entry


@lru_cache(maxsize=4096)
def parse_type(text: str) -> SqlType:
    """The type that Snowflake's text means: `int` → NUMBER(38,0), `varchar(10)`, `timestamp_ntz(9)` (every precision
    is kept as 6 digits).

    Raises:
        ValueError: it is no type that this engine has.
    """
    match = _TEXT.match(text[:200])
    written = " ".join(match.group(1).upper().split()) if match else ""
    name = _ALIASES.get(written)
    if match is None or name is None:
        raise ValueError(f"Unsupported data type '{text[:100]}'.")
    first, second = (int(group) if group is not None else None for group in match.groups()[1:])
    if name == "NUMBER":
        if written in _INTEGERS:
            first, second = 38, 0
        precision, scale = 38 if first is None else first, second or 0
        if not 1 <= precision <= 38 or not 0 <= scale <= min(37, precision):
            raise ValueError(f"Invalid precision or scale in '{text[:100]}'.")
        return SqlType(name, precision, scale)
    if second is not None:
        raise ValueError(f"Unsupported data type '{text[:100]}'.")
    if name in {"VARCHAR", "BINARY"}:
        limit = MAX_LENGTH if name == "VARCHAR" else MAX_BINARY
        if first is None and written in {"CHAR", "CHARACTER", "NCHAR"}:
            first = 1
        if first is not None and not 1 <= first <= limit:
            raise ValueError(f"Invalid length in '{text[:100]}'.")
        return SqlType(name, length=None if first == limit else first)
    if first is not None and not (name == "TIME" or name.startswith("TIMESTAMP")):
        raise ValueError(f"Unsupported data type '{text[:100]}'.")
    return SqlType(name)


def from_duckdb(text: str) -> SqlType:
    """The Snowflake type of a DuckDB result column; nested types are ARRAY or OBJECT, what is unknown is VARCHAR."""
    upper = text.upper().strip()
    if upper.endswith("]"):
        return SqlType("ARRAY")
    if upper.startswith(("STRUCT", "MAP", "UNION")):
        return SqlType("OBJECT")
    try:
        return parse_type(upper)
    except ValueError:
        return SqlType("VARCHAR")
