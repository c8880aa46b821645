"""Functions of arrays, which workers have in Python (sql/values/arrays.py)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions.entry import VALUE, Function, Scalar
from cleanroom_ml.engine.sql.functions.variant import called, listed, texts
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.tree.kinds import as_text, as_variant, kind_of
from cleanroom_ml.engine.sql.types.kind import (
    ARRAY,
    BINARY,
    DATE,
    JSON,
    OBJECT,
    OTHER,
    TEXT,
    TIME,
    TIMESTAMP,
    TZ,
    WHOLE,
    Kind,
)

LIST: Final = "array"
ITEM: Final = "item"
SOUGHT: Final = "sought"
"""A VARIANT: texts, bytes, dates and moments have to be cast to be one (functions/array_contains.md)."""
NUMBER: Final = "number"
WORDS: Final = "words"
_Parameter = str
_NOT_COERCED: Final = frozenset({TEXT, BINARY, DATE, TIME, TIMESTAMP, TZ})


def _of(names: str, *parameters: _Parameter, gives: Kind = ARRAY) -> Scalar:
    """A function whose parameters are each an array, an item (any value), one that is sought, a number, or a text."""
    name = names.split()[0].lower()

    def build(args: Sequence[Node]) -> Node:
        for argument, parameter in zip(args, parameters, strict=True):
            if parameter == SOUGHT and kind_of(argument) in _NOT_COERCED:
                raise SqlError.arguments(name.upper(), "a VARIANT is sought, so cast the value with ::VARIANT")
        taken = [_taken(argument, parameter) for argument, parameter in zip(args, parameters, strict=True)]
        return raw(called(name, kind=gives), *taken, kind=gives)

    return Scalar(names, arguments=len(parameters), sql=build)


def _taken(argument: Node, parameter: _Parameter) -> Node:
    match parameter:
        case "array":
            return array(argument)
        case "item" | "sought":
            return texts(as_variant(argument))[0]
        case "number":
            return raw("CAST({0} AS BIGINT)", argument, kind=WHOLE)
        case _:
            return as_text(argument)


def array(argument: Node) -> Node:
    """An argument that is an ARRAY, as text. Raises SqlError: a constant that is none."""
    if isinstance(argument, exp.Null) or kind_of(argument) in {JSON, None}:
        return texts(argument)[0]
    raise SqlError.types("ARRAY")


def _construct(args: Sequence[Node]) -> Node:
    return raw(called("array_construct"), listed(*[as_variant(argument) for argument in args]), kind=ARRAY)


def _construct_compact(args: Sequence[Node]) -> Node:
    return raw(called("array_construct_compact"), listed(*[as_variant(argument) for argument in args]), kind=ARRAY)


def _sort(args: Sequence[Node]) -> Node:
    ascending = raw("CAST({0} AS BOOLEAN)", args[1]) if len(args) > 1 else exp.Boolean(this=True)
    first = raw("CAST({0} AS BOOLEAN)", args[2]) if len(args) > 2 else raw("(NOT {0})", ascending)
    return raw(called("array_sort"), array(args[0]), ascending, first, kind=ARRAY)


def _range(args: Sequence[Node]) -> Node:
    numbers = [_taken(argument, NUMBER) for argument in args]
    return raw(called("array_generate_range"), *numbers, *([exp.Literal.number(1)] * (3 - len(args))), kind=ARRAY)


def _zip(args: Sequence[Node]) -> Node:
    arrays = [array(argument) for argument in args]
    return raw(called("arrays_zip"), raw("CAST([{*}] AS VARCHAR[])", *arrays, kind=OTHER), kind=ARRAY)


def _tokens(args: Sequence[Node]) -> Node:
    delimiters = as_text(args[1]) if len(args) > 1 else exp.Literal.string(" ")
    return raw(called("strtok_to_array"), as_text(args[0]), delimiters, kind=ARRAY)


FUNCTIONS: Final[tuple[Function, ...]] = (
    Scalar("TO_ARRAY", sql="CAST(_sf_to_array(CAST({0} AS VARCHAR)) AS JSON)", takes=VALUE, gives=ARRAY),
    Scalar("ARRAY_CONSTRUCT", arguments=(0, None), sql=_construct, fine=True),
    Scalar("ARRAY_CONSTRUCT_COMPACT", arguments=(0, None), sql=_construct_compact, fine=True),
    _of("ARRAY_SIZE", SOUGHT, gives=WHOLE),  # of a VARIANT that is no array it is NULL
    _of("ARRAY_CONTAINS", SOUGHT, LIST, gives=OTHER),
    _of("ARRAY_POSITION", SOUGHT, LIST, gives=WHOLE),
    _of("ARRAY_SLICE", LIST, NUMBER, NUMBER),
    _of("ARRAY_CAT", LIST, LIST),
    _of("ARRAY_APPEND", LIST, ITEM),
    _of("ARRAY_PREPEND", LIST, ITEM),
    _of("ARRAY_INSERT", LIST, NUMBER, ITEM),
    _of("ARRAY_REMOVE", LIST, SOUGHT),
    _of("ARRAY_REMOVE_AT", LIST, NUMBER),
    _of("ARRAY_COMPACT", LIST),
    _of("ARRAY_DISTINCT", LIST),
    _of("ARRAY_EXCEPT", LIST, LIST),
    _of("ARRAY_INTERSECTION", LIST, LIST),
    _of("ARRAYS_OVERLAP", LIST, LIST, gives=OTHER),
    _of("ARRAY_FLATTEN", LIST),
    _of("ARRAY_MIN", LIST, gives=JSON),
    _of("ARRAY_MAX", LIST, gives=JSON),
    _of("ARRAY_REVERSE", LIST),
    _of("ARRAY_REPEAT", ITEM, NUMBER),
    _of("ARRAYS_TO_OBJECT", LIST, LIST, gives=OBJECT),
    Scalar("ARRAYS_ZIP", arguments=(1, None), sql=_zip),
    Scalar("ARRAY_SORT", arguments=(1, 3), sql=_sort),
    Scalar("ARRAY_GENERATE_RANGE", arguments=(2, 3), sql=_range),
    _of("ARRAY_TO_STRING", LIST, WORDS, gives=TEXT),
    _of("SPLIT", WORDS, WORDS),
    Scalar("STRTOK_TO_ARRAY", arguments=(1, 2), sql=_tokens),
)
