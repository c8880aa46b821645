"""What fails where a condition holds, so that DuckDB takes the expression around it for one without side effects.

DuckDB's own `error()` is volatile: by what has it no window may be ordered or parted, and no other clause may name it
by its alias. A cast of a constant text that is none of its type's fails as well, and only for the rows for which CASE
comes to it. It stands in a list whose members become NULL, which has the type of the CASE's other values.
"""

from __future__ import annotations

from typing import Final

FAILED: Final = r"^Conversion Error: Could not convert string 'cleanroom:([a-z]+)' to UINT8\b"
"""DuckDB's words for it, with its kind. No statement has another cast to that type."""


def fails(kind: str) -> str:
    """A value with which the statement ends with the error of this kind (`warehouse/failures.py`).

    It stands in a CASE after THEN: `CASE WHEN … THEN fails(…) ELSE … END`. After WHEN, DuckDB would compute it before
    it knows whether a row comes to it: of constants alone its optimizer computes the conditions of each CASE at once.
    """
    return f"list_transform([CAST('cleanroom:{kind}' AS UTINYINT)], lambda _failed: NULL)[1]"
