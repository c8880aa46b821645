"""What a column type is made of: one record says everything that the engine knows of it.

Nothing in here imports sqlglot or pyarrow: the worker reads these records as well as the front, so a rule over
expressions is a template, and an Arrow type is pyarrow's own name of it.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final, Literal, NamedTuple, Protocol

from cleanroom_ml.engine.sql.binds import Scalar, Value
from cleanroom_ml.engine.sql.types.kind import JSON, Kind
from cleanroom_ml.engine.sql.types.moment_casts import Moment


class Parameters(enum.Enum):
    """What a type may have in parentheses."""

    NONE = "none"
    NUMBER = "precision and scale"
    LENGTH = "length"
    SECONDS = "digits of a second"
    INTERVAL = "digits of its first field and of a second"
    IGNORED = "a number that says nothing"


class Sized(Protocol):
    """A type with its parameters: SqlType, as the rules of its record see it."""

    @property
    def precision(self) -> int | None: ...

    @property
    def scale(self) -> int | None: ...

    @property
    def length(self) -> int | None: ...


Taken = Literal["as it is", "as text", "as digits"]
InPython = Literal[
    "decimal", "float", "bool", "str", "bytes", "date", "time", "naive", "local", "aware", "any", "list", "dict"
]


class Cast(NamedTuple):
    """How a value is cast to a type: taken as text first (as digits: that of a number) or not, then put into a
    template, if any.

    In the template `{word}` is CAST or TRY_CAST, `{type}` the DuckDB type.
    """

    taken: Taken
    template: str | None
    kind: Kind | None

    def template_for(self, text: str) -> str:
        """The template around a piece of SQL text."""
        return text if self.template is None else self.template.replace("{0}", text)


AS_COMPUTED: Final = "as DuckDB computed it"
"""Of a number on the wire: a decimal stays one of as many digits, anything else is 64 bits."""
MEMBER: Final = "CASE WHEN typeof({value}) = 'JSON' THEN CAST({member} AS {type}) ELSE CAST({value} AS {type}) END"


def plain_cast(kind: Kind, value: Kind | None) -> Cast:
    """What DuckDB's own CAST does; a VARIANT's text loses its quotes."""
    return Cast("as text" if value == JSON else "as it is", "{word}({0} AS {type})", kind)


def plain_text(value: object) -> str:
    """A value as the text of a JSON rowset, where its type has no form of its own."""
    match value:
        case bool():
            return "true" if value else "false"
        case bytes() | bytearray():
            return value.hex().upper()
        case datetime():
            return value.isoformat(sep=" ")
        case date() | time():
            return value.isoformat()
        case dict() | list() | tuple():
            return json.dumps(value, ensure_ascii=False, default=str)
        case _:
            return str(value)


def read_text(value: object, _: Sized) -> Value:  # what a worker answered may be anything
    return str(value)


class ExactText(NamedTuple):
    """`text`: of a value, raising ValueError where none says it exactly (a UnicodeError is one); `made`: what DuckDB
    makes of `{text}` for a column of `{type}`.
    """

    text: Callable[[Value], str]
    made: str = "CAST({text} AS {type})"


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeRecord:
    """A column type.

    Args:
        name: Snowflake's name, by which the engine keeps it.
        synonyms: what else Snowflake calls it.
        given: what DuckDB calls columns of a result that are given as it, where that is no word of Snowflake's.
        kind: what translation treats its values as.
        parameters: what it may have in parentheses; `longest` is the default length, and the largest one unless `most`
            is.
        whole: those of its names that are NUMBER(38,0), whatever stands in parentheses.
        one_long: those of the synonyms whose default length is 1.
        characters: its length counts characters, not bytes.
        moment: which date, time or timestamp it is, if any: those are cast by types/moment_casts.py.
        duckdb: the DuckDB type that holds its values.
        internal: what only DuckDB's error messages call it.
        nested: how the names of DuckDB's nested types begin that are given as it.
        logical: its name on the wire; in small letters it is the `type` of a rowtype entry.
        standard: its name in INFORMATION_SCHEMA, where that is not `name`.
        seconds: digits of a second on the wire.
        write: a value as the text of a JSON rowset.
        bind: the value that a bound text of it means, or None: it cannot be bound.
        also_bound: other names that bound values of it have.
        stored: pyarrow's name of the type of its column in a table's Parquet object.
        sent: the same in a result.
        read: a value out of a worker's answer. Raises ValueError, TypeError or ArithmeticError: it is none.
        cast: how a value of a kind is cast to it.
        copied: how a staged `{value}` becomes one; `{member}` is its text where it is JSON.
        format: the file format option that says how its text is read.
        python: what a function in Python has for a value of it (warehouse/python_values.py).
        exact: how its values become texts that say them exactly, and values again; None: they do not.
    """

    name: str
    synonyms: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    kind: Kind
    parameters: Parameters = Parameters.NONE
    longest: int | None = None
    most: int | None = None
    whole: frozenset[str] = frozenset()
    one_long: frozenset[str] = frozenset()
    characters: bool = False
    moment: Moment | None = None
    duckdb: str | Callable[[Sized], str]
    python: InPython = "str"
    exact: ExactText | None = None
    internal: tuple[str, ...] = ()
    nested: tuple[str, ...] = ()
    logical: str | None = None
    standard: str | None = None
    seconds: int | None = None
    write: Callable[[object], str] = plain_text
    bind: Callable[[str], Scalar] | None = None
    also_bound: tuple[str, ...] = ()
    stored: str | Callable[[Sized], str] = "string"
    sent: str = "string"
    read: Callable[[Any, Sized], Value] = read_text  # Any: a reader raises where JSON made something else
    cast: Callable[[Sized, Kind | None], Cast] | None = None
    copied: str | Callable[[Sized], str] = MEMBER
    format: Literal["DATE_FORMAT", "TIMESTAMP_FORMAT"] | None = None

    def of(self, rule: str | Callable[[Sized], str], sized: Sized) -> str:
        """A rule that may depend on the parameters, for these."""
        return rule if isinstance(rule, str) else rule(sized)

    def cast_of(self, sized: Sized, value: Kind | None) -> Cast:
        """How a value of a kind is cast to it."""
        return plain_cast(self.kind, value) if self.cast is None else self.cast(sized, value)
