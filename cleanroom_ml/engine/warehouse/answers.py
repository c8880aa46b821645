"""Reading a worker's answer: it comes from where hostile SQL ran, so every value is checked before it is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from cleanroom_ml.engine.contracts.limits import MAX_COLUMNS
from cleanroom_ml.engine.sql import bounds
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.compiled import Compiled
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.types.kind import TEXT, Document, Kept, Kind, Number, Seconds, Text
from cleanroom_ml.engine.sql.types.record import Parameters
from cleanroom_ml.engine.sql.types.sql_type import SqlType, parse_type
from cleanroom_ml.engine.warehouse.outcomes import ResultColumn

_MAX_NAME: Final = 1024


def columns(answer: Mapping[str, object], query_id: str) -> tuple[tuple[str, SqlType], ...]:
    """`columns`: [[name, type], …]. Raises SqlError: also for more of them than MAX_COLUMNS."""
    found = answer.get("columns")
    if not isinstance(found, list):
        raise SqlError.internal(query_id)
    if len(found) > MAX_COLUMNS:
        raise SqlError.too_many_columns(len(found))
    checked = []
    for item in found:
        if not (isinstance(item, list) and len(item) == 2 and all(isinstance(part, str) for part in item)):
            raise SqlError.internal(query_id)
        try:
            checked.append((item[0][:_MAX_NAME], parse_type(item[1])))
        except ValueError:
            raise SqlError.internal(query_id) from None
    return tuple(checked)


def declared(columns: tuple[tuple[str, SqlType], ...], kinds: Sequence[Kind | None]) -> tuple[tuple[str, SqlType], ...]:
    """Columns that a worker named, with the precision that the statement gives its numbers, where both are alike
    otherwise: DuckDB keeps whole numbers in types that have none.
    """
    if len(kinds) != len(columns):
        return columns
    return tuple((name, _declared(found, kind)) for (name, found), kind in zip(columns, kinds, strict=True))


def seconds(kinds: Sequence[Kind | None]) -> list[int | None]:
    """How many digits of a second columns declare; None: nothing is said of them, or they have none."""
    return [kind.digits if isinstance(kind, Seconds) else None for kind in kinds]


def named(columns: tuple[tuple[str, SqlType], ...], compiled: Compiled) -> tuple[ResultColumn, ...]:
    """The columns of a result, with what the statement says of their NULLs."""
    never = compiled.never_null if len(compiled.kinds) == len(columns) else frozenset[int]()
    return tuple(ResultColumn(name, found, number not in never) for number, (name, found) in enumerate(columns))


def _declared(found: SqlType, kind: Kind | None) -> SqlType:
    if isinstance(kind, Text) and found.kind == TEXT:
        return replace(found, length=kind.length)
    if isinstance(kind, Seconds) and found.record.parameters is Parameters.SECONDS:
        return replace(found, scale=kind.digits)
    if isinstance(kind, Document) and found.is_json:
        return SqlType(kind.name)
    given = found.kind
    if isinstance(kind, Kept) and isinstance(given, Kept) and parse_type(kind.text).name == found.name:
        return parse_type(kind.text)
    exact = isinstance(kind, Number) and isinstance(given, Number) and kind.scale is not None
    if isinstance(kind, Number) and isinstance(given, Number) and exact and kind.scale == given.scale:
        return replace(found, precision=kind.precision)
    return found


def batches(
    answer: Mapping[str, object], size: int, query_id: str, *, what: str = "batches", begin: int = 0
) -> list[tuple[int, int, int]]:
    """`batches`: [[offset, length, rows], …], one after the other from `begin` inside of a file of `size` bytes."""
    found = answer.get(what)
    if not isinstance(found, list):
        raise SqlError.internal(query_id)
    checked: list[tuple[int, int, int]] = []
    end = begin
    for item in found:
        if not (isinstance(item, list) and len(item) == 3 and all(_count(part) for part in item)):
            raise SqlError.internal(query_id)
        offset, length, rows = item
        if offset != end or not length or not rows or offset + length > size:
            raise SqlError.internal(query_id)
        end = offset + length
        checked.append((offset, length, rows))
    return checked


def texts(
    answer: Mapping[str, object], streams: Sequence[tuple[int, int, int]], size: int, query_id: str
) -> list[tuple[int, int, int]]:
    """`texts`: the rows of these streams once more, behind them. Raises SqlError: also for another number of rows."""
    found = batches(answer, size, query_id, what="texts", begin=sum(length for _, length, _ in streams))
    if sum(rows for _, _, rows in found) != sum(rows for _, _, rows in streams):
        raise SqlError.internal(query_id)
    return found


def counts(answer: Mapping[str, object], query_id: str) -> dict[str, int]:
    """A write's counts."""
    found = {key: answer.get(key) for key in ("rows", "updated", "joined", "inserted", "deleted")}
    if not all(_count(value) for value in found.values()):
        raise SqlError.internal(query_id)
    return {key: int(value) for key, value in found.items() if isinstance(value, int)}


def rejected(answer: Mapping[str, object], query_id: str) -> tuple[int, int, int, int]:
    """`rejected`: [lines, the first one, fields wanted, fields found]; nothing where there are none."""
    found = answer.get("rejected", [0, 0, 0, 0])
    if not (isinstance(found, list) and len(found) == 4 and all(_count(part) for part in found)):
        raise SqlError.internal(query_id)
    count, line, wanted, there = found
    return count, line, wanted, there


def written_bounds(answer: Mapping[str, object], columns: Sequence[tuple[str, SqlType]], query_id: str) -> str:
    """`bounds`: of the columns that were written (engine/sql/bounds.py)."""
    found = answer.get("bounds", "")
    if not isinstance(found, str):
        raise SqlError.internal(query_id)
    try:
        return bounds.checked(found, columns)
    except (ValueError, RecursionError):
        raise SqlError.internal(query_id) from None


def rows(answer: Mapping[str, object], types: Sequence[tuple[str, SqlType]], query_id: str) -> list[tuple[Value, ...]]:
    """`rows` as Python values of the columns' types."""
    found = answer.get("rows")
    if not isinstance(found, list) or not all(isinstance(row, list) and len(row) == len(types) for row in found):
        raise SqlError.internal(query_id)
    try:
        return [
            tuple(_value(value, sql_type) for value, (_, sql_type) in zip(row, types, strict=True)) for row in found
        ]
    except (ValueError, TypeError, ArithmeticError):
        raise SqlError.internal(query_id) from None


def _value(value: object, sql_type: SqlType) -> Value:
    return None if value is None else sql_type.record.read(value, sql_type)


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
