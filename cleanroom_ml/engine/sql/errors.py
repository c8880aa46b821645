"""Errors that a client of the engine sees, with Snowflake's own codes, SQL states and wording.

A message is always built here or in the rooms, from what the client itself wrote: never DuckDB's text, a host path,
another catalog's
names, or a value out of the data (docs/measured-facts.md: a DuckDB cast error quotes the value it failed on).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from cleanroom_ml.engine.contracts.limits import MAX_COLUMNS, MAX_NESTING_OF_JSON
from cleanroom_ml.error_names import NUMBER, SQLSTATE, ErrorName

COMPILATION = "SQL compilation error:\n"
_SHOWN = 200
_TYPE = re.compile(r"Unsupported data type '\s*([A-Za-z_][A-Za-z0-9_]*)\s*(\()?")
_TYPES_ELSEWHERE = frozenset(
    {
        "ARRAY",
        "OBJECT",
        "MAP",
        "VECTOR",
        "GEOGRAPHY",
        "GEOMETRY",
        "DECFLOAT",
        "UUID",
        "FILE",
        "INTERVAL",
        "PERIOD",
        "XML",
    }
)
"""Types that only Snowflake has (sql-reference/intro-summary-data-types); of ARRAY and OBJECT the structured ones."""


class SqlError(Exception):
    """A statement was refused or failed. `str(error)` is the message as the client reads it.

    Args:
        code: Snowflake's error number (the client shows it with six digits).
        sqlstate: five characters.
        message: what the client reads.
    """

    def __init__(self, code: int, sqlstate: str, message: str) -> None:
        # It often quotes what somebody wrote. What cannot be written down would leave a statement without its end.
        message = message.encode("utf-8", "backslashreplace").decode("utf-8")
        super().__init__(message)
        self.code = code
        self.sqlstate = sqlstate
        self.message = message

    def __reduce__(self) -> tuple[type[SqlError], tuple[int, str, str]]:
        return SqlError, (self.code, self.sqlstate, self.message)

    @classmethod
    def nanoseconds(cls, what: str) -> SqlError:
        """What is not computed with digits beyond the microsecond, and does not drop them."""
        return cls.unsupported(f"nanoseconds in {what}: cast to TIMESTAMP_NTZ(6), or to TIME(6), first")

    @classmethod
    def not_found(cls, kind: str, name: str) -> SqlError:
        """What does not exist and what one may not see read the same, on purpose."""
        label = "Object" if kind.upper() in {"", "OBJECT", "TABLE", "VIEW"} else kind.capitalize()
        # SQLSTATE 42S02 is of tables and views alone ("base table or view not found").
        state = "42S02" if label == "Object" else "02000"
        return cls(2003, state, f"{COMPILATION}{label} '{_displayed(name)}' does not exist or not authorized.")

    @classmethod
    def syntax(cls, message: str) -> SqlError:
        return cls(1003, "42000", f"{COMPILATION}{message}")

    @classmethod
    def unsupported(cls, what: str) -> SqlError:
        return cls(2, "0A000", f"{COMPILATION}Unsupported feature '{_displayed(what)}'.")

    @classmethod
    def unknown_function(cls, name: str, kind: str = "function") -> SqlError:
        return cls(2140, "42601", f"{COMPILATION}Unknown {kind} {_displayed(name)}")

    @classmethod
    def invalid_identifier(cls, name: str) -> SqlError:
        return cls(904, "42000", f"{COMPILATION}error: invalid identifier '{_displayed(name)}'")

    @classmethod
    def ambiguous(cls, name: str) -> SqlError:
        return cls(2006, "42601", f"{COMPILATION}ambiguous column name '{_displayed(name)}'")

    @classmethod
    def width(cls, expected: int, given: int) -> SqlError:
        """A statement gives another number of values than it has columns for."""
        message = f"Insert value list does not match column list expecting {expected} but got {given}"
        return cls(2057, "22000", f"{COMPILATION}{message}")

    @classmethod
    def already_exists(cls, kind: str, name: str) -> SqlError:
        label = "Object" if kind.upper() in {"", "OBJECT", "TABLE", "VIEW"} else kind.capitalize()
        return cls(2002, "42710", f"{COMPILATION}{label} '{_displayed(name)}' already exists.")

    @classmethod
    def bad_value(cls, message: str) -> SqlError:
        return cls(100038, "22018", message)

    @classmethod
    def types(cls, wanted: str) -> SqlError:
        """An argument is of no type that could become the one that is wanted."""
        return cls(1044, "42P13", f"{COMPILATION}Invalid argument types: {wanted} is expected.")

    @classmethod
    def no_type(cls, error: ValueError) -> SqlError:
        """What a text is no type of ours with: a type that only Snowflake has is told by its name."""
        found = _TYPE.match(str(error))
        if found is None:
            return cls.syntax(str(error))
        if found[1].upper() in _TYPES_ELSEWHERE:
            return cls.unsupported(f"the data type {found[1].upper()}{'(…)' if found[2] else ''}")
        return cls(2040, "42601", f"{COMPILATION}{error}")

    @classmethod
    def column_names(cls, given: int, columns: int) -> SqlError:
        """More names than there are columns."""
        text = f"Invalid column definition list: {given} names for {columns} columns."
        return cls(2026, "42601", f"{COMPILATION}{text}")

    @classmethod
    def arguments(cls, function: str, wanted: str) -> SqlError:
        """An argument of a function is of no type that it takes; `wanted` says which one it takes."""
        text = f"Invalid argument types for function '{_displayed(function)}': {wanted}."
        return cls(1044, "42P13", f"{COMPILATION}{text}")

    @classmethod
    def too_few_arguments(cls, function: str, expected: int, given: int) -> SqlError:
        text = f"not enough arguments for function [{_displayed(function)}], expected {expected}, got {given}"
        return cls(938, "22023", f"{COMPILATION}{text}")

    @classmethod
    def too_many_arguments(cls, function: str, expected: int, given: int) -> SqlError:
        text = f"too many arguments for function [{_displayed(function)}] expected {expected}, got {given}"
        return cls(939, "22023", f"{COMPILATION}{text}")

    @classmethod
    def duplicate_column(cls, name: str) -> SqlError:
        return cls(2025, "42S21", f"{COMPILATION}duplicate column name '{_displayed(name)}'")

    @classmethod
    def cancelled(cls) -> SqlError:
        return cls(604, "57014", "SQL execution canceled")

    @classmethod
    def timed_out(cls, seconds: float | None = None) -> SqlError:
        limit = "" if seconds is None else f" of {seconds:g} second(s)"
        return cls(630, "57014", f"Statement reached its statement or warehouse timeout{limit} and was canceled.")

    @classmethod
    def too_complex(cls) -> SqlError:
        return cls.syntax("The statement is too large or nested too deeply.")

    @classmethod
    def too_many_columns(cls, count: int) -> SqlError:
        return cls.syntax(
            f"{count} columns are more than a table, a file or a result can have (MAX_COLUMNS: {MAX_COLUMNS})."
        )

    @classmethod
    def too_deep(cls) -> SqlError:
        return cls.bad_value(f"A value is nested too deeply (MAX_NESTING_OF_JSON: {MAX_NESTING_OF_JSON}).")

    @classmethod
    def unreadable(cls, files: Sequence[str]) -> SqlError:
        """A staged file, or one of several, is not what its format says. Only names that the client gave are told."""
        displayed = ", ".join(f"'{_displayed(path)}'" for path in files[:3]) + (
            f" and {len(files) - 3} more" if len(files) > 3 else ""
        )
        what = f"The file {displayed}" if len(files) == 1 else f"One of the files {displayed}"
        return cls(
            100183,
            "22000",
            f"{what} cannot be read: it is damaged, or not of the format and compression that it is read as.",
        )

    @classmethod
    def out_of_memory(cls) -> SqlError:
        return cls(300005, "53200", "The statement needs more memory than the warehouse has.")

    @classmethod
    def internal(cls, query_id: str) -> SqlError:
        return cls(
            603, "XX000", f"SQL execution internal error: processing aborted; the query id is {_displayed(query_id)}."
        )


class TooFineValue(SqlError):
    """A value has nanoseconds where the statement was compiled without them: compiled with them it may run
    (`settings.keeping_nanoseconds`).
    """

    def __init__(self) -> None:
        made = SqlError.nanoseconds("this expression")
        super().__init__(made.code, made.sqlstate, made.message)


def room_error(name: ErrorName, message: str) -> SqlError:
    """An error of the clean room, which the client knows by its name."""
    return SqlError(NUMBER, SQLSTATE, name.text(message))


def _displayed(text: str) -> str:
    """A client's own words, cut short, so that a megabyte of name does not come back as a megabyte of message."""
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
