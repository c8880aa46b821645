"""How values of a VARIANT that JSON has no form for are written in its text: as strings with a mark in front.

The text of a VARIANT is JSON in one form only (keys sorted, numbers in their shortest form), so that equal values are
equal texts, wherever DuckDB compares, groups or joins them. A mark is U+0001 and a letter; a client's own text that
begins with U+0001 gets the mark of a text, and so means itself.
"""

from __future__ import annotations

from typing import Final

MARK: Final = "\x01"
IN_JSON: Final = "\\u0001"
"""The mark as it stands in JSON text: nothing else is written so."""
TEXT: Final = MARK + "S"
UNDEFINED: Final = MARK + "U"
"""A member of an array that is missing: `undefined`, and NULL where it is taken out."""
DOUBLE: Final = MARK + "F"
EXACT: Final = MARK + "M"
"""A decimal of more digits than DuckDB keeps when it takes a JSON document apart."""
BINARY: Final = MARK + "B"
MOMENTS: Final = {
    MARK + "D": "DATE",
    MARK + "T": "TIME",
    MARK + "N": "TIMESTAMP_NTZ",
    MARK + "L": "TIMESTAMP_LTZ",
    MARK + "Z": "TIMESTAMP_TZ",
}
TYPES: Final = {DOUBLE: "DOUBLE", EXACT: "DECIMAL", BINARY: "BINARY", TEXT: "VARCHAR", UNDEFINED: "NULL", **MOMENTS}
"""Mark → what TYPEOF says."""
EXACT_DIGITS: Final = 15
"""Digits of a decimal that survive a 64-bit float."""
