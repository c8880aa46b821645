"""VARCHAR and BINARY."""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.sql.types import exact_texts
from cleanroom_ml.engine.sql.types.checks import fails
from cleanroom_ml.engine.sql.types.kind import BINARY as BINARY_KIND
from cleanroom_ml.engine.sql.types.kind import JSON, TEXT, Kind, Text
from cleanroom_ml.engine.sql.types.record import Cast, Parameters, Sized, TypeRecord, plain_cast


def _text_cast(sized: Sized, value: Kind | None) -> Cast:
    """A cast to VARCHAR(n) of what is longer fails (sql-reference/functions/cast): nothing is cut."""
    if not sized.length:
        return Cast("as text", None, TEXT)
    if isinstance(value, Text) and value.length <= sized.length:
        return Cast("as text", "({0})", Text(sized.length))
    fits = f"CASE WHEN length({{0}}) > {sized.length} THEN {fails('length')} ELSE {{0}} END"
    return Cast("as text", fits, Text(sized.length))


def _binary_cast(_: Sized, value: Kind | None) -> Cast:
    """Text is read as hexadecimal digits, and so is a VARIANT's (sql-reference/parameters, BINARY_INPUT_FORMAT)."""
    return Cast("as text", "unhex({0})", BINARY_KIND) if value in {TEXT, JSON} else plain_cast(BINARY_KIND, value)


VARCHAR: Final = TypeRecord(
    name="VARCHAR",
    exact=exact_texts.TEXT,
    synonyms=(
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
    ),
    given=("UUID",),
    kind=TEXT,
    parameters=Parameters.LENGTH,
    longest=16_777_216,
    most=134_217_728,
    one_long=frozenset({"CHAR", "CHARACTER", "NCHAR"}),
    characters=True,
    duckdb="VARCHAR",
    logical="TEXT",
    standard="TEXT",
    bind=str,
    also_bound=("ANY",),
    cast=_text_cast,
)
BINARY: Final = TypeRecord(
    name="BINARY",
    python="bytes",
    synonyms=("VARBINARY",),
    given=("BLOB",),
    kind=BINARY_KIND,
    parameters=Parameters.LENGTH,
    longest=8_388_608,
    most=67_108_864,
    duckdb="BLOB",
    bind=bytes.fromhex,
    stored="binary",
    sent="binary",
    read=lambda value, _: bytes.fromhex(value),
    cast=_binary_cast,
    copied=(
        "CASE typeof({value}) WHEN 'BLOB' THEN CAST({value} AS BLOB) WHEN 'JSON' THEN unhex({member})"
        " ELSE unhex(CAST({value} AS VARCHAR)) END"
    ),
)
