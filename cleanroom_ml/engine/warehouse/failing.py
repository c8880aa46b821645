"""What a worker says of DuckDB's errors: a kind and details, never DuckDB's text. The front reads it (failures.py)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import duckdb

from cleanroom_ml.engine.sql.types import checks
from cleanroom_ml.engine.sql.types.numbers import as_written

_MISSING = re.compile(r'(?:Referenced column|Column|Values list|Table|Referenced table) "((?:[^"]|"")*)"')
_MISSING_OF = re.compile(r'(?:Values list|Table) "(?:[^"]|"")*" does not have a column named "((?:[^"]|"")*)"')
_TARGET = re.compile(r"(?:to|type) ['\"]?([A-Z][A-Z0-9_]*(?:\([0-9, ]+\))?)")
_DAMAGED = re.compile(
    r"(?i)magic bytes|failed to read file|malformed json in file|invalid string encoding|parquet|corrupt"
)
_DISK = re.compile(r"(?i)no space|disk full|disk quota|could not write|failed to offload|temp")
_FIELD = re.compile(r"^[^\n:]*: (date|timestamp|time) field value")
_RANGE = re.compile(r"^(?![^\n]*field value)[^\n]*(?:out of range|Could not cast value -?[0-9.]+ to DECIMAL)")
_FUNCTION = re.compile(r"given name and argument types '([^'(]+)\((.*?)\)'\.")
_UNLIKE = re.compile(
    r"(?:values of type|Cannot combine types of) ([A-Z_]+(?:\([0-9,]+\))?) and (?:type )?([A-Z_]+(?:\([0-9,]+\))?)"
)
_CAST = re.compile(r"Unimplemented type for cast \(([A-Z_ ]+(?:\([0-9,]+\))?) -> ([A-Z_ ]+(?:\([0-9,]+\))?)\)")
_REGEXP = re.compile(
    r"Error: (?:missing [)\]]|no argument for repetition|invalid (?:escape|character class|perl operator|"
    r"repetition|named capture)|bad repetition|unexpected \)|trailing \\|pattern too large)"
)
_SAID: Final = {
    "groups": "GROUP BY clause cannot contain aggregates",
    "windows": "window function calls cannot be nested",
    "nested": "aggregate function calls cannot be nested",
    "where": "WHERE clause cannot contain aggregates",
    "position": "term out of range",
    "branches": "same number of result columns",
    "qualify": "at least one window function must appear",
    "outside": "clause cannot contain window functions",
    "grouping": "GROUPING statement cannot be used without groups",
    "ungrouped": "GROUPING function is not supported here",
    "natural": "No columns found to join on in NATURAL JOIN",
    "inside": "cannot contain window function calls",
    "drawn": "window expressions cannot be volatile",
    "again": "expression has side effects",
    "width": "columns - expected",
    "constant": "must be a constant expression",
    "fraction": "can only take parameters in",
}
"""The kind of an answer → DuckDB's words for it."""
_ALSO_SAID: Final = {
    "rows": "More than one row returned by a subquery",
    "frame": "Parser Error: Frame ",
    "windows": "window functions are not allowed in window definitions",
    "ntile": "Argument for ntile must be",
}
"""The same of errors that are none of the binder's."""
_QUOTED: Final = 2000
"""How much of an error's text is looked at for the value that it quotes."""
_VALUE = re.compile(r"""^[^\n'":]*: Could not convert string (?P<mark>['"])(?P<value>[^\n]*)(?P=mark) to [A-Z]""")
_NUMBER = re.compile(r"\s*+[+-]?+(?:\d++\.?+\d*+|\.\d++)(?>(?:[eE][+-]?\d+)?)\s*+\Z")
_GIVEN = re.compile(r"cleanroom:moment\n(?P<target>[A-Z]+)\n(?P<value>[^\n]*)")
_OURS = re.compile(r"cleanroom:([a-z]+)(?::(\d+))?")
_FAILED = re.compile(checks.FAILED)

_STREAMED: Final[Mapping[str, type[duckdb.Error]]] = {
    "Conversion Error": duckdb.ConversionException,
    "Invalid Input Error": duckdb.InvalidInputException,
    "Out of Range Error": duckdb.OutOfRangeException,
    "Out of Memory Error": duckdb.OutOfMemoryException,
    "Mismatch Type Error": duckdb.TypeMismatchException,
    "IO Error": duckdb.IOException,
    "Permission Error": duckdb.PermissionException,
    "Not implemented Error": duckdb.NotImplementedException,
}
"""What DuckDB's texts begin with → its exceptions."""


def streamed(error: Exception) -> duckdb.Error | None:
    """DuckDB's error that Arrow tells as its own; None: it is none.

    What DuckDB finds when rows have already been read comes through Arrow's stream, as an OSError without a number
    whose text is DuckDB's. One of the system has a number.
    """
    if isinstance(error, OSError) and error.errno is not None:
        return None
    text = str(error)
    made = _STREAMED.get(text.partition(":")[0])
    return None if made is None else made(text)


def target_of(text: str) -> str | None:
    """The type that a value should have become, by an error's text."""
    return _first(_TARGET, text)


def failure(error: duckdb.Error, *, quoting: bool = False) -> dict[str, object]:
    """What went wrong, without DuckDB's text: it quotes values, paths and names of other things. A value that is none
    of its type's comes with it only where whoever asks may see it (`quoting`).

    PermissionException means that the statement reached for what it was not handed. `name` is an identifier that the
    statement itself wrote (the front checks that it did), `target` a type's name.
    """
    text = str(error)
    ours = _OURS.search(text) if isinstance(error, duckdb.InvalidInputException) else None
    if isinstance(error, duckdb.ConversionException):
        ours = _FAILED.match(text)
    if ours is not None:
        column = ours.group(2) if ours.re is _OURS else None
        said: dict[str, object] = {"kind": ours.group(1), "column": int(column) if column else None}
        return said | _quoted(_GIVEN, text, quoting)
    told = next((kind for kind, said in _ALSO_SAID.items() if said in text), None)
    if told is not None and isinstance(error, duckdb.InvalidInputException | duckdb.ParserException):
        return {"kind": told}
    if isinstance(error, duckdb.InvalidInputException) and "ivision by zero" in text:
        return {"kind": "division"}
    if isinstance(error, duckdb.BinderException | duckdb.CatalogException):
        if "mbiguous" in text:
            return {"kind": "ambiguous", "name": _first(re.compile(r'"((?:[^"]|"")*)"'), text)}
        if "GROUP BY" in text and "cannot contain aggregates" not in text:
            return {"kind": "group_by", "name": _first(re.compile(r'column "((?:[^"]|"")*)"'), text)}
        name = _first(_MISSING_OF, text) or _first(_MISSING, text)
        return {"kind": "column", "name": name} if name is not None else _unfit(text)
    if isinstance(error, duckdb.PermissionException):
        return {"kind": "denied"}
    if isinstance(error, duckdb.InvalidInputException) and _REGEXP.search(text):
        return {"kind": "pattern"}
    if isinstance(error, duckdb.InvalidInputException) and _DAMAGED.search(text):
        return {"kind": "file"}
    if isinstance(error, duckdb.IOException):
        return {"kind": "disk" if _DISK.search(text) else "file"}
    if isinstance(
        error,
        duckdb.ConversionException
        | duckdb.OutOfRangeException
        | duckdb.InvalidInputException
        | duckdb.TypeMismatchException,
    ):
        unlike = _CAST.search(text)
        if unlike is not None:
            return {"kind": "unlike", "types": [unlike[1][:100], unlike[2][:100]]}
        kind = "conversion" if _RANGE.search(text) is None else "size"
        if isinstance(error, duckdb.OutOfRangeException):
            kind = "range"
        field = _first(_FIELD, text)
        target = field.upper() if field is not None else _first(_TARGET, text)
        value = _VALUE.search(text[:_QUOTED])
        if kind == "conversion" and (target or "").startswith("DECIMAL") and value and _NUMBER.match(value["value"]):
            kind = "size"  # a text that is a number, of more digits than the type has
        return {"kind": kind, "target": target} | _quoted(_VALUE, text, quoting and kind in {"conversion", "size"})
    if isinstance(error, duckdb.OutOfMemoryException):
        return {"kind": "memory"}
    if "Unknown TimeZone" in text:
        return {"kind": "zone"}
    if isinstance(error, duckdb.ParserException | duckdb.NotImplementedException):
        return {"kind": "unsupported"}
    return {"kind": "other"}


def _quoted(pattern: re.Pattern[str], text: str, quoting: bool) -> dict[str, object]:
    """The value that DuckDB's text, or a function's of ours, quotes; of the latter also the type that it should be."""
    found = pattern.search(text[:_QUOTED]) if quoting else None
    return {} if found is None else {name: as_written(value[:300]) for name, value in found.groupdict().items()}


def _unfit(text: str) -> dict[str, object]:
    """What does not fit together in a statement, by DuckDB's binder."""
    for kind, said in _SAID.items():
        if said in text:
            return {"kind": kind}
    found = _FUNCTION.search(text)
    if found is not None:
        return {"kind": "arguments", "function": found[1][:100], "types": _types(found[2])}
    unlike = _UNLIKE.search(text)
    if unlike is not None:
        return {"kind": "unlike", "types": [unlike[1][:100], unlike[2][:100]]}
    return {"kind": "types"}


def _types(listed: str) -> list[str]:
    return [each.strip()[:100] for each in re.split(r",\s*(?![^(]*\))", listed)[:20] if each.strip()]


def _first(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.search(text)
    return found.group(1)[:300] if found else None
