"""A function written in SQL, compiled as its calls will be."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from cleanroom_ml.engine.sql.catalog import ContextValues
from cleanroom_ml.engine.sql.compile.queries import compile_query
from cleanroom_ml.engine.sql.compiled import Compiled
from cleanroom_ml.engine.sql.resolve.identifiers import quoted
from cleanroom_ml.engine.sql.routines import UserFunction
from cleanroom_ml.engine.sql.tree.dialect import Node


def check(function: UserFunction) -> Compiled:
    """A call of a function with NULLs, for a warehouse to describe. Raises SqlError: its text cannot be compiled."""
    routine = function.routine
    nulls: list[Node] = [exp.Null() for _ in routine.parameters]
    call = exp.Anonymous(this=quoted(routine.name), expressions=nulls)
    if routine.returns is not None:
        return compile_query(exp.Select(expressions=[call]), _Alone(function))
    table = exp.Table(this=exp.Anonymous(this="TABLE", expressions=[call]))
    return compile_query(exp.Select(expressions=[exp.Star()], from_=exp.From(this=table)), _Alone(function))


class _Alone:
    """A catalog in which there is nothing but one function; what that names is in its own."""

    def __init__(self, function: UserFunction) -> None:
        self._function = function

    def source(self, parts: tuple[str, ...]) -> None:
        return None

    def functions(self, parts: tuple[str, ...]) -> Sequence[UserFunction]:
        return (self._function,)

    def context(self) -> ContextValues:
        return self._function.catalog.context()
