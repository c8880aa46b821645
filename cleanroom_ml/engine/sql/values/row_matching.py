"""Finds the rows of one partition that match a row pattern (sql-reference/constructs/match_recognize).

A pattern is a program, made by `resolve/row_patterns.py`:

    ["row", symbol, "NAME", excluded]   the row is one of that symbol (-1: any row is); on to the next row
    ["either", first, second]           goes on at the first, and where that leads to no match at the second
    ["goto", at]  ["start"]  ["end"]  ["match"]

A symbol is a row's whatever came before it, so a place of the program that led to no match from a row never does: the
time is bounded by the length of the program times the rows, and the rows of all matches.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

MOST_ROWS: Final = 2_000_000
"""Rows of all matches of a partition together."""
_MOST_PLACES: Final = 1 << 27
Step = Sequence[Any]  # Any: what the program above holds
Row = dict[str, object]


class NoSkip(ValueError):
    """AFTER MATCH SKIP TO a symbol that no row of the match has, or at which the match begins."""


class TooManyRows(ValueError):
    """The partition, or all of its matches together, have more rows than are looked at."""


def matches(symbols: Sequence[str], program: str) -> list[Row]:
    """The rows of all matches. Of each: `n`, its number in the partition; `m`, the match's; `q`, its number in the
    match; `c`, its symbol (NULL of an empty match); whether it is excluded (`x`), and the last one (`l`).

    Args:
        symbols: of each row in order, for each symbol `1` where the row is one of it.
        program: as above, and how it goes on after a match: `{"steps": […], "skip": "PAST", "symbol": null}`. It never
            comes to a step again without a row.

    Raises:
        NoSkip, TooManyRows.
    """
    read = json.loads(program)
    steps: list[Step] = read["steps"]
    skip, symbol = str(read["skip"]), read["symbol"]
    finder = _Finder(symbols, steps)
    found: list[Row] = []
    start = number = 0
    while start < len(symbols):
        taken = finder.match(start)
        if taken is None:
            start += 1
            continue
        number += 1
        if not taken:
            found.append({"n": start + 1, "m": number, "q": 1, "c": None, "x": False, "l": True})
        for place, at in enumerate(taken):
            step = steps[at]
            last = place + 1 == len(taken)
            found.append({"n": start + place + 1, "m": number, "q": place + 1, "c": step[2], "x": step[3], "l": last})
        if len(found) > MOST_ROWS:
            raise TooManyRows
        start = _next(start, [str(steps[at][2]) for at in taken], skip, symbol)
    return found


def _next(start: int, names: list[str], skip: str, symbol: str | None) -> int:
    """Where the search goes on after a match of these symbols. Raises NoSkip."""
    if skip in {"FIRST", "LAST"}:
        places = [place for place, name in enumerate(names) if name == symbol]
        place = -1 if not places else places[0] if skip == "FIRST" else places[-1]
        if place < 1:
            raise NoSkip
        return start + place
    return start + (len(names) if skip == "PAST" and names else 1)


class _Finder:
    """Tries the program at rows of one partition. `failed`: places that lead to no match, one for each row and step."""

    def __init__(self, symbols: Sequence[str], steps: Sequence[Step]) -> None:
        self._symbols = symbols
        self._steps = steps
        places = (len(symbols) + 1) * len(steps)
        if places > _MOST_PLACES:
            raise TooManyRows
        self._failed = bytearray(places)

    def match(self, start: int) -> list[int] | None:
        """The step that each row of the match is of, from a row on; None: none begins there."""
        symbols, steps, failed = self._symbols, self._steps, self._failed
        end, width = len(symbols), len(steps)
        taken: list[int] = []
        way: list[int] = []
        later: list[tuple[int, int, int]] = []
        at, row = 0, start
        while True:
            step = steps[at]
            kind = step[0]
            if kind == "row":
                if row < end and (step[1] < 0 or symbols[row][step[1]] == "1"):
                    taken.append(at)
                    at, row = at + 1, row + 1
                    continue
            elif kind == "either":
                place = row * width + at
                if not failed[place]:
                    failed[place] = 1
                    way.append(place)
                    later.append((step[2], row, len(way)))
                    at = step[1]
                    continue
            elif kind == "goto":
                at = step[1]
                continue
            elif kind == "match":
                for place in way:  # what is on the way to a match leads to one
                    failed[place] = 0
                return taken
            elif row == (0 if kind == "start" else end):
                at += 1
                continue
            if not later:
                return None
            at, row, before = later.pop()
            del taken[row - start :]
            del way[before:]
