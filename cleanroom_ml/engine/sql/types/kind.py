"""The little that translation knows of a value's type: enough to treat JSON, text, dates and numbers as Snowflake
does. Of a number it knows which: `Number` is NUM with its precision and scale.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal

MAX_PRECISION: Final = 38
MAX_SCALE: Final = 37


class Number(str):
    """NUM (it equals it), of which precision and scale are known: a NUMBER; without a scale: a FLOAT.

    In DuckDB a FLOAT is a DOUBLE, a NUMBER a DECIMAL of its scale, or any type of whole numbers where that is 0.
    """

    precision: int
    scale: int | None

    def __new__(cls, precision: int = 0, scale: int | None = None) -> Number:
        made = super().__new__(cls, "NUM")
        made.precision = precision
        made.scale = scale
        return made

    @property
    def leading(self) -> int:
        """Digits before the point."""
        return self.precision - (self.scale or 0)


class Text(str):
    """TEXT (it equals it) of at most so many characters."""

    length: int

    def __new__(cls, length: int) -> Text:
        made = super().__new__(cls, "TEXT")
        made.length = length
        return made


class Seconds(str):
    """A moment or a time (it equals the kind of those) that is declared to have so many digits of a second."""

    digits: int

    def __new__(cls, kind: Kind, digits: int = 0) -> Seconds:  # a copy gets its digits with its other attributes
        made = super().__new__(cls, kind)
        made.digits = digits
        return made


class Document(str):
    """JSON (it equals it), of which it is known that it is an ARRAY or an OBJECT: `name`."""

    name: str

    def __new__(cls, name: str) -> Document:
        made = super().__new__(cls, "JSON")
        made.name = name
        return made


class Kept(str):
    """A value that is kept and given back, and with which nothing is computed: `text` is its type."""

    text: str

    def __new__(cls, text: str) -> Kept:
        made = super().__new__(cls, "KEPT")
        made.text = text
        return made


Kind = (
    Literal["JSON", "TEXT", "NUM", "DATE", "TIMESTAMP", "TZ", "TIME", "INTERVAL", "BINARY", "OTHER"]
    | Literal["FINE TIMESTAMP", "FINE TZ", "FINE TIME"]
    | Number
    | Text
    | Seconds
    | Document
    | Kept
)

JSON: Final = "JSON"
ARRAY: Final = Document("ARRAY")
OBJECT: Final = Document("OBJECT")
TEXT: Final = "TEXT"
NUM: Final = "NUM"
DATE: Final = "DATE"
TIMESTAMP: Final = "TIMESTAMP"
TZ: Final = "TZ"
"""A TIMESTAMP_TZ; the other two are TIMESTAMP."""
TIME: Final = "TIME"
FINE_TIMESTAMP: Final = "FINE TIMESTAMP"
FINE_TZ: Final = "FINE TZ"
FINE_TIME: Final = "FINE TIME"
FINE: Final[Mapping[Kind, Kind]] = {TIMESTAMP: FINE_TIMESTAMP, TZ: FINE_TZ, TIME: FINE_TIME}
"""Moments with nanoseconds (types/fine.py): a kind of their own, so that what does not know them refuses them."""
COARSE: Final[Mapping[Kind | None, Kind]] = {fine: kind for kind, fine in FINE.items()}
_MOMENTS: Final[Mapping[Kind | None, Kind]] = {kind: kind for kind in (*FINE, *COARSE.keys()) if kind is not None}
INTERVAL: Final = "INTERVAL"
BINARY: Final = "BINARY"
OTHER: Final = "OTHER"
FLOAT: Final = Number()

NO_NUMBERS: Final[frozenset[str]] = frozenset({OTHER, DATE, TIME, TIMESTAMP, TZ, *FINE.values(), BINARY})
"""Values of these become numbers only by a cast, if at all (sql-reference/data-type-conversion)."""
_NAMES: Final[Mapping[str, str]] = {
    JSON: "VARIANT",
    TEXT: "VARCHAR",
    NUM: "NUMBER",
    TZ: "TIMESTAMP_TZ",
    OTHER: "BOOLEAN",
}
"""Of those that are not called by Snowflake's own name of the type."""


def name_of(kind: Kind | None) -> str:
    """What errors call values of a kind: Snowflake's name of the type; `?` where nothing is known of them."""
    match kind:
        case None:
            return "?"
        case Document():
            return kind.name
        case Kept():
            return kind.text
        case _:
            coarse = COARSE.get(kind, kind)
            return _NAMES.get(coarse, coarse)


def number(leading: int, scale: int) -> Number:
    """A NUMBER of so many digits, as many as one can have."""
    scale = min(scale, MAX_SCALE)
    return Number(max(1, min(MAX_PRECISION, leading + scale)), scale)


WHOLE: Final = Number(38, 0)
"""NUMBER(38,0): what functions give that count."""


def is_whole(kind: Kind | None) -> bool:
    """Whether it is known to be a NUMBER without digits after the point."""
    return isinstance(kind, Number) and kind.scale == 0


def common(kinds: Iterable[Kind | None]) -> Kind | None:
    """The kind of what is one of these (CASE, COALESCE, UNION); None: it is not known."""
    given = list(kinds)
    numbers = [kind for kind in given if isinstance(kind, Number)]
    if given and len(numbers) == len(given):
        scales = [kind.scale for kind in numbers]
        known = [scale for scale in scales if scale is not None]
        if len(known) < len(scales):
            return FLOAT
        return number(max(kind.leading for kind in numbers), max(known))
    if not given or any(kind != given[0] for kind in given):
        return None
    if given[0] == TEXT:
        texts = [kind.length for kind in given if isinstance(kind, Text)]
        return Text(max(texts)) if len(texts) == len(given) else TEXT
    if isinstance(given[0], Seconds):
        digits = [kind.digits for kind in given if isinstance(kind, Seconds)]
        return Seconds(given[0], max(digits)) if len(digits) == len(given) else of_any_digits(given[0])
    if isinstance(given[0], Kept):
        return given[0] if len({kind.text for kind in given if isinstance(kind, Kept)}) == 1 else None
    if given[0] == JSON:
        return given[0] if len({getattr(kind, "name", JSON) for kind in given}) == 1 else JSON
    return NUM if given[0] == NUM else given[0]


def of_any_digits(kind: Kind | None) -> Kind | None:
    """The same kind without the digits of a second that a type declares."""
    return _MOMENTS.get(kind, kind)


def widened(kind: Kind | None) -> Kind | None:
    """The kind of values like these, of as many digits as there can be."""
    if kind == TEXT:
        return TEXT
    if isinstance(kind, Seconds):
        return of_any_digits(kind)
    exact = isinstance(kind, Number) and kind.scale is not None
    return Number(MAX_PRECISION, kind.scale) if isinstance(kind, Number) and exact else kind
