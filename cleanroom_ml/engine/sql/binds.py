"""Values bound to a statement: `?` and `:1` by position, `:name` by name, whole columns for a batch insert."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.numbers import whole_number


@dataclass(frozen=True, slots=True)
class FineMoment:
    """A moment or time of day to the microsecond, and the nanoseconds after that: Python's own have none."""

    whole: datetime.datetime | datetime.time
    nanos: int


Scalar = (
    None | bool | int | float | str | bytes | Decimal | datetime.date | datetime.time | datetime.datetime | FineMoment
)
Value = Scalar | list[Any] | dict[str, Any]
"""A value of SQL. Any: ARRAY and OBJECT hold whatever JSON does."""


class Variant(str):
    """The own text of a VARIANT, ARRAY or OBJECT (values/json_text.py), as workers answer with it. It is bound as what
    it is: as a text it would be a VARCHAR, with the engine's marks in it.
    """

    __slots__ = ()


UNBOUND: Final = 2049
"""The code of what names a bound value that was not given."""
Option = Value | tuple[object, ...]
"""An option of a statement: a value, `(K = v …)` as an object, or `(a, b)` as a tuple of options."""


@dataclass(frozen=True, slots=True)
class StagedRows:
    """The rows of a batch that a client has put into a stage as CSV files, as drivers do with many: the stage's name,
    and the path of the files.
    """

    stage: tuple[str, ...]
    path: str


@dataclass(frozen=True, slots=True)
class Binds:
    """Bound values, already Python values of the right kind (the protocol room decodes the wire's text).

    `positional` are the values of `?` and `:1`…; `named` those of `:name` (keys in upper case); `rows` are the rows
    of a batch, each as
    long as the statement has `?`, `staged` where they lie instead of that. `variables` are the session's (`$NAME`;
    keys in upper case). `describing`: clients ask what a statement gives before they bind anything, and what is not
    bound is NULL.
    """

    positional: tuple[Value, ...] = ()
    named: Mapping[str, Value] = field(default_factory=dict)
    rows: tuple[tuple[Scalar, ...], ...] | None = None
    staged: StagedRows | None = None
    variables: Mapping[str, Value] = field(default_factory=dict)
    describing: bool = False

    @property
    def is_batch(self) -> bool:
        """Whether there are many rows of values, for as many executions."""
        return self.rows is not None or self.staged is not None

    @classmethod
    def of(cls, *values: Value, **named: Value) -> Binds:
        return cls(tuple(values), {name.upper(): value for name, value in named.items()})

    @classmethod
    def batch(cls, rows: Iterable[Iterable[Scalar]]) -> Binds:
        return cls(rows=tuple(tuple(row) for row in rows))

    def value(self, name: str) -> Value:
        """The value of a placeholder: its number from 1, or its name.

        Raises:
            SqlError: nothing is bound to it.
        """
        if name[:1].isdecimal():
            number = whole_number(name)
            if number is not None and 1 <= number <= len(self.positional):
                return self.positional[number - 1]
            if self.describing:
                return None
            raise SqlError(UNBOUND, "42601", f"SQL compilation error: error\nBind variable ? ({name[:20]}) not set.")
        upper = name.upper()
        if upper in self.named:
            return self.named[upper]
        if self.describing:
            return None
        raise SqlError(UNBOUND, "42601", f"SQL compilation error: error\nBind variable :{name[:100]} not set.")

    def variable(self, name: str) -> Value:
        """The value of the session variable `$name`.

        Raises:
            SqlError: there is none.
        """
        upper = name.upper()
        if upper not in self.variables:
            raise SqlError(
                2211, "02000", f"SQL compilation error: error\nSession variable '${upper[:100]}' does not exist"
            )
        return self.variables[upper]


NO_BINDS = Binds()
