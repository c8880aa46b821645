"""Documents that are nested too deeply are found where they are made: before they reach a table, or a client (runs
inside the sandbox).
"""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from cleanroom_ml.engine.contracts.json_nesting import is_too_deep


class TooDeep(Exception):
    """A document has more open brackets at once than MAX_NESTING_OF_JSON."""


def check(array: pa.Array) -> None:
    """Raises TooDeep for a column of JSON texts with one that is. Of most documents only the brackets are counted."""
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        check_each(array.to_pylist())


def check_each(texts: Iterable[object]) -> None:
    """The same of single values; what is no text is none of ours."""
    for text in texts:
        if isinstance(text, str) and is_too_deep(text):
            raise TooDeep
