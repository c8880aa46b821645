"""The one table of column types: what is not in it is no type."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Final

from cleanroom_ml.engine.sql.types import intervals, moments, numbers, texts, variants
from cleanroom_ml.engine.sql.types.record import Parameters, TypeRecord

FAMILIES: Final[tuple[ModuleType, ...]] = (numbers, texts, moments, intervals, variants)

RECORDS: Final[Mapping[str, TypeRecord]] = {
    record.name: record for family in FAMILIES for record in vars(family).values() if isinstance(record, TypeRecord)
}
BY_WORD: Final[Mapping[str, TypeRecord]] = {
    word: record for record in RECORDS.values() for word in (record.name, *record.synonyms, *record.given)
}
"""By all that a type may be called, by Snowflake or by DuckDB."""
SNOWFLAKE_WORDS: Final = frozenset(word for record in RECORDS.values() for word in (record.name, *record.synonyms))
BY_WIRE_NAME: Final[Mapping[str, TypeRecord]] = {
    (record.logical or record.name).lower(): record for record in RECORDS.values()
}
BY_BIND_NAME: Final[Mapping[str, TypeRecord]] = {
    name: record
    for record in RECORDS.values()
    if record.bind is not None
    for name in (record.logical or record.name, *record.also_bound)
}
BY_INTERNAL_NAME: Final[Mapping[str, TypeRecord]] = {
    name: record for record in RECORDS.values() for name in record.internal
}
LATER_WORDS: Final = frozenset(
    word
    for words, record in BY_WORD.items()
    for word in words.split()[1:]
    if record.parameters is not Parameters.INTERVAL
)
"""What may follow the first word of a type's name: PRECISION, VARYING, WITH …"""
