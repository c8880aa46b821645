"""The least and the greatest value of each column of one object of a table: the object is not read by a query that
asks for others (resolve/pruning.py).

Snowflake keeps the same of each micro-partition (user-guide/tables-clustering-micropartitions). Here it is kept of
NUMBER, DATE, TIMESTAMP_NTZ and text columns, whose values compare alike whoever compares them: what is computed in
floats, and what is a moment of some zone, is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final, Literal

from cleanroom_ml.engine.sql.types.kind import TEXT, Number
from cleanroom_ml.engine.sql.types.sql_type import SqlType

MOST_COLUMNS: Final = 64
"""Of an object, the first ones whose bounds are kept."""
LONGEST: Final = 32
"""Of a text, the characters that are kept."""
MAX_TEXT: Final = 64 << 10

Sort = Literal["number", "date", "moment", "text"]
Value = Decimal | datetime | str
"""A DATE is the moment at its beginning, as where it is compared with one."""

_FINE: Final = "\x01"
"""Among the columns, what is no column's name: the places of those that have nanoseconds in the object."""
_FINE_WRITTEN: Final = json.dumps(_FINE)
_NUMBER: Final = re.compile(r"-?[0-9]{1,38}(?:\.[0-9]{1,38})?\Z")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d:\d\d(?:\.\d{1,6})?)?\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Range:
    """The values of a column in one object lie between these; None: it has NULLs alone. `cut`: the greatest is the
    beginning of a longer text.
    """

    least: Value | None
    greatest: Value | None
    cut: bool = False


def sort_of(sql_type: SqlType) -> Sort | None:
    """How a column's values are compared; None: nothing is kept of them."""
    if isinstance(sql_type.kind, Number):
        return "number" if sql_type.kind.scale is not None else None
    if sql_type.record.moment in {"DATE", "NTZ"}:
        return "date" if sql_type.record.moment == "DATE" else "moment"
    return "text" if sql_type.kind == TEXT else None


def moment(text: str) -> datetime | None:
    """A date or moment as ISO 8601 writes it without a zone, which is what it means everywhere; None: another text."""
    if not _MOMENT.match(text):
        return None
    try:
        return datetime.fromisoformat(text if "." not in text else text.ljust(26, "0"))
    except ValueError:
        return None


def written(ranges: Mapping[str, Range], fine: Collection[int] = ()) -> str:
    """What `of_column` and `fine_columns` read; empty, where nothing is known. `fine`: the columns that are stored with
    nanoseconds, by position.
    """
    if not ranges and not fine:
        return ""
    listed: dict[str, object] = {
        name: None if each.least is None else [_text(each.least), _text(each.greatest), *([True] if each.cut else [])]
        for name, each in ranges.items()
    }
    if fine:
        listed[_FINE] = sorted(fine)
    return json.dumps(listed, ensure_ascii=False, separators=(",", ":"))


def text_range(least: str, greatest: str) -> Range:
    """The range of texts, as much of them as is kept."""
    return Range(least[:LONGEST], greatest[:LONGEST], len(greatest) > LONGEST)


def checked(text: str, columns: Sequence[tuple[str, SqlType]]) -> str:
    """The same bounds, where they are some of a table of these columns: they come from where hostile SQL ran.

    Raises:
        ValueError: they are not.
    """
    if not text:
        return ""
    if len(text) > MAX_TEXT:
        raise ValueError("too long")
    types = dict(columns)
    raw = json.loads(text)
    if not isinstance(raw, dict):
        raise ValueError("not the columns")
    fine = _checked_fine(raw.pop(_FINE, []), columns)
    if len(raw) > MOST_COLUMNS or not raw.keys() <= types.keys():
        raise ValueError("not the columns")
    return written({name: _range(given, sort_of(types[name])) for name, given in raw.items()}, fine)


def _checked_fine(given: object, columns: Sequence[tuple[str, SqlType]]) -> frozenset[int]:
    if not isinstance(given, list) or len(given) > len(columns):
        raise ValueError("not the columns with nanoseconds")
    for place in given:
        if type(place) is not int or not 0 <= place < len(columns) or not columns[place][1].holds_nanoseconds:
            raise ValueError("not a column with nanoseconds")
    return frozenset(given)


def fine_columns(text: str) -> frozenset[int]:
    """The columns that an object has with nanoseconds (types/fine.py), by position."""
    if _FINE_WRITTEN not in text:
        return frozenset()
    found = _loaded(text).get(_FINE)
    return frozenset(found) if isinstance(found, list) else frozenset()


def of_column(text: str, name: str, sort: Sort) -> Range | None:
    """What is known of a column; None: nothing."""
    raw = _loaded(text)
    return _range(raw[name], sort) if name in raw and name != _FINE else None


@lru_cache(maxsize=4096)
def _loaded(text: str) -> Mapping[str, object]:
    """Of what `checked` let through."""
    return dict(json.loads(text)) if text else {}


def _range(given: object, sort: Sort | None) -> Range:
    if sort is None:
        raise ValueError("nothing is kept of such a column")
    if given is None:
        return Range(None, None)
    if not isinstance(given, list) or len(given) not in (2, 3) or not all(isinstance(each, str) for each in given[:2]):
        raise ValueError("not a range")
    cut = len(given) == 3
    if cut and (sort != "text" or given[2] is not True):
        raise ValueError("not a range")
    return Range(_value(given[0], sort), _value(given[1], sort), cut)


def _value(text: str, sort: Sort) -> Value:
    if sort == "text":
        if len(text) > LONGEST:
            raise ValueError("too long")
        text.encode()  # half of a surrogate pair is no text, and a ValueError
        return text
    if sort == "number":
        if not _NUMBER.match(text):
            raise ValueError("not a number")
        return Decimal(text)
    found = moment(text)
    if found is None:
        raise ValueError("not a moment")
    return found


def _text(value: Value | None) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)
