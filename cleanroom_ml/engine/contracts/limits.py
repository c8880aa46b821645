"""Bounds that several rooms keep, by the name that an error gives them."""

from __future__ import annotations

from typing import Final

MAX_COLUMNS: Final = 2_000
"""Of a table, a view, a staged file and a result: each is described in the front, and costs it for every statement."""

MAX_NESTING_OF_JSON: Final = 250
"""Brackets open at once in a VARIANT, an ARRAY or an OBJECT. Clients read JSON by recursion: Python's own reader, with
the stack that a program starts with, gives up at fewer than a thousand.
"""
