"""What a spreadsheet takes for a formula when it opens a CSV file (OWASP, "CSV Injection")."""

from __future__ import annotations

_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r")


def is_formula(cell: object) -> bool:
    """Whether a spreadsheet would run this cell: texts only, since a number that is negative is a number."""
    if not isinstance(cell, str) or not cell.startswith(_BEGINNINGS):
        return False
    try:
        float(cell)
    except ValueError:
        return True
    return False
