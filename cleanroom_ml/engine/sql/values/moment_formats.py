"""Date and time formats of Snowflake (`sql-reference/date-time-input-output`, "About the elements used in input and
output formats"), taken apart once for reading and for writing.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

ELEMENTS: Final = tuple(
    re.findall(
        r"\S+",
        "YYYY UUUU YY Y MMMM MON MM MO DD DY D HH24 HH12 HH H24 H12 H AM PM P MI ME SS S"
        " FF0 FF1 FF2 FF3 FF4 FF5 FF6 FF7 FF8 FF9 FF TZH:TZM TZHTZM TZH TZM",
    )
)
_FORMAT: Final = re.compile(
    "|".join(sorted(map(re.escape, ELEMENTS), key=len, reverse=True)) + r'|"[^"]*"|.', re.IGNORECASE | re.DOTALL
)
MAX_FORMAT: Final = 256


@lru_cache(maxsize=512)
def elements(text: str) -> tuple[tuple[str, str], ...]:
    """(element, "") or ("", literal) in turn. Raises ValueError: it is longer than any format is."""
    if len(text) > MAX_FORMAT:
        raise ValueError
    found: list[tuple[str, str]] = []
    for piece in _FORMAT.findall(text):
        upper = piece.upper()
        if upper in ELEMENTS:
            found.append((upper, ""))
            continue
        literal = piece[1:-1] if len(piece) > 1 and piece.startswith('"') else piece
        if found and not found[-1][0]:
            literal = found.pop()[1] + literal
        found.append(("", literal))
    return tuple(found)
