"""Random feature SQL, each expression with what it is by Snowflake's rules, written down a second time in plain
Python: the engine's own code is not asked. Sources: sql-reference/operators-arithmetic (scale, rounding),
ternary-logic, and the functions' pages.
"""

from __future__ import annotations

import calendar
import datetime
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Decimal, getcontext
from typing import Any, Final

getcontext().prec = 200
Row = Mapping[str, Any]
Value = Callable[[Row], Any]
MOST_DIGITS: Final = 34


@dataclass(frozen=True, slots=True)
class Expression:
    """A piece of SQL, what it gives for a row, and of a NUMBER how many digits it has before and after the point."""

    sql: str
    value: Value
    leading: int = 0
    scale: int = 0


def to_scale(value: Decimal, scale: int, rounding: str = ROUND_HALF_UP) -> Decimal:
    made = value.quantize(Decimal(1).scaleb(-scale), rounding)
    return made or abs(made)


def of_all(function: Callable[..., Any], *parts: Expression) -> Value:
    """The function of the parts' values; NULL where one of them is NULL."""

    def value(row: Row) -> Any:
        given = [part.value(row) for part in parts]
        return None if any(each is None for each in given) else function(*given)

    return value


class Writer:
    """Writes expressions over columns K, I, N (NUMBER(8,2)), M (NUMBER(9,4)), S, D and B."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def rows(self, count: int) -> list[Row]:
        """Rows with many NULLs, ties and halves."""
        pick = self._random
        words = ["", "a", "Ab", "snow flake", "  x ", "é", "a-b-c", "Zz9", "10", "%_"]

        def null(value: Any) -> Any:
            return None if pick.random() < 0.12 else value

        return [
            {
                "R": number,
                "K": pick.randrange(5),
                "I": null(pick.randrange(-20, 21)),
                "N": null(Decimal(pick.randrange(-99999, 100000)).scaleb(-2)),
                "M": null(Decimal(pick.choice((5, 15, 25, 12345, -5, -15, 100000, 0))).scaleb(-4)),
                "S": null(pick.choice(words)),
                "D": null(datetime.date(2020, 1, 1) + datetime.timedelta(pick.randrange(1600))),
                "B": null(pick.random() < 0.5),
            }
            for number in range(count)
        ]

    def expression(self) -> Expression:
        return self._random.choice((self.number, self.number, self.text, self.date, self.truth))(3)

    def number(self, depth: int) -> Expression:
        if depth == 0 or self._random.random() < 0.15:
            return self._random.choice(
                (
                    column("I", 2, 0),
                    column("N", 6, 2),
                    column("M", 5, 4),
                    self._constant(),
                )
            )
        made = self._random.choice(
            (self._arithmetic, self._arithmetic, self._rounded, self._chosen_number, self._of_text, self._of_date)
        )(depth - 1)
        return made if made.leading + made.scale <= MOST_DIGITS else self.number(0)

    def _constant(self) -> Expression:
        scale = self._random.randrange(4)
        value = Decimal(self._random.randrange(1, 10 ** (scale + 1))).scaleb(-scale)
        text = format(value, "f")
        return Expression(text, lambda _: value, len(text.partition(".")[0].lstrip("0")), scale)

    def _arithmetic(self, depth: int) -> Expression:
        left, right = self.number(depth), self.number(depth)
        sign = self._random.choice("+-*/%")
        both = f"({left.sql} {sign} {right.sql})"
        scale = max(left.scale, right.scale)
        match sign:
            case "+":
                return Expression(
                    both,
                    of_all(lambda a, b: to_scale(a + b, scale), left, right),
                    max(left.leading, right.leading) + 1,
                    scale,
                )
            case "-":
                return Expression(
                    both,
                    of_all(lambda a, b: to_scale(a - b, scale), left, right),
                    max(left.leading, right.leading) + 1,
                    scale,
                )
            case "*":
                made = min(left.scale + right.scale, max(scale, 12))
                return Expression(
                    both, of_all(lambda a, b: to_scale(a * b, made), left, right), left.leading + right.leading, made
                )
            case "/":
                made = max(left.scale, min(left.scale + 6, 12))
                sql = f"({left.sql} / nullif({right.sql}, 0))"
                return Expression(
                    sql,
                    of_all(lambda a, b: to_scale(a / b, made) if b else None, left, right),
                    left.leading + right.scale,
                    made,
                )
            case _:
                sql = f"mod({left.sql}, nullif({right.sql}, 0))"
                rest = of_all(
                    lambda a, b: to_scale(a - b * (a / b).to_integral_value(ROUND_DOWN), scale) if b else None,
                    left,
                    right,
                )
                return Expression(sql, rest, max(left.leading, right.leading), scale)

    def _rounded(self, depth: int) -> Expression:
        given = self.number(depth)
        digits = self._random.randrange(4)
        scale = min(digits, given.scale)
        name, rounding = self._random.choice(
            (("round", ROUND_HALF_UP), ("floor", ROUND_FLOOR), ("ceil", ROUND_CEILING), ("trunc", ROUND_DOWN))
        )
        sql = f"{name}({given.sql}, {digits})"
        return Expression(sql, of_all(lambda a: to_scale(a, scale, rounding), given), given.leading + 1, scale)

    def _chosen_number(self, depth: int) -> Expression:
        left, right = self.number(depth), self.number(depth)
        leading, scale = max(left.leading, right.leading), max(left.scale, right.scale)
        return self._chosen(left, right, depth, leading, scale, lambda value: to_scale(value, scale))

    def _chosen(
        self, left: Expression, right: Expression, depth: int, leading: int, scale: int, as_one: Callable[[Any], Any]
    ) -> Expression:
        def shown(value: Any) -> Any:
            return None if value is None else as_one(value)

        way = self._random.randrange(4)
        if way == 0:
            asked = self.truth(depth)
            sql = f"iff({asked.sql}, {left.sql}, {right.sql})"
            return Expression(
                sql, lambda row: shown(left.value(row) if asked.value(row) else right.value(row)), leading, scale
            )
        if way == 1:
            sql = f"coalesce({left.sql}, {right.sql})"
            return Expression(
                sql, lambda row: shown(right.value(row) if left.value(row) is None else left.value(row)), leading, scale
            )
        if way == 2:
            asked = self.truth(depth)
            sql = f"case when {asked.sql} then {left.sql} when {left.sql} is null then {right.sql} end"
            return Expression(
                sql,
                lambda row: (
                    shown(left.value(row))
                    if asked.value(row)
                    else shown(right.value(row))
                    if left.value(row) is None
                    else None
                ),
                leading,
                scale,
            )
        name = self._random.choice(("greatest", "least"))
        chosen = max if name == "greatest" else min
        return Expression(
            f"{name}({left.sql}, {right.sql})", of_all(lambda a, b: shown(chosen(a, b)), left, right), leading, scale
        )

    def _of_text(self, depth: int) -> Expression:
        text = self.text(depth)
        if self._random.random() < 0.5:
            return Expression(f"length({text.sql})", of_all(lambda a: Decimal(len(a)), text), 5, 0)
        sql = f"charindex('a', {text.sql})"
        return Expression(sql, of_all(lambda a: Decimal(a.find("a") + 1), text), 5, 0)

    def _of_date(self, depth: int) -> Expression:
        day, other = self.date(depth), self.date(depth)
        parts: tuple[tuple[str, Callable[[datetime.date], int]], ...] = (
            ("year", lambda d: d.year),
            ("month", lambda d: d.month),
            ("dayofweek", lambda d: d.isoweekday() % 7),
            ("weekiso", lambda d: d.isocalendar().week),
            ("quarter", lambda d: (d.month + 2) // 3),
            ("dayofyear", lambda d: d.timetuple().tm_yday),
        )
        differences: tuple[tuple[str, Callable[[datetime.date, datetime.date], int]], ...] = (
            ("day", lambda a, b: (b - a).days),
            ("month", lambda a, b: (b.year - a.year) * 12 + b.month - a.month),
            ("year", lambda a, b: b.year - a.year),
            ("week", lambda a, b: (monday(b) - monday(a)).days // 7),
        )
        if self._random.random() < 0.5:
            name, part = self._random.choice(parts)
            return Expression(f"{name}({day.sql})", of_all(lambda a: Decimal(part(a)), day), 4, 0)
        unit, difference = self._random.choice(differences)
        sql = f"datediff({unit}, {day.sql}, {other.sql})"
        return Expression(sql, of_all(lambda a, b: Decimal(difference(a, b)), day, other), 9, 0)

    def text(self, depth: int) -> Expression:
        if depth == 0 or self._random.random() < 0.2:
            word = self._random.choice(("x", "Snow", "a b", ""))
            return self._random.choice((column("S"), column("S"), Expression(f"'{word}'", lambda _: word)))
        given, other = self.text(depth - 1), self.text(depth - 1)
        count = self._random.randrange(1, 5)
        simple: tuple[tuple[str, Callable[[str], Any]], ...] = (
            (f"upper({given.sql})", lambda a: a.upper()),
            (f"lower({given.sql})", lambda a: a.lower()),
            (f"trim({given.sql})", lambda a: a.strip(" ")),
            (f"reverse({given.sql})", lambda a: a[::-1]),
            (f"left({given.sql}, {count})", lambda a: a[:count]),
            (f"right({given.sql}, {count})", lambda a: a[-count:]),
            (f"substr({given.sql}, {count}, 2)", lambda a: a[count - 1 : count + 1]),
            (f"substr({given.sql}, -{count})", lambda a: a[-count:] if count <= len(a) else ""),
            (
                f"lpad({given.sql}, {count}, '*')",
                lambda a: a[:count].rjust(count, "*"),
            ),
            (f"replace({given.sql}, 'a', 'bb')", lambda a: a.replace("a", "bb")),
            (f"split_part({given.sql}, '-', {count})", lambda a: (a.split("-") + [""] * count)[count - 1]),
            (f"nullif({given.sql}, '')", lambda a: a or None),
        )
        way = self._random.random()
        if way < 0.6:
            sql, function = self._random.choice(simple)
            return Expression(sql, of_all(function, given))
        if way < 0.8:
            return Expression(f"({given.sql} || {other.sql})", of_all(lambda a, b: a + b, given, other))
        return self._chosen(given, other, depth - 1, 0, 0, lambda value: value)

    def date(self, depth: int) -> Expression:
        if depth == 0 or self._random.random() < 0.3:
            return column("D")
        given = self.date(depth - 1)
        count = self._random.randrange(-14, 15)
        simple: tuple[tuple[str, Callable[[datetime.date], datetime.date]], ...] = (
            (f"dateadd(day, {count}, {given.sql})", lambda a: a + datetime.timedelta(count)),
            (f"dateadd(month, {count}, {given.sql})", lambda a: months_later(a, count)),
            (f"({given.sql} + {abs(count)})", lambda a: a + datetime.timedelta(abs(count))),
            (f"date_trunc(month, {given.sql})", lambda a: a.replace(day=1)),
            (f"date_trunc(week, {given.sql})", monday),
            (f"last_day({given.sql})", lambda a: a.replace(day=calendar.monthrange(a.year, a.month)[1])),
            (f"add_months({given.sql}, {count})", lambda a: add_months(a, count)),
        )
        sql, function = self._random.choice(simple)
        return Expression(sql, of_all(function, given))

    def truth(self, depth: int) -> Expression:
        if depth == 0 or self._random.random() < 0.1:
            return column("B")
        way = self._random.randrange(6)
        if way == 0:
            one, two = self.truth(depth - 1), self.truth(depth - 1)
            return Expression(f"({one.sql} and {two.sql})", lambda row: both(one.value(row), two.value(row)))
        if way == 1:
            one, two = self.truth(depth - 1), self.truth(depth - 1)
            either = f"({one.sql} or {two.sql})"
            return Expression(either, lambda row: inverted(both(inverted(one.value(row)), inverted(two.value(row)))))
        if way == 2:
            one = self.truth(depth - 1)
            return Expression(f"(not {one.sql})", lambda row: inverted(one.value(row)))
        if way == 3:
            text = self.text(depth - 1)
            return Expression(f"({text.sql} is null)", lambda row: text.value(row) is None)
        kind = self._random.choice((self.number, self.text, self.date))
        left, right = kind(depth - 1), kind(depth - 1)
        if way == 4:
            same = f"({left.sql} is not distinct from {right.sql})"
            return Expression(same, lambda row: left.value(row) == right.value(row))
        sign, compare = self._random.choice(
            (
                ("=", lambda a, b: a == b),
                ("<>", lambda a, b: a != b),
                ("<", lambda a, b: a < b),
                (">=", lambda a, b: a >= b),
            )
        )
        return Expression(f"({left.sql} {sign} {right.sql})", of_all(compare, left, right))


def column(name: str, leading: int = 0, scale: int = 0) -> Expression:
    def value(row: Row) -> Any:
        found = row[name]
        return Decimal(found) if isinstance(found, int) and not isinstance(found, bool) else found

    return Expression(name.lower(), value, leading, scale)


def both(one: bool | None, two: bool | None) -> bool | None:
    if one is False or two is False:
        return False
    return None if one is None or two is None else True


def inverted(truth: bool | None) -> bool | None:
    return None if truth is None else not truth


def monday(day: datetime.date) -> datetime.date:
    return day - datetime.timedelta(day.weekday())


def months_later(day: datetime.date, count: int) -> datetime.date:
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return datetime.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def add_months(day: datetime.date, count: int) -> datetime.date:
    """The last day of a month stays one."""
    moved = months_later(day, count)
    last = calendar.monthrange(moved.year, moved.month)[1]
    return moved.replace(day=last) if day.day == calendar.monthrange(day.year, day.month)[1] else moved


def literal(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, str | datetime.date):
        return "'" + str(value).replace("'", "''") + "'"
    return (
        str(value).lower()
        if isinstance(value, bool)
        else format(value, "f")
        if isinstance(value, Decimal)
        else str(value)
    )


def relation(rows: Sequence[Row]) -> str:
    """The rows as a subquery."""
    values = ", ".join("(" + ", ".join(literal(value) for value in row.values()) + ")" for row in rows)
    return (
        "(select column1::int r, column2::int k, column3::number(2,0) i, column4::number(8,2) n,"
        " column5::number(9,4) m, column6::varchar s, column7::date d, column8::boolean b"
        f" from values {values})"
    )
