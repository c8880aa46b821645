"""More random feature SQL (feature_sql.py): over documents, moments, whole numbers of 38 digits and regular
expressions, each with what it is, written down in plain Python. Sources: user-guide/querying-semistructured,
data-types-numeric, and functions/array_contains, array_size, regexp_count, regexp_replace, regexp_substr, datediff.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from feature_sql import Expression, Row, Writer, column, literal, of_all

_WIDE: Final = (10**38 - 1, -(10**38) + 1, 10**37, 5, 0, -7)
_COLUMNS: Final = (
    "column1::int r, column2::int k, column3::number(2,0) i, column4::number(8,2) n, column5::number(9,4) m,"
    " column6::varchar s, column7::date d, column8::boolean b, parse_json(column9) v, column10::timestamp_ntz t,"
    " column11::number(38,0) w"
)


class DocumentWriter(Writer):
    """Writes expressions over the columns of `Writer`, and V (a document), T (a moment) and W (NUMBER(38,0))."""

    def rows(self, count: int) -> list[Row]:
        pick = self._random

        def document() -> dict[str, Any] | None:
            if pick.random() < 0.1:
                return None
            made: dict[str, Any] = {
                "n": Decimal(pick.randrange(-99999, 100000)).scaleb(-2),
                "t": pick.choice(("a", "Snow", "", "x-y", None)),
                "a": [pick.randrange(-3, 4) for _ in range(pick.randrange(4))],
            }
            return {key: value for key, value in made.items() if pick.random() > 0.15}

        start = datetime.datetime(2023, 12, 31, 22, 0)
        return [
            {
                **row,
                "V": document(),
                "T": None if pick.random() < 0.1 else start + datetime.timedelta(seconds=pick.randrange(200_000)),
                "W": pick.choice((*_WIDE, None)),
            }
            for row in super().rows(count)
        ]

    def number(self, depth: int) -> Expression:
        if depth == 0 or self._random.random() < 0.7:
            return super().number(depth)
        place, count = self._random.randrange(4), self._random.randrange(-90, 91)
        text = self.text(depth - 1)
        return self._random.choice(
            (
                Expression("v:n::number(8,2)", lambda row: _member(row, "n"), 6, 2),
                Expression("array_size(v:a)", lambda row: _counted(_member(row, "a")), 2, 0),
                Expression(f"v:a[{place}]::number(2,0)", lambda row: _item(_member(row, "a"), place), 2, 0),
                Expression("hour(t)", of_all(lambda t: Decimal(t.hour), column("T")), 2, 0),
                Expression(
                    f"datediff(hour, t, dateadd(minute, {count}, t))",
                    of_all(lambda t: Decimal(_hours(t + datetime.timedelta(minutes=count)) - _hours(t)), column("T")),
                    4,
                    0,
                ),
                Expression(
                    f"regexp_count({text.sql}, '[aeiou]')",
                    of_all(lambda a: Decimal(len(re.findall("[aeiou]", a))), text),
                    5,
                    0,
                ),
                Expression(f"regexp_instr({text.sql}, '[a-z]+')", of_all(_first_word, text), 5, 0),
            )
        )

    def text(self, depth: int) -> Expression:
        if depth == 0 or self._random.random() < 0.7:
            return super().text(depth)
        given = super().text(depth - 1)
        return self._random.choice(
            (
                Expression("v:t::varchar", lambda row: _member(row, "t")),
                Expression("to_varchar(t, 'YYYY-MM HH24')", of_all(lambda t: t.strftime("%Y-%m %H"), column("T"))),
                Expression(
                    f"regexp_replace({given.sql}, '[aeiou]', '_')",
                    of_all(lambda a: re.sub("[aeiou]", "_", a), given),
                ),
                Expression(
                    f"regexp_substr({given.sql}, '[a-z]+')",
                    of_all(lambda a: found[0] if (found := re.search("[a-z]+", a)) else None, given),
                ),
                Expression(f"coalesce({given.sql}, v:t::varchar)", _first_of(given)),
            )
        )

    def date(self, depth: int) -> Expression:
        if self._random.random() < 0.8:
            return super().date(depth)
        count = self._random.randrange(-50, 51)
        moved = of_all(lambda t: (t + datetime.timedelta(hours=count)).date(), column("T"))
        return Expression(f"dateadd(hour, {count}, t)::date", moved)

    def truth(self, depth: int) -> Expression:
        if depth == 0 or self._random.random() < 0.7:
            return super().truth(depth)
        other, text = self.number(depth - 1), self.text(depth - 1)
        return self._random.choice(
            (
                Expression(f"(w > {other.sql})", of_all(lambda w, value: w > value, column("W"), other)),
                Expression(f"(w = {other.sql})", of_all(lambda w, value: w == value, column("W"), other)),
                Expression(
                    f"(w between {other.sql} and 10)",
                    lambda row: _between(column("W").value(row), other.value(row), Decimal(10)),
                ),
                Expression("array_contains(i::variant, v:a)", _contains),
                Expression(f"({text.sql} regexp '.*a.*')", of_all(lambda a: "a" in a, text)),
                Expression(f"contains({text.sql}, 'a')", of_all(lambda a: "a" in a, text)),
                Expression(f"({text.sql} like '%a_b%')", of_all(lambda a: re.search("a.b", a) is not None, text)),
            )
        )


def _member(row: Row, key: str) -> Any:
    """A member; one that is missing or JSON's null becomes NULL in a cast."""
    return None if row["V"] is None else row["V"].get(key)


def _counted(items: list[int] | None) -> Decimal | None:
    return None if items is None else Decimal(len(items))


def _item(items: list[int] | None, place: int) -> Decimal | None:
    return Decimal(items[place]) if items is not None and place < len(items) else None


def _hours(moment: datetime.datetime) -> int:
    return (moment - datetime.datetime(2000, 1, 1)) // datetime.timedelta(hours=1)


def _first_word(text: str) -> Decimal:
    found = re.search("[a-z]+", text)
    return Decimal(0 if found is None else found.start() + 1)


def _first_of(given: Expression) -> Any:
    return lambda row: _member(row, "t") if given.value(row) is None else given.value(row)


def _between(value: Any, low: Any, high: Any) -> bool | None:
    above = None if value is None or low is None else value >= low
    below = None if value is None else value <= high
    if above is False or below is False:
        return False
    return None if above is None or below is None else True


def _contains(row: Row) -> bool | None:
    items, wanted = _member(row, "a"), row["I"]
    return None if items is None or wanted is None else wanted in items


def documents(rows: Sequence[Row]) -> str:
    """The rows as a subquery."""

    def text(row: Row) -> str:
        document = row["V"]
        shown = None if document is None else json.dumps(document, default=lambda value: float(value))
        values = {**row, "V": shown, "T": None if row["T"] is None else str(row["T"])}
        return ", ".join(literal(value) for value in values.values())

    return f"(select {_COLUMNS} from values {', '.join(f'({text(row)})' for row in rows)})"
