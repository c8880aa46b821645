"""Date and time formats of Snowflake (`sql-reference/date-time-input-output`, "About the elements used in input and
output formats"), taken apart once for reading and for writing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

ELEMENTS: Final = tuple(
    re.findall(
        r"\S+",
        "YYYY UUUU YY Y MMMM MON MM MO DD DY D HH24 HH12 HH H24 H12 H AM PM P MI ME SS S"
        " FF0 FF1 FF2 FF3 FF4 FF5 FF6 FF7 FF8 FF9 FF TZH:TZM TZHTZM TZH TZM",
    )
)


def _of(names: Iterable[str]) -> re.Pattern[str]:
    listed = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    return re.compile(listed + r'|"[^"]*"|.', re.IGNORECASE | re.DOTALL)


_FORMAT: Final = _of(ELEMENTS)
_LONG: Final = _of(name for name in ELEMENTS if len(name) > 1)
_WORD: Final = re.compile(r'"[^"]*"|TZH:TZM|[A-Za-z0-9]+|.', re.IGNORECASE | re.DOTALL)
MAX_FORMAT: Final = 256


@lru_cache(maxsize=512)
def elements(text: str) -> tuple[tuple[str, str], ...]:
    """(element, "") or ("", literal) in turn. Raises ValueError: it is longer than any format is."""
    if len(text) > MAX_FORMAT:
        raise ValueError
    found: list[tuple[str, str]] = []
    for piece, is_element in (piece for word in _WORD.findall(text) for piece in _pieces(word)):
        if is_element:
            found.append((piece.upper(), ""))
            continue
        literal = piece[1:-1] if len(piece) > 1 and piece.startswith('"') else piece
        if found and not found[-1][0]:
            literal = found.pop()[1] + literal
        found.append(("", literal))
    return tuple(found)


def _pieces(word: str) -> list[tuple[str, bool]]:
    """A word's pieces, and which are elements. One that has other letters, too, has no elements of one letter: the
    `hours` of `hh24 hours` are none (functions/to_char.md).
    """
    found = _FORMAT.findall(word)
    if any(len(piece) == 1 and piece.isalpha() and piece.upper() not in ELEMENTS for piece in found):
        return [(piece, len(piece) > 1 and piece.upper() in ELEMENTS) for piece in _LONG.findall(word)]
    return [(piece, piece.upper() in ELEMENTS) for piece in found]
