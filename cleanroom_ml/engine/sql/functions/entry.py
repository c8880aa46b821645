"""How an entry of the function table is written: what a function is called, what it takes and gives, and what it is
in DuckDB.

An entry's `sql` is a template (`{0}` is the first argument, `{*}` all of them), several templates, of which the one
with as many slots as there are arguments is taken, or a builder: it is given the rewritten arguments and gives a node.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from sqlglot import exp

from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.catalog import ContextValues, RowsSource, TableSource
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.numbers import whole_number
from cleanroom_ml.engine.sql.tree.arithmetic import IN_BIGINT, as_number, as_whole
from cleanroom_ml.engine.sql.tree.dialect import SLOT, Node, raw
from cleanroom_ml.engine.sql.tree.fine import refuse
from cleanroom_ml.engine.sql.tree.kinds import as_json, as_text, as_truth, as_variant, kind_of, literal_text, order_key
from cleanroom_ml.engine.sql.types.kind import (
    BINARY,
    COARSE,
    DATE,
    JSON,
    NO_NUMBERS,
    NUM,
    TEXT,
    TIME,
    TIMESTAMP,
    TZ,
    Document,
    Kind,
    Number,
    name_of,
)

VALUE: Final = "VALUE"
"""Taken as a VARIANT: what it is of."""
KEY: Final = "KEY"
"""Taken as by what it is ordered."""
TRUTH: Final = "TRUTH"
"""Taken as a BOOLEAN."""
Taken = Kind | Literal["VALUE", "KEY", "TRUTH"] | None
Builder = Callable[[Sequence[Node]], Node]
Takes = Taken | tuple[Taken, ...]
"""What arguments are taken as: TEXT (JSON strings without their quotes), JSON, NUM (text and VARIANTs as FLOATs), VALUE
(any value as a VARIANT), anything else as it is. One for all arguments, or one each, of which the last is that of all
further ones.
"""
Gives = Kind | int | Callable[[Kind | None], Kind | None] | None
"""The kind of what a template gives; a number: that argument's kind; a function: of the kind of what it is over. A
builder says it itself.
"""
Count = int | tuple[int, int | None]
"""How many arguments: exactly, or (fewest, most or None)."""
Relation = tuple[Node, Mapping[str, Kind | None]]
"""A table function's rows as a FROM item, and the kinds of its columns."""


@dataclass(frozen=True, slots=True)
class Function:
    """What every function of the table has: its `names`, separated by spaces, and how many arguments it takes."""

    names: str
    arguments: Count = 1

    def check_count(self, name: str, given: int) -> None:
        """Raises SqlError: it does not take as many arguments."""
        count = self.arguments
        least, most = (count, count) if isinstance(count, int) else count
        if given < least:
            raise SqlError.too_few_arguments(name, least, given)
        if most is not None and given > most:
            raise SqlError.too_many_arguments(name, most, given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar(Function):
    """A function of values, or of the session.

    Args:
        words: sqlglot's nodes that mean a call of it without parentheses (`CURRENT_DATE`).
        part: the position of the argument that may be a bare word, a date part, or None.
        arrange: puts the arguments in order before they are rewritten.
        numbered: what it is in a query over a GENERATOR, of the column that numbers its rows and the arguments.
        session: it is this value of the session; where there are arguments, `sql` has it before them.
        wide: it takes whole numbers of 38 digits; other functions are DuckDB's, which take 64 bits, or fail.
        star: a star stands for the names and values of all columns.
        columns: a star stands for all columns.
        refuses: a kind that Snowflake's function takes, and this one does not.
        asked: it is this value of the session, for constant arguments.
        fine: it takes moments with nanoseconds; what does not, and takes them as no text or VARIANT, refuses them.
        variants: its first argument has to be a VARIANT, or what becomes one by itself.
    """

    sql: str | tuple[str, ...] | Builder = "NULL"
    takes: Takes = None
    gives: Gives = None
    words: tuple[str, ...] = ()
    part: int | None = None
    arrange: Callable[[list[Node]], list[Node]] | None = None
    numbered: Callable[[Node, Sequence[Node]], Node] | None = None
    session: Callable[[ContextValues], Value] | None = None
    wide: bool = False
    star: bool = False
    columns: bool = False
    refuses: Kind | None = None
    asked: Callable[[ContextValues, Sequence[Node]], Value] | None = None
    variants: bool = False
    fine: bool = False

    def call(self, name: str, arguments: Sequence[Node]) -> Node:
        """Its call with these rewritten arguments. Raises SqlError."""
        self.check_count(name, len(arguments))
        if self.refuses is not None and any(kind_of(argument) == self.refuses for argument in arguments):
            raise SqlError.unsupported(f"{name} of {name_of(self.refuses)}")
        check_coercible(name, arguments, self.takes)
        if not self.fine:
            refuse_nanoseconds(name, arguments, self.takes)
        if self.variants and any(kind_of(arguments[0]) == kind for kind in _NO_VARIANTS):
            raise SqlError(1044, "42P13", f"SQL compilation error:\nInvalid argument types for function '{name}'")
        values = taken(arguments, self.takes)
        if not self.wide:
            values = [_narrow(value) for value in values]
        if callable(self.sql):
            return self.sql(values)
        return raw(fitting(self.sql, len(values)), *values, kind=kind_given(self.gives, arguments))


class Frame(enum.Enum):
    """A frame of rows, from the partition's first: to its last, or to the current one."""

    PARTITION = "FOLLOWING"
    SO_FAR = "CURRENT ROW"


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate(Function):
    """An aggregate or window function; see aggregating.py. In its template `{order}` is where the ORDER BY of WITHIN
    GROUP goes, `{of}` what is ordered, `{nulls}` IGNORE NULLS.

    Args:
        json: its template for a VARIANT, in which `{key}` is by what it is ordered; None: the same as for others.
        outer: a template that wraps the call with its OVER clause.
        around: the same as a function of the call and the arguments.
        ordered: takes WITHIN GROUP.
        window_only: needs OVER.
        separator: takes a text between values, by default none.
        drop_nulls: NULLs are no values of it.
        star: takes `*`.
        rows: it takes several values, which count as one unless one of them is NULL.
        distinct: it is of distinct values, whether DISTINCT is written or not.
        between: what it gives may lie between two values: three digits more than they have.
        most: the largest value that it is computed of; a larger one fails.
        divided_by: a second template: what it gives is the quotient of both.
        more_over: with OVER the quotient has so many digits more than what is divided, and is cut.
        frame: the frame that its window has where none is written, in place of that of the standard.
        needs_order: its window has to be ordered.
        whole: with OVER it is of whole partitions: it takes no ORDER BY there, and no frame.
        of: the function of values of whose calls it is an aggregate, by its name.
        fine: as of a Scalar.
        constant: the place of an argument that is a constant whole number, the least and the greatest that it is.
        each: makes one value of its arguments, of each row, of which `sql` is then; DISTINCT says nothing to it.
        over: what it is with OVER, where that is another.
        grouped: it takes no OVER here.
    """

    sql: str | tuple[str, ...] | Callable[[Sequence[Node]], str]
    takes: Takes = None
    gives: Gives = None
    json: str | None = None
    outer: str | None = None
    around: Callable[[Node, Sequence[Node]], Node] | None = None
    ordered: bool = False
    window_only: bool = False
    separator: bool = False
    drop_nulls: bool = False
    star: bool = False
    rows: bool = False
    distinct: bool = False
    between: bool = False
    most: int | None = None
    divided_by: str | None = None
    more_over: int | None = None
    frame: Frame | None = None
    needs_order: bool = False
    whole: bool = False
    of: str | None = None
    fine: bool = False
    constant: tuple[int, int, int] | None = None
    each: Builder | None = None
    over: Aggregate | None = None
    grouped: bool = False


class TableArguments(Protocol):
    """How a table function reads its arguments."""

    def scan(self, source: TableSource | RowsSource) -> Node:
        """Kept rows as a query."""

    def number(self, node: Node) -> int:
        """A constant whole number. Raises SqlError."""

    def text(self, node: Node) -> str:
        """A constant text. Raises SqlError."""

    def value(self, node: Node) -> Node:
        """An expression over what stands before the call in FROM, rewritten."""

    def result(self, query_id: str) -> TableSource | RowsSource | None:
        """The kept rows of an earlier statement."""

    def unnested(self, rows: str, arguments: Sequence[Node], this: str = "NULL") -> str:
        """What follows FROM to get the rows of a list, `rows`, a template of these arguments: each is `_row`, and
        beside it `_this`, which is computed once.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFunction(Function):
    """A function of FROM, made of its call. `numbered`: its rows have a number, `_GENERATED`."""

    build: Callable[[exp.Anonymous, TableArguments], Relation]
    numbered: bool = False


def taken(arguments: Sequence[Node], takes: Takes) -> list[Node]:
    """The arguments as what a function takes them as."""
    each = takes if isinstance(takes, tuple) else (takes,)
    return [_AS.get(each[min(n, len(each) - 1)], _as_it_is)(argument) for n, argument in enumerate(arguments)]


def check_coercible(name: str, arguments: Sequence[Node], takes: Takes) -> None:
    """Raises SqlError: an argument is cast to what the function takes only where the statement says so. An ARRAY, an
    OBJECT and a BINARY are no text by themselves, a BOOLEAN is no number (sql-reference/data-type-conversion).
    """
    each = takes if isinstance(takes, tuple) else (takes,)
    for place, argument in enumerate(arguments):
        wanted, kind = each[min(place, len(each) - 1)], kind_of(argument)
        if wanted == TEXT and (isinstance(kind, Document) or kind == BINARY):
            raise SqlError.arguments(name, f"{name_of(kind)} is no text, cast it with ::VARCHAR")
        if wanted == NUM and (isinstance(kind, Document) or kind in NO_NUMBERS):
            raise SqlError.arguments(name, f"{name_of(kind)} is no number")


def refuse_nanoseconds(name: str, arguments: Sequence[Node], takes: Takes) -> None:
    """Raises SqlError: an argument has nanoseconds, and is taken neither as a text nor as a VARIANT."""
    each = takes if isinstance(takes, tuple) else (takes,)
    places = ((each[min(place, len(each) - 1)], argument) for place, argument in enumerate(arguments))
    refuse(name, [argument for wanted, argument in places if wanted not in {TEXT, VALUE}])


_NO_VARIANTS: Final = (TEXT, DATE, TIME, TIMESTAMP, TZ, *COARSE, BINARY)
"""What becomes a VARIANT only by a cast (sql-reference/data-type-conversion)."""


def fewest(function: Function) -> int:
    """How many arguments it takes at least."""
    return function.arguments if isinstance(function.arguments, int) else function.arguments[0]


def kind_given(gives: Gives, values: Sequence[Node]) -> Kind | None:
    """The kind of what a function gives of these."""
    if isinstance(gives, int):
        return kind_of(values[gives])
    if callable(gives):
        return gives(kind_of(values[0]) if values else None)
    return gives


def constant_int(node: Node, what: str) -> int:
    """A whole number written as such. Raises SqlError naming `what` needs it."""
    negative = isinstance(node, exp.Neg)
    literal = node.this if negative else node
    while isinstance(literal, exp.Expr) and len(literal.expressions) == 1:
        literal = literal.expressions[0]
    number = None if not isinstance(literal, exp.Literal) or literal.is_string else whole_number(literal.this)
    if number is None:
        raise SqlError.unsupported(f"{what} with an argument that is not a constant whole number")
    return -number if negative else number


def constant_text(node: Node, what: str) -> str:
    """A text written as such. Raises SqlError naming `what` needs it."""
    text = literal_text(node)
    if text is None:
        raise SqlError.unsupported(f"{what} with an argument that is not a constant")
    return text


def _as_it_is(node: Node) -> Node:
    return node


def _narrow(node: Node) -> Node:
    kind = kind_of(node)
    wide = isinstance(kind, Number) and kind.scale == 0 and kind.precision > IN_BIGINT
    return as_whole(node, IN_BIGINT) if wide else node


_AS: Final[Mapping[Taken, Callable[[Node], Node]]] = {
    TEXT: as_text,
    JSON: as_json,
    NUM: as_number,
    VALUE: as_variant,
    KEY: order_key,
    TRUTH: as_truth,
}


def fitting(templates: str | tuple[str, ...], count: int) -> str:
    """The template of so many arguments."""
    if isinstance(templates, str):
        return templates
    fitting = [template for template in templates if len(set(SLOT.findall(template))) == count]
    return (fitting or templates)[0]
