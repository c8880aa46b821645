"""MATCH_RECOGNIZE: queries and rows of sql-reference/constructs/match_recognize, and of the guide
user-guide/match-recognize-introduction.
"""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest
from sql_world import World

from cleanroom_ml.engine.sql.catalog import ContextValues
from cleanroom_ml.engine.sql.errors import SqlError

PRICES = {
    "ABCD": (50, 36, 39, 42, 30, 47, 71, 80, 75, 63),
    "XYZ": (89, 24, 37, 63, 65, 56, 50, 54, 30, 32),
}
SHAPES = "define ANY_ROW AS TRUE, UP as price > lag(price), DOWN as price < lag(price)"


def _day(day: int) -> datetime.date:
    return datetime.date(2020, 10, day)


@pytest.fixture(scope="module")
def stocks(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The page's table, `stock_price_history`."""
    world = World(tmp_path_factory.mktemp("stocks"))
    rows = ", ".join(
        f"('{company}', DATE '{_day(day)}', {price})"
        for company, prices in PRICES.items()
        for day, price in enumerate(prices, 1)
    )
    query = f'SELECT * FROM (VALUES {rows}) AS _v("COMPANY", "PRICE_DATE", "PRICE")'
    world.table("STOCK_PRICE_HISTORY", "COMPANY VARCHAR;PRICE_DATE DATE;PRICE INT", query)
    return world


def found(stocks: World, clause: str, after: str = "", columns: str = "*") -> list[tuple[object, ...]]:
    rows = stocks.query(f"select {columns} from stock_price_history match_recognize({clause}) {after}")
    return [tuple(each.day if isinstance(each, datetime.date) else each for each in row) for row in rows]


BY_DATE = "partition by company order by price_date"


def test_one_row_for_each_v(stocks: World) -> None:
    """ "Report one summary row for each `V` shape"."""
    rows = found(
        stocks,
        f"""{BY_DATE} MEASURES MATCH_NUMBER() AS match_number, FIRST(price_date) AS start_date,
        LAST(price_date) AS end_date, COUNT(*) AS rows_in_sequence, COUNT(row_with_price_decrease.*) AS num_decreases,
        COUNT(row_with_price_increase.*) AS num_increases
        ONE ROW PER MATCH AFTER MATCH SKIP TO LAST row_with_price_increase
        PATTERN(row_before_decrease row_with_price_decrease+ row_with_price_increase+)
        DEFINE row_with_price_decrease AS price < LAG(price), row_with_price_increase AS price > LAG(price)""",
        "ORDER BY company, match_number",
    )
    assert rows == [
        ("ABCD", 1, 1, 4, 4, 1, 2),
        ("ABCD", 2, 4, 8, 5, 1, 3),
        ("XYZ", 1, 1, 5, 5, 1, 3),
        ("XYZ", 2, 5, 8, 4, 2, 1),
        ("XYZ", 3, 8, 10, 3, 1, 1),
    ]


def test_all_rows_of_a_subquery(stocks: World) -> None:
    """ "Report all rows for all matches for one company"."""
    rows = stocks.query(
        """select price_date, match_number, msq, price, cl from
        (select * from stock_price_history where company='ABCD') match_recognize(
            order by price_date
            measures match_number() as "MATCH_NUMBER", match_sequence_number() as msq, classifier() as cl
            all rows per match pattern(ANY_ROW UP+) define ANY_ROW AS TRUE, UP as price > lag(price)
        ) order by match_number, msq"""
    )
    first = [(2, 1, 1, 36, "ANY_ROW"), (3, 1, 2, 39, "UP"), (4, 1, 3, 42, "UP")]
    second = [(5, 2, 1, 30, "ANY_ROW"), (6, 2, 2, 47, "UP"), (7, 2, 3, 71, "UP"), (8, 2, 4, 80, "UP")]
    assert rows == [(_day(day), *rest) for day, *rest in first + second]


OVER_AVERAGE = "define OVERAVG as price > avg(price) over (rows between unbounded preceding and unbounded following)"


def test_empty_matches_are_numbered_and_omitted(stocks: World) -> None:
    """ "Omit empty matches"."""
    clause = f"""{BY_DATE} measures match_number() as "MATCH_NUMBER" all rows per match {{}} pattern(OVERAVG*)
        {OVER_AVERAGE}"""
    rows = found(stocks, clause.format("omit empty matches"), "order by company, price_date")
    assert [(company, day, number) for company, day, _, number in rows] == [
        *(("ABCD", day, 7) for day in (7, 8, 9, 10)),
        ("XYZ", 1, 1),
        *(("XYZ", day, 4) for day in (4, 5, 6)),
        ("XYZ", 8, 6),
    ]
    shown = found(stocks, clause.format("show empty matches"), "order by company, price_date")
    assert [number for *_, number in shown] == [1, 2, 3, 4, 5, 6, 7, 7, 7, 7, 1, 2, 3, 4, 4, 4, 5, 6, 7, 8]


def test_an_empty_match_has_no_rows_to_count(stocks: World) -> None:
    """ROW(S) PER MATCH: CLASSIFIER and windows are NULL of it, COUNT 0."""
    rows = found(
        stocks,
        f"""{BY_DATE} measures classifier() cl, first(price) f, last(price) l, count(*) c, count(overavg.*) o
        one row per match pattern(OVERAVG*) {OVER_AVERAGE}""",
        "where company = 'XYZ' order by l nulls last, cl limit 20",
    )
    assert sorted(set(rows), key=str) == [
        ("XYZ", "OVERAVG", 54, 54, 1, 1),
        ("XYZ", "OVERAVG", 63, 56, 3, 3),
        ("XYZ", "OVERAVG", 89, 89, 1, 1),
        ("XYZ", None, None, None, 0, 0),
    ]


def test_rows_that_match_nothing_are_shown_where_asked_for(stocks: World) -> None:
    """ "Demonstrate the WITH UNMATCHED ROWS option"."""
    rows = found(
        stocks,
        f"""{BY_DATE} measures match_number() as "MATCH_NUMBER", classifier() as cl, count(*) as c
        all rows per match with unmatched rows pattern(OVERAVG+) {OVER_AVERAGE}""",
        "order by company, price_date",
    )
    numbers = [None] * 6 + [1] * 4 + [1, None, None, 2, 2, 2, None, 3, None, None]
    assert [row[3] for row in rows] == numbers
    assert [row[4] for row in rows] == ["OVERAVG" if number else None for number in numbers]
    assert [row[5] for row in rows] == [*[None] * 6, 1, 2, 3, 4, 1, None, None, 1, 2, 3, None, 1, None, None]


def test_final_says_more_than_the_rows_so_far(stocks: World) -> None:
    """ "Demonstrate symbol predicates in the MEASURES clause"."""
    rows = found(
        stocks,
        f"""{BY_DATE} MEASURES FINAL FIRST(LT45.price) AS "FINAL FIRST(LT45.price)",
        FINAL LAST(LT45.price) AS "FINAL LAST(LT45.price)"
        ALL ROWS PER MATCH AFTER MATCH SKIP PAST LAST ROW PATTERN (LT45 LT45) DEFINE LT45 AS price < 45.00""",
        "WHERE company = 'ABCD' ORDER BY price_date",
        'company, price_date, price, "FINAL FIRST(LT45.price)", "FINAL LAST(LT45.price)"',
    )
    assert rows == [("ABCD", 2, 36, 36, 39), ("ABCD", 3, 39, 36, 39), ("ABCD", 4, 42, 42, 30), ("ABCD", 5, 30, 42, 30)]


@pytest.mark.parametrize(
    ("anchored", "condition", "expected"),
    [("^ G", "price > 60.00", [("XYZ", 1, 89)]), ("G $", "price > 50.00", [("ABCD", 10, 63)])],
)
def test_a_pattern_is_bound_to_an_end(stocks: World, anchored: str, condition: str, expected: object) -> None:
    """The guide, "Matching Patterns Relative to the Beginning or End of a Partition"."""
    assert found(stocks, f"{BY_DATE} all rows per match pattern({anchored}) define G as {condition}") == expected


def test_measures_of_a_summary_are_those_of_its_last_row(stocks: World) -> None:
    """The guide, "Generating One Row for Each Match vs Generating All Rows for Each Match"."""
    clause = f"""{BY_DATE} MEASURES MATCH_NUMBER() AS "Match #", MATCH_SEQUENCE_NUMBER() AS "Match Sequence #",
        COUNT(*) AS "Num Rows In Match" {{}} PATTERN (LESS_THAN_45 UP UP)
        DEFINE LESS_THAN_45 AS price < 45.00, UP AS price > LAG(price)"""
    after = 'WHERE company = \'ABCD\' ORDER BY "Match #", "Match Sequence #"'
    assert found(stocks, clause.format("ONE ROW PER MATCH"), after) == [("ABCD", 1, 3, 3), ("ABCD", 2, 3, 3)]
    rows = found(stocks, clause.format("ALL ROWS PER MATCH"), after)
    assert [row[3:] for row in rows] == [(1, 1, 1), (1, 2, 2), (1, 3, 3), (2, 1, 1), (2, 2, 2), (2, 3, 3)]


def test_excluded_rows_count_and_are_not_shown(stocks: World) -> None:
    """The guide, "Exclusion Syntax"."""
    rows = found(
        stocks,
        f"""{BY_DATE} measures match_number() as "MATCH_NUMBER", classifier as cl, count(*) as "PRICE_COUNT"
        all rows per match pattern(ANY_ROW {{- DOWN+ -}} UP+ {{- DOWN+ -}} UP+) {SHAPES}""",
        "order by company, price_date",
    )
    assert [(row[0], row[1], row[4], row[5]) for row in rows] == [
        ("ABCD", 1, "ANY_ROW", 1),
        *(("ABCD", day, "UP", day) for day in (3, 4, 6, 7, 8)),
        ("XYZ", 1, "ANY_ROW", 1),
        *(("XYZ", day, "UP", day) for day in (3, 4, 5, 8)),
    ]


def test_a_search_may_go_on_at_the_next_row(stocks: World) -> None:
    """The guide, "Demonstrate the SKIP TO NEXT ROW Option"."""
    rows = found(
        stocks,
        f"""{BY_DATE} measures match_number() as "MATCH_NUMBER", first(price_date) as "START",
        last(price_date) as "END", count(*) as "PRICE_COUNT"
        after match skip to next row pattern(ANY_ROW DOWN+ UP+ DOWN+ UP+) {SHAPES}""",
        "order by company, match_number",
    )
    assert rows == [("ABCD", 1, 1, 8, 8), ("XYZ", 1, 1, 8, 8), ("XYZ", 2, 5, 10, 6), ("XYZ", 3, 6, 10, 5)]


def test_a_pattern_in_any_order(stocks: World) -> None:
    """The guide, "Demonstrate the PERMUTE Operator"."""
    rows = found(
        stocks,
        f"""{BY_DATE} measures match_number() as "MATCH_NUMBER", first(price_date) as "START", last(price_date) as "END",
        count(up.price) as ups, count(*) as "PRICE_COUNT", last(classifier()) = 'DOWN' up_spike
        after match skip to next row pattern(ANY_ROW PERMUTE(UP{{2}}, DOWN+)) {SHAPES}""",  # noqa: E501
        "order by company, match_number",
    )
    assert rows == [
        ("ABCD", 1, 1, 4, 2, 4, False),
        ("ABCD", 2, 2, 5, 2, 4, True),
        ("ABCD", 3, 4, 7, 2, 4, False),
        ("ABCD", 4, 6, 10, 2, 5, True),
        ("XYZ", 1, 1, 4, 2, 4, False),
        ("XYZ", 2, 3, 7, 2, 5, True),
    ]


def test_neighbours_are_those_of_the_match(stocks: World) -> None:
    """The guide, "Windows, Window Frames, and Navigational Functions"."""
    rows = found(
        stocks,
        f"""{BY_DATE} MEASURES FIRST(price_date) AS f, LAG(price_date) AS b, LEAD(price_date) AS n, LAST(price_date) AS l,
        PREV(price_date) AS p, NEXT(price_date) AS x, MATCH_NUMBER() AS m, MATCH_SEQUENCE_NUMBER() AS s
        ALL ROWS PER MATCH AFTER MATCH SKIP TO NEXT ROW PATTERN (CURRENT_ROW T2 T3)
        DEFINE CURRENT_ROW AS TRUE, T2 AS TRUE, T3 AS TRUE""",  # noqa: E501
        "WHERE company = 'ABCD' AND m < 3 ORDER BY m, s",
        "price_date, f, b, n, l, p, x",
    )
    assert rows == [
        (1, 1, None, 2, 1, None, 2),
        (2, 1, 1, 3, 2, 1, 3),
        (3, 1, 2, None, 3, 2, None),
        (2, 2, None, 3, 2, None, 3),
        (3, 2, 2, 4, 3, 2, 4),
        (4, 2, 3, None, 4, 3, None),
    ]


def test_it_stands_among_other_items_under_its_name(stocks: World) -> None:
    query = """with s as (select * from stock_price_history)
        select h.company, m.n, h.price from s as x match_recognize(partition by x.company order by x.price_date
        measures count(*) as n, final first(a.price) as p one row per match pattern(a b+?) define b as price > lag(x.price, 1)
        ) as m join stock_price_history h on h.company = m.company and h.price = m.p where n = 2 order by 1, 3"""  # noqa: E501
    assert stocks.query(query) == [("ABCD", 2, 30), ("ABCD", 2, 36), ("ABCD", 2, 71), ("XYZ", 2, 24), ("XYZ", 2, 30),
                                   ("XYZ", 2, 50), ("XYZ", 2, 63)]  # fmt: skip


@pytest.mark.parametrize(
    ("clause", "message"),
    [
        ("order by price_date pattern(a) define a as price > 1", "SELECT with no columns"),
        ("measures count(*) c pattern(a b | c) define a as price > 1", "put brackets around it"),
        ("measures count(*) c pattern(a+ define a as price > 1", "syntax error"),
        ("measures count(*) c pattern(a b define) define a as price > 1 order", "syntax error"),
        ("measures count(*) c pattern() define a as price > 1", "the PATTERN ends too early"),
        ("measures count(*) c pattern(a{2,1}) define a as price > 1", "allows no number of times"),
        ("measures count(*) c pattern(a) define a as price > prev(price)", "PREV in DEFINE: Snowflake has LAG there"),
        ("measures count(*) c pattern(a) define a as price > sum(price)", "SUM in DEFINE needs OVER"),
        ("measures count(*) c pattern(a) define a as price > b.price, b as true", "invalid identifier 'B.price'"),
        ("measures count(*) c pattern(a b) define a as price > b.price", "a column of a symbol in DEFINE"),
        (
            "measures count(*) c pattern(a) define a as price > sum(price) over (rows between 1 preceding and current row)",  # noqa: E501
            "a frame in DEFINE that is not the whole partition",
        ),
        ("measures sum(a.price) + sum(b.price + a.price) c pattern(a b) define a as true", "several symbols"),
        ("measures a.price c all rows per match pattern(a b) define a as true", "outside of a function"),
        ("measures prev(a.price) c pattern(a b) define a as true", "PREV of the rows of one symbol"),
        ("measures listagg(price) c pattern(a b) define a as true", "LISTAGG in MEASURES"),
        ("measures row_number() c pattern(a b) define a as true", "ROW_NUMBER in MEASURES"),
        ("measures z.price c pattern(a b) define a as true", "invalid identifier"),
        ("measures (select 1) c pattern(a b) define a as true", "a subquery in MEASURES or DEFINE"),
        ("measures count(*) c after match skip to z pattern(a b) define a as true", "there is no such symbol"),
        (
            "measures count(*) c all rows per match with unmatched rows pattern(a {- b -}) define a as true",
            "exclusions",
        ),
        ("measures price as company, 1 as company pattern(a) define a as true", "two columns of one name"),
    ],
)
def test_what_is_not_done_is_refused_by_name(stocks: World, clause: str, message: str) -> None:
    with pytest.raises(SqlError, match=message):
        found(stocks, clause)


@pytest.mark.parametrize("skip", ["to first a", "to last b"])
def test_a_search_that_does_not_go_on_fails(stocks: World, skip: str) -> None:
    """AFTER MATCH SKIP: "At least one row needs to be mapped to the given symbol or an error is raised. If this does
    not skip past the first row of the current match, then an error is raised."
    """
    clause = f"order by price_date measures count(*) c after match skip {skip} pattern(a b*) define b as price < 0"
    with pytest.raises(SqlError, match="AFTER MATCH SKIP TO a symbol"):
        stocks.answer(f"select * from stock_price_history match_recognize({clause})")


class _Listening(World):
    """A clean room's listener: it is told what aliases stand for (rooms/column_guard.py)."""

    aliases: dict[str, set[tuple[str, ...] | None]]
    columns: set[str | None]

    def context(self) -> ContextValues:
        return replace(super().context(), listener=self)

    def on_alias(self, alias: str, name: tuple[str, ...] | None) -> None:
        self.aliases.setdefault(alias, set()).add(name)

    def on_column(self, column: str | None) -> None:
        self.columns.add(column)


@pytest.mark.attack
def test_a_room_hears_of_all_that_names_its_columns(stocks: World) -> None:
    """A filter of a template that was given `p.price` or `s.price` asks whose column that is; a measure that is called
    like a column that may not be used is heard of like any alias.
    """
    room = object.__new__(_Listening)
    room.__dict__.update(stocks.__dict__, aliases={}, columns=set())
    room.query(
        """select * from stock_price_history as p match_recognize(partition by p.company order by p.price_date
        measures first(s.price) as secret pattern(s t) define s as p.price > 1)"""
    )
    assert room.aliases["P"] == room.aliases["S"] == room.aliases["T"] == {("STOCK_PRICE_HISTORY",)}
    assert "SECRET" in {str(each).upper() for each in room.columns}
