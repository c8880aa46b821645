"""FLATTEN, SPLIT_TO_TABLE and STRTOK_SPLIT_TO_TABLE: the rows that one value becomes.

`sql-reference/functions/flatten`: undefined items are no rows; an object's keys come in order; a row without any gives
one of NULLs with OUTER, whose THIS is the empty compound.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final

from cleanroom_ml.engine.sql.values import paths
from cleanroom_ml.engine.sql.values.arrays import tokens
from cleanroom_ml.engine.sql.values.json_text import UNDEFINED, Json, read, write

Row = dict[str, object]
_COUNTERS: Final = [itertools.count(1)]
"""Of the records that a statement took apart: SEQ tells one from another, and no more."""


def begin() -> None:
    """Another statement: its records are counted from 1."""
    _COUNTERS[0] = itertools.count(1)


def flatten(text: str | None, path: str | None, outer: bool, recursive: bool, mode: str) -> list[Row]:
    """The rows of one record. Raises ValueError: the path is none."""
    sequence = next(_COUNTERS[0])
    way = paths.steps(path or "")
    value = UNDEFINED if text is None else paths.follow(read(text), way)
    start = ""
    for step in way:
        start = paths.item(start, step) if isinstance(step, int) else paths.member(start, step)
    rows = list(_rows(sequence, value, start, recursive, mode))
    if not rows and outer and recursive and not isinstance(value, list | dict) and value is not UNDEFINED:
        return [_row(sequence, None, start, None, write(value), None)]
    if not rows and outer:
        rows.append(_row(sequence, None, start, None, None, _this(value, recursive) if value in ([], {}) else None))
    return rows


def split(text: str | None, delimiter: str | None) -> list[Row]:
    """SPLIT_TO_TABLE: a row for each part."""
    if text is None or delimiter is None:
        return []
    return _numbered(text.split(delimiter) if delimiter else [text])


def split_tokens(text: str | None, delimiters: str | None) -> list[Row]:
    """STRTOK_SPLIT_TO_TABLE: a row for each token, of which none is empty."""
    return _numbered(tokens(text, delimiters) or [])


def _numbered(parts: list[str]) -> list[Row]:
    sequence = next(_COUNTERS[0])
    return [{"s": sequence, "i": number, "v": part} for number, part in enumerate(parts, 1)]


def _rows(sequence: int, value: Json, path: str, recursive: bool, mode: str) -> Iterator[Row]:
    if isinstance(value, list):
        this = _this(value, recursive)
        for index, found in enumerate(value):
            if found is UNDEFINED:
                continue
            place = paths.item(path, index)
            if mode != "OBJECT":
                yield _row(sequence, None, place, index, write(found), this)
            if recursive:
                yield from _rows(sequence, found, place, recursive, mode)
    elif isinstance(value, dict):
        this = _this(value, recursive)
        for key in sorted(value):
            place = paths.member(path, key)
            if mode != "ARRAY":
                yield _row(sequence, key, place, None, write(value[key]), this)
            if recursive:
                yield from _rows(sequence, value[key], place, recursive, mode)


def _this(value: Json, recursive: bool) -> str | None:
    """The compound that is taken apart. Where there is only one, SQL has it: in each of its rows it would be copied."""
    return write(value) if recursive else None


def _row(sequence: int, key: str | None, path: str, index: int | None, value: str | None, this: str | None) -> Row:
    return {"s": sequence, "k": key, "p": path, "i": index, "v": value, "t": this}
