"""What is wrong with a staged file that COPY INTO reads: where it is, and in Snowflake's words.

The text that does not fit comes from a file that the session itself can read; sessions of rooms are not told it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.catalog import StagedSource
from cleanroom_ml.engine.sql.compile.copies import compile_misfits
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.copy_into import CopyInto
from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.engine.statements.refusals import displayed
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.warehouse.outcomes import NO_TEXT, TOO_LONG, Rejected

_SHOWN: Final = 100
_ADVICE: Final = (
    "  If you would like to continue loading when an error is encountered, use other values such as 'SKIP_FILE' or"
    " 'CONTINUE' for the ON_ERROR option."
)
_RECOGNIZED: Final = {
    "FIXED": (100038, "22018", "Numeric value"),
    "REAL": (100038, "22018", "Numeric value"),
    "BOOLEAN": (100037, "22018", "Boolean value"),
    "DATE": (100040, "22007", "Date"),
    "TIME": (100108, "22007", "Time"),
}

_DAMAGES: Final = {
    NO_TEXT: ("Invalid UTF8 detected in the line: ENCODING says in which character set a file is", 100144, "22000"),
    TOO_LONG: ("The line cannot be read: it is longer than 16 MiB", 100100, "22000"),
}


@dataclass(frozen=True, slots=True)
class Misfits:
    """Of one file: how many rows it has, how many do not fit, and the first one that does not."""

    rows: int
    errors: int = 0
    message: str = ""
    code: int = 0
    sqlstate: str = ""
    row: int | None = None
    line: int | None = None
    character: int | None = None
    column: str | None = None

    def error(self, file: str) -> SqlError:
        """What a COPY fails with."""
        where = f"\n  File '{file}', line {self.line}, character {self.character}"
        column = f"\n  Row {self.row}, column {self.column}" if self.column is not None else ""
        return SqlError(self.code, self.sqlstate, f"{self.message}{where}{column}\n{_ADVICE}")


def misfits(work: Work, statement: CopyInto, staged: StagedSource, required: frozenset[str]) -> Misfits:
    """Looks for the rows of one file that do not fit. Raises SqlError: it cannot be read at all."""
    compiled, target = compile_misfits(statement, staged, work.catalog, work.binds, required)
    found, rejected = work.warehouse.examined(compiled, query_id=work.query_id, timeout=work.seconds)
    rows, errors, column, text, line, character = found
    total, wrong = _number(rows) + rejected.count, _number(errors) + rejected.count
    skipped = staged.options.skip_header + staged.options.parse_header
    first = skipped + _number(line)
    if rejected.count and (column is None or rejected.line <= first):
        return Misfits(total, wrong, *_width(rejected), line=rejected.line, character=1)
    if column is None:
        return Misfits(total, wrong)
    name, sql_type = target.columns[_number(column)]
    shown = None if work.restricted or text is None else str(text)[:_SHOWN]
    place = f'"{displayed(statement.target[-1:])}"["{name}":{_number(column) + 1}]'
    said = _said(name, sql_type, shown, missing=text is None)
    return Misfits(total, wrong, *said, row=first - skipped, line=first, character=_number(character), column=place)


def _number(value: Value) -> int:
    return int(value) if isinstance(value, int) else 0


def _width(rejected: Rejected) -> tuple[str, int, str]:
    if not rejected.wanted and rejected.found in _DAMAGES:
        return _DAMAGES[rejected.found]
    if not rejected.wanted:
        return "The line cannot be read: its quotes do not match what the file format says", 100100, "22000"
    text = (
        f"Number of columns in file ({rejected.found}) does not match that of the corresponding table"
        f" ({rejected.wanted}), use file format option error_on_column_count_mismatch=false to ignore this error"
    )
    return text, 100080, "22000"


def _said(name: str, sql_type: SqlType, text: str | None, *, missing: bool) -> tuple[str, int, str]:
    if missing:
        return f"NULL result in a non-nullable column {name}", 100072, "22000"
    value = "" if text is None else f" '{text}'"
    if sql_type.length is not None:
        return f"User character length limit ({sql_type.length}) exceeded by string{value}", 100074, "54000"
    default = (
        (100035, "22007", "Timestamp") if sql_type.logical.startswith("TIMESTAMP") else (100038, "22018", "The value")
    )
    code, sqlstate, what = _RECOGNIZED.get(sql_type.logical, default)
    return f"{what}{value} is not recognized", code, sqlstate
