"""Functions of ARRAYs, on the texts of VARIANTs (`sql-reference/functions/array_*`, `…/arrays_*`).

An array is a multi-set of values: equal ones are equal whatever numeric type they have. A NULL array gives NULL; a NULL
item is `undefined`, as everywhere in an ARRAY.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from cleanroom_ml.engine.sql.values import marks
from cleanroom_ml.engine.sql.values.json_text import UNDEFINED, Json, Marked, Undefined, read, text_of, write

MAX_ITEMS: Final = 16 << 20


class NotAnArray(ValueError):
    """A VARIANT that holds something else was given as an ARRAY."""


def items(text: str) -> list[Json]:
    """The items of an ARRAY. Raises NotAnArray."""
    found = read(text)
    if not isinstance(found, list):
        raise NotAnArray
    return found


def given(text: str | None) -> Json:
    """A VARIANT's value; SQL's NULL is `undefined`."""
    return UNDEFINED if text is None else read(text)


def same(value: Json) -> str:
    """What is equal for equal values: a number's text says nothing of its type."""
    return write(_plain(value))


def _plain(value: Json) -> Json:
    match value:
        case Marked() if value.startswith(marks.DOUBLE):
            number = float(value[2:])
            return Decimal(repr(number)) if number - number == 0 else value
        case list():
            return [_plain(item) for item in value]
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case _:
            return value


def order(value: Json) -> tuple[int, float | Decimal, str]:
    """By what values of a VARIANT are ordered: numbers by value, texts by text, JSON's null at the end."""
    match value:
        case bool():
            return 1, int(value), ""
        case int() | Decimal():
            return 0, value, ""
        case Marked() if value.startswith(marks.DOUBLE):
            return 0, float(value[2:]), ""
        case Marked():
            return 2, 0, str(value)
        case str():
            return 3, 0, value
        case list() | dict():
            return 4, 0, write(value)
        case _:
            return 5, 0, ""


def append(array: str | None, item: str | None) -> str | None:
    return None if array is None else write([*items(array), given(item)])


def prepend(array: str | None, item: str | None) -> str | None:
    return None if array is None else write([given(item), *items(array)])


def concatenate(left: str, right: str) -> str:
    return write(items(left) + items(right))


def construct(found: list[str | None]) -> str:
    return write([given(item) for item in found])


def compact(array: str) -> str:
    """Without what is missing and without JSON's nulls."""
    return write([item for item in items(array) if item is not UNDEFINED and item is not None])


def construct_compact(found: list[str | None]) -> str:
    """Of the values that are not NULL; JSON's null is a value."""
    return write([read(item) for item in found if item is not None])


def size(array: str) -> int | None:
    found = read(array)
    return len(found) if isinstance(found, list) else None


def insert(array: str | None, position: int | None, item: str | None) -> str | None:
    """At a position from 0, or from the end; what is beyond the array's end is filled with undefined items."""
    if array is None or position is None:
        return None
    found = items(array)
    if abs(position) > MAX_ITEMS:
        raise NotAnArray
    if position < 0:
        missing = -position - len(found)
        if missing > 0:
            return write([given(item), *[UNDEFINED] * missing, *found])
        position += len(found)
    found += [UNDEFINED] * (position - len(found))
    found.insert(position, given(item))
    return write(found)


def remove(array: str, item: str) -> str:
    unwanted = same(read(item))
    return write([found for found in items(array) if same(found) != unwanted])


def remove_at(array: str, position: int) -> str:
    found = items(array)
    if -len(found) <= position < len(found):
        del found[position]
    return write(found)


def contains(item: str | None, array: str | None) -> bool | None:
    """Whether an item equals it. NULL is contained where an item is NULL, and else the answer is NULL."""
    if array is None:
        return None
    found = items(array)
    if item is None:
        return True if any(value is UNDEFINED for value in found) else None
    wanted = same(read(item))
    return any(same(value) == wanted for value in found)


def position(item: str | None, array: str | None) -> int | None:
    if array is None:
        return None
    wanted = same(given(item))
    return next((number for number, value in enumerate(items(array)) if same(value) == wanted), None)


def cut(array: str, start: int, end: int) -> str:
    """From `start`, and up to `end` without it; from 0, or from the end."""
    return write(items(array)[start:end])


def distinct(array: str) -> str:
    first: dict[str, Json] = {}
    for value in items(array):
        first.setdefault(same(value), value)
    return write(list(first.values()))


def without(array: str, unwanted: str) -> str:
    """ARRAY_EXCEPT: as many of each value as there are more of it on the left."""
    left = Counter(same(value) for value in items(unwanted))
    kept: list[Json] = []
    for value in items(array):
        if left[same(value)] > 0:
            left[same(value)] -= 1
        else:
            kept.append(value)
    return write(kept)


def intersection(left: str, right: str) -> str:
    there = Counter(same(value) for value in items(right))
    kept: list[Json] = []
    for value in items(left):
        if there[same(value)] > 0:
            there[same(value)] -= 1
            kept.append(value)
    return write(kept)


def union(arrays: list[str | None]) -> str:
    """ARRAY_UNION_AGG: of each value as many as the array that has most of it."""
    values: dict[str, Json] = {}
    most: Counter[str] = Counter()
    for text in arrays:
        if text is not None:
            found = items(text)
            values |= {same(value): value for value in found if value is not UNDEFINED}
            most |= Counter(same(value) for value in found if value is not UNDEFINED)
    return write([values[key] for key, count in most.items() for _ in range(count)])


def overlap(left: str, right: str) -> bool:
    return not {same(value) for value in items(left)}.isdisjoint(same(value) for value in items(right))


def flattened(array: str) -> str | None:
    """One level of nesting less; NULL where an item is missing."""
    found = items(array)
    if any(value is UNDEFINED for value in found):
        return None
    if not all(isinstance(value, list) for value in found):
        raise NotAnArray
    return write([item for value in found for item in value])


def least(array: str) -> str | None:
    return _extreme(array, min)


def greatest(array: str) -> str | None:
    return _extreme(array, max)


def _extreme(array: str, choose: Callable[..., Json]) -> str | None:
    """Of the values that are there; JSON's null where there is nothing else."""
    there = [value for value in items(array) if value is not UNDEFINED]
    found = [value for value in there if value is not None]
    return write(choose(found, key=order)) if found else "null" if there else None


def ordered(array: str, ascending: bool, nulls_first: bool) -> str:
    """JSON's nulls are the largest values; undefined items stand where they are told to."""
    found = items(array)
    missing = [value for value in found if isinstance(value, Undefined)]
    there = sorted((value for value in found if not isinstance(value, Undefined)), key=order, reverse=not ascending)
    return write(missing + there if nulls_first else there + missing)


def backwards(array: str) -> str:
    return write(items(array)[::-1])


def repeated(item: str | None, count: int) -> str:
    if count > MAX_ITEMS:
        raise NotAnArray
    return write([given(item)] * max(count, 0))


def joined(array: str, separator: str) -> str:
    """ARRAY_TO_STRING: a NULL is an empty text."""
    return separator.join(text_of(value) or "" for value in items(array))


def numbers(start: int, stop: int, step: int) -> str | None:
    """ARRAY_GENERATE_RANGE."""
    if step == 0 or len(made := range(start, stop, step)) > MAX_ITEMS:
        raise NotAnArray
    return write(list(made))


def zipped(arrays: list[str | None]) -> str | None:
    """ARRAYS_ZIP: what is missing in an object is JSON's null."""
    if None in arrays:
        return None
    lists = [items(text) for text in arrays if text is not None]
    longest = max(len(found) for found in lists)
    if not longest:
        return write([{}])
    return write(
        [
            {
                f"${number}": None if row >= len(found) or found[row] is UNDEFINED else found[row]
                for number, found in enumerate(lists, 1)
            }
            for row in range(longest)
        ]
    )


def tokens(text: str | None, delimiters: str | None) -> list[str] | None:
    """STRTOK_TO_ARRAY: what stands between any of the delimiters, but for empty texts."""
    if text is None or delimiters is None:
        return None
    for letter in delimiters[1:]:
        text = text.replace(letter, delimiters[0])
    parts = text.split(delimiters[0]) if delimiters else [text]
    return [part for part in parts if part]


def token_array(text: str, delimiters: str) -> str:
    return write(tokens(text, delimiters))


def split(text: str, separator: str) -> str:
    return write(text.split(separator) if separator else [text])


def as_array(value: str) -> str | None:
    """TO_ARRAY: an ARRAY is one, JSON's null is none, any other value is the only item of one."""
    found = read(value)
    if found is None:
        return None
    return value if isinstance(found, list) else write([found])
