"""How the fields of a staged CSV file are written, where DuckDB does not read them so: the worker makes another file of
it before it is read (`warehouse/csv_text.py`).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Final

from cleanroom_ml.engine.sql.catalog import FileOptions

PREFIX: Final = "CSV "
"""How the text of a form begins, among those of other formats."""
HIDDEN: Final = "\x1d"
"""What encloses fields where the format encloses none: a file that has it cannot be read so."""


@dataclass(frozen=True, slots=True)
class CsvForm:
    """`enclosed_by`, `escape` (in enclosed fields) and `unenclosed` (the escape character of the others): one character
    each, or empty; `trims`: spaces around fields go; `nulls`: texts that stand for NULL as they are written.
    """

    delimiter: str
    enclosed_by: str
    escape: str
    unenclosed: str
    trims: bool
    nulls: tuple[str, ...]
    compression: str
    encoding: str

    @property
    def text(self) -> str:
        """The form as a worker is told it."""
        return PREFIX + json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> CsvForm:
        """The form that a text says."""
        given = json.loads(text.removeprefix(PREFIX))
        return cls(**{**given, "nulls": tuple(given["nulls"])})


def form_of(options: FileOptions, compression: str, encoding: str) -> CsvForm | None:
    """The form of files with these options; None: DuckDB reads them as they are. ESCAPE is the escape character of all
    fields (sql-reference/sql/create-file-format).
    """
    enclosed_by = options.field_optionally_enclosed_by or ""
    unenclosed = options.escape or options.escape_unenclosed_field or ""
    trims = options.trim_space and bool(enclosed_by)
    if not unenclosed and not trims:
        return None
    nulls = options.null_if
    return CsvForm(
        options.field_delimiter, enclosed_by, options.escape or "", unenclosed, trims, nulls, compression, encoding
    )
