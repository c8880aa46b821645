"""What fails where a condition holds, so that DuckDB takes the expression around it for one without side effects.

DuckDB's own `error()` is volatile: by what has it no window may be ordered or parted, and no other clause may name it
by its alias. A cast of a constant text that is none of its type's fails as well, and only for the rows for which CASE
comes to it; it stands in a condition, because there it has a type of its own whatever the CASE gives.
"""

from __future__ import annotations

from typing import Final

FAILED: Final = r"^Conversion Error: Could not convert string 'cleanroom:([a-z]+)' to UINT8\b"
"""DuckDB's words for it, with its kind. No statement has another cast to that type."""


def fails(kind: str, where: str) -> str:
    """A condition that is never true: where `where` is, the statement ends with the error of this kind
    (`warehouse/failures.py`). It stands in a CASE: `CASE WHEN fails(…) THEN NULL ELSE … END`.
    """
    return f"CASE WHEN {where} THEN CAST('cleanroom:{kind}' AS UTINYINT) ELSE 0 END <> 0"
