"""What a worker says went wrong, as an error of the client's.

A worker's answer is hostile: only kinds that are known here, names that the statement itself wrote, and types that
exist, come through.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Final

from cleanroom_ml.engine.sandbox.errors import WorkerCancelled, WorkerCrashed, WorkerError, WorkerTimeout
from cleanroom_ml.engine.sql.compiled import Compiled
from cleanroom_ml.engine.sql.errors import COMPILATION, SqlError, TooFineValue
from cleanroom_ml.engine.sql.functions.table import FUNCTIONS
from cleanroom_ml.engine.sql.types.sql_type import SqlType, from_duckdb, parse_type
from cleanroom_ml.engine.sql.types.table import BY_INTERNAL_NAME
from cleanroom_ml.naming import display, quote

logger = logging.getLogger(__name__)
_WORDED: Final[Mapping[str, tuple[int, str, str]]] = {
    "json": (100069, "22P02", "Error parsing JSON: the text is no JSON document, or an object in it has a key twice"),
    "duplicatekey": (100072, "22000", "Duplicate field key in an object"),
    "notanarray": (100107, "22000", "Not an array, or an array that is too long"),
    "moment": (100035, "22007", "Date, time or timestamp is not recognized"),
    "interval": (2, "0A000", "Unsupported feature 'an INTERVAL as a text or a VARIANT'."),
    "notaninterval": (100035, "22007", "Interval is not recognized"),
    "notanobject": (100103, "22000", "Not an object, or arrays of keys and values of different lengths"),
    "division": (100051, "22012", "Division by zero"),
    "floating": (100064, "22000", "Invalid floating point operation"),
    "format": (100140, "22007", "Can't parse a value as number with the format that is given"),
    "duplicate": (100090, "42P18", "Duplicate row detected during DML action"),
    "url": (100139, "22000", "Error parsing URL: scheme not specified"),
    "ip": (100141, "22000", "Error parsing IP: the address is not a valid one"),
    "function": (
        100357,
        "P0000",
        "Python Interpreter Error:\nA function gave no answer, or one that is none of its type",
    ),
    "zone": (100256, "22007", "Unknown time zone"),
    "state": (
        1014,
        "22023",
        "Invalid value for a function of approximations: no state of its kind, or two that differ",
    ),
    "noskip": (
        1014,
        "22023",
        "AFTER MATCH SKIP TO a symbol that no row of the match has, or that is that of its first row",
    ),
    "binary": (100115, "22000", "The following string is not a legal value of its format"),
}
"""What is raised as `cleanroom:<kind>`, by templates and by workers' functions (sql/values/table.py); no message has a
value in it.
"""
_UNFIT: Final[Mapping[str, tuple[int, str, str]]] = {
    "groups": (1003, "42000", f"{COMPILATION}An aggregate function is not a valid group by expression"),
    "nested": (1003, "42000", f"{COMPILATION}Aggregate functions cannot be nested."),
    "where": (1003, "42000", f"{COMPILATION}Invalid aggregate function in where clause"),
    "position": (1003, "42000", f"{COMPILATION}A position in ORDER BY or GROUP BY is none of a column."),
    "branches": (1789, "42601", f"{COMPILATION}invalid number of result columns for set operator input branches"),
    "qualify": (1003, "42000", f"{COMPILATION}found no window function within the QUALIFY clause predicate"),
    "outside": (
        2303,
        "42601",
        f"{COMPILATION}A window function appears outside of SELECT, QUALIFY, and ORDER BY clauses.",
    ),
    "grouping": (1003, "42000", f"{COMPILATION}GROUPING function without a GROUP BY"),
    "ungrouped": (1003, "42000", f"{COMPILATION}GROUPING function without a GROUP BY, or outside of HAVING and SELECT"),
    "natural": (1003, "42000", f"{COMPILATION}NATURAL JOIN of sources without a column of the same name."),
    "inside": (1003, "42000", f"{COMPILATION}A window function is no argument of an aggregate function."),
    "width": (1003, "42000", f"{COMPILATION}A subquery has another number of columns than is expected there."),
    "constant": (1015, "22023", f"{COMPILATION}An argument of a function needs to be constant."),
    "fraction": (1003, "42000", f"{COMPILATION}A percentile is a constant between 0.0 and 1.0."),
    "rows": (90150, "22000", "Single-row subquery returns more than one row."),
    "frame": (2303, "42601", f"{COMPILATION}error: Invalid window frame."),
    "ntile": (2061, "22023", "NTILE argument must be at least 1"),
    "pattern": (100048, "2201B", "Invalid regular expression"),
}
_OPERATORS: Final = frozenset("+-*/%")
_UNSUPPORTED: Final[Mapping[str, str]] = {
    "digits": "MEDIAN or PERCENTILE_CONT with OVER, of numbers of more than 15 digits: cast them to FLOAT",
    "pivot": "PIVOT for ANY, or for a query, with NULL among the numbers that are to be columns",
    "partition": "CONDITIONAL_CHANGE_EVENT over a partition of more than 20000 rows",
    "matchedrows": "MATCH_RECOGNIZE whose matches of one partition have more than 2000000 rows",
    "drawn": "a window that is ordered or parted by random values here: draw them in a subquery",
    "again": "the alias of a random value in another clause here: draw it in a subquery",
    "windows": "a window function inside of another one: compute it in a subquery",
    "regexp": "a regular expression whose group cannot be told from the rest of its match here",
}

_UNRECOGNIZED: Final = {
    "NUMBER": (100038, "22018", "Numeric"),
    "FLOAT": (100038, "22018", "Numeric"),
    "BOOLEAN": (100037, "22018", "Boolean"),
    "DATE": (100040, "22007", "Date"),
    "TIME": (100108, "22007", "Time"),
    "TIMESTAMP_NTZ": (100035, "22007", "Timestamp"),
    "TIMESTAMP_LTZ": (100035, "22007", "Timestamp"),
    "TIMESTAMP_TZ": (100035, "22007", "Timestamp"),
}
"""Snowflake's code, SQL state and word for a value that is no value of a type."""


def from_answer(error: object, compiled: Compiled, columns: Sequence[tuple[str, SqlType]], query_id: str) -> SqlError:
    """The error that the `error` part of an answer means."""
    if not isinstance(error, Mapping):
        return SqlError.internal(query_id)
    kind = error.get("kind")
    if not isinstance(kind, str):
        return SqlError.internal(query_id)
    name = error.get("name")
    named = name if isinstance(name, str) and quote(name) in compiled.sql and not _is_ours(name) else None
    position = error.get("column")
    column = (
        columns[position][0]
        if isinstance(position, int) and not isinstance(position, bool) and 0 <= position < len(columns)
        else None
    )
    where = f" in column '{column}'" if column is not None else ""
    if kind == "file" or (kind == "other" and compiled.staged):
        # Of a statement that reads no file of a client's, the text only looked like that: it may quote values.
        return (
            SqlError.unreadable(compiled.staged) if compiled.staged else SqlError.bad_value("A value cannot be read.")
        )
    if kind == "depth":
        return SqlError.too_deep()
    value = error.get("value")
    quoted = value[:300] if compiled.quoting and isinstance(value, str) else None
    if kind == "moment" and quoted is not None:
        return _unrecognized(error.get("target"), where, quoted)
    if kind == "nanoseconds":
        return TooFineValue()
    if kind in _WORDED:
        return SqlError(*_WORDED[kind])
    if kind in _UNSUPPORTED:
        return SqlError.unsupported(_UNSUPPORTED[kind])
    if kind == "length":
        return SqlError(100078, "22000", f"String is too long and would be truncated{where}")
    if kind == "range":
        return SqlError(100132, "22003", f"Number out of representable range{where}")
    if kind == "size":
        which = f"value '{quoted}'" if quoted is not None else "value"
        return SqlError(100039, "22003", f"Numeric {which} is out of range{where if quoted is None else ''}")
    if kind == "conversion":
        return _unrecognized(error.get("target"), where, quoted)
    if kind == "column":
        return SqlError.invalid_identifier(display(named) if named else "?")
    if kind == "ambiguous":
        return SqlError(2006, "42601", f"{COMPILATION}ambiguous column name '{named or '?'}'")
    if kind == "group_by":
        return SqlError(
            979,
            "42601",
            f"{COMPILATION}'{named or 'an expression'}' in select clause is neither an aggregate nor in the group by clause.",  # noqa: E501
        )
    if kind in _UNFIT:
        return SqlError(*_UNFIT[kind])
    if kind in {"arguments", "unlike"}:
        return _unfit(error)
    if kind == "types":
        return SqlError(1044, "42P13", f"{COMPILATION}Invalid argument types or number of columns in the statement.")
    if kind == "denied":
        return SqlError(3001, "42501", "SQL access control error:\nInsufficient privileges for this statement.")
    if kind == "memory":
        return SqlError.out_of_memory()
    if kind == "disk":
        return SqlError(
            300005, "53100", "The statement's result or temporary data is larger than the warehouse's disk."
        )
    if kind in {"unsupported", "no_result"}:
        return SqlError.unsupported("this combination of constructs")
    logger.error("query %s: a worker said %r, which is not known", query_id, kind[:40])
    return SqlError.internal(query_id)


def _is_ours(name: str) -> bool:
    """Whether the translation gave a name: such begin with `_` and have no capitals, as names without quotes have."""
    return name.startswith("_") and name == name.lower()


def _unfit(error: Mapping[str, object]) -> SqlError:
    """Arguments or operands of types that do not go together: only names of Snowflake's own come through."""
    types = error.get("types")
    given = [_named(each) for each in types[:20]] if isinstance(types, list) else []
    function = error.get("function")
    if error.get("kind") == "unlike" and len(given) == 2:
        text = f"Can not convert a value of type [{given[0]}] into expected type [{given[1]}]"
    elif isinstance(function, str) and (function in _OPERATORS or function.upper() in FUNCTIONS):
        text = f"Invalid argument types for function '{function.upper()}': ({', '.join(given)})"
    else:
        text = "Invalid argument types or number of columns in the statement."
    return SqlError(1044, "42P13", COMPILATION + text)


def _named(target: object) -> str:
    """A type by Snowflake's name, without its parameters."""
    text = str(target).removesuffix("_LITERAL")
    return from_duckdb({"STRING": "VARCHAR"}.get(text, text)).name


def from_worker(error: WorkerError, query_id: str, timeout: float) -> SqlError:
    """The error that a call without an answer means."""
    if isinstance(error, WorkerCancelled):
        return SqlError.cancelled()
    if isinstance(error, WorkerTimeout):
        return SqlError.timed_out(timeout)
    if isinstance(error, WorkerCrashed) and error.out_of_memory:
        return SqlError.out_of_memory()
    # A failure's text may quote data; that of a worker which could not serve at all is about the machine.
    logger.error("query %s: %s", query_id, error if isinstance(error, WorkerCrashed) else type(error).__name__)
    return SqlError.internal(query_id)


def _unrecognized(target: object, where: str, quoted: str | None) -> SqlError:
    """A value that is none of its type's. Snowflake's message quotes the value, here where the caller may see it."""
    found = _type(target)
    what = _UNRECOGNIZED.get(found.partition("(")[0])
    if what is None:
        return SqlError.bad_value(f"A value cannot be converted to {found}{where}")
    code, sqlstate, named = what
    if quoted is not None:
        subject = f"{named} '{quoted}'" if named in {"Date", "Time", "Timestamp"} else f"{named} value '{quoted}'"
        return SqlError(code, sqlstate, f"{subject} is not recognized")
    return SqlError(code, sqlstate, f"{named} value is not recognized{where}")


def _type(target: object) -> str:
    """A DuckDB type's name as Snowflake's; what is no type is not said."""
    if not isinstance(target, str):
        return "the type that is needed"
    internal = BY_INTERNAL_NAME.get(target)
    try:
        return str(parse_type(target if internal is None else internal.name))
    except ValueError:
        return "the type that is needed"
