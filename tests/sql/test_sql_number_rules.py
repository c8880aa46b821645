"""NUMBER and FLOAT by Snowflake's rules. Each expected value is of the page named, or follows from its rule.

Pages of Snowflake's documentation: sql-reference/operators-arithmetic (scale and precision of each operator),
sql-reference/data-types-numeric, sql-reference/functions/<name>, sql-reference/sql-format-models.
"""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from sql_world import World

from cleanroom_ml.engine.sql.compile.queries import compile_query
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.types.kind import FLOAT, WHOLE, Number, common, number

# operators-arithmetic: its examples, then its rules at their limits
ARITHMETIC = [
    ("2 / 7", "0.285714"),
    ("10.1 / 2.1", "4.8095238"),
    ("10.001 / .001", "10001.000000000"),
    (".1 / .0000000000001", "1000000000000.0000000"),
    ("10.01 * 1.1", "11.011"),
    ("10.001 * .001", "0.010001"),
    (".1 * .0000000000001", "0.0000000000000"),
    ("1/3*3", "0.999999"),
    ("(2/3)*100", "66.666700"),
    ("-7/2", "-3.500000"),
    ("-2/3", "-0.666667"),
    ("5::number(10,2)/2", "2.50000000"),
    ("1::number(38,10)/3", "0.333333333333"),
    ("1::number(20,13)/3", "0.3333333333333"),
    ("1.5 + 2.25", "3.75"),
    ("5.5 % 1.25", "0.50"),
    ("12345678901234567890123456789012/7", "1763668414462081127160493827001.714286"),
    ("(-7)/(-12345678901234567890)", "0.000000"),
    ("9223372036854775807 + 1", "9223372036854775808"),
    ("9223372036854775807 * 2", "18446744073709551614"),
    ("10000000000 * 10000000000", "100000000000000000000"),
    ("1234567890.12::number(20,2) * 1234567890.12::number(20,2)", "1524157875315348393.6144"),
    # a constant text is the number that it is written as, any other a NUMBER(18,5) (data-type-conversion)
    ("1 + '2'", "3"),
    ("'3' * '4'", "12"),
    ("10 / '4'", "2.500000"),
    ("'-.50' + 1", "0.50"),
    ("1 + ('2' || '')", "3.00000"),
]
FUNCTIONS = [
    # round: half away from zero, HALF_TO_EVEN where it is asked for; a scale below zero
    ("round(2.5)", "3"),
    ("round(-2.5)", "-3"),
    ("round(135.135, -2)", "100"),
    ("round(135.135, 1)", "135.1"),
    ("round(1249.6, -2)", "1200"),
    ("round(2.5, 0, 'HALF_TO_EVEN')", "2"),
    ("round(-1.55, 1, 'HALF_TO_EVEN')", "-1.6"),
    ("round(1.5, 5)", "1.5"),
    ("round(expr => -2.5, scale => 0, rounding_mode => 'HALF_TO_EVEN')", "-2"),
    ("round(-1.005::decimal(10,3), 2)", "-1.01"),
    # floor, ceil, trunc: a NUMBER of as many digits is what it is
    ("floor(0.29, 2)", "0.29"),
    ("trunc(4.35, 2)", "4.35"),
    ("ceil(0.07, 2)", "0.07"),
    ("floor(-135.135, 1)", "-135.2"),
    ("ceil(135.135, -2)", "200"),
    ("trunc(-975.975, -1)", "-970"),
    ("trunc(-975.975)", "-975"),
    # div0, div0null, mod
    ("div0(1, 2)", "0.500000"),
    ("div0(1, 0)", "0.000000"),
    ("div0null(1, null::int)", "0.000000"),
    ("mod(4.5, 1.2)", "0.9"),
    # conversions: to_decimal's own examples, to_number of formats
    ("to_number('12.3456')", "12"),
    ("to_number('98.76546', 10, 1)", "98.8"),
    ("to_number('12.3456', 10, 8)", "12.34560000"),
    ("to_decimal('-12.3', '99.9', 9, 5)", "-12.30000"),
    ("to_decimal('- 0.1', '99.9', 9, 5)", "-0.10000"),
    ("to_decimal('3,741.72', '9,999.99', 6, 2)", "3741.72"),
    ("to_decimal('$3,741.72', '$9,999.99', 6, 2)", "3741.72"),
    ("to_decimal('ae5', 'XXX')", "2789"),
    ("to_number('012,345.67', '000,000.00', 8, 2)", "12345.67"),
    ("to_number('102-', 'MI999|999MI')", "-102"),
    ("'12.7'::int", "13"),
    ("2.5::float::int", "3"),
    ("(5/2)::int", "3"),
    # aggregates: their digits are those of a quotient, of what lies between two values
    ("(select avg(column1) from values (1), (2), (2))", "1.666667"),
    ("(select avg(column1) from values (0.1), (0.2), (0.3))", "0.2000000"),
    ("(select median(column1::decimal(10,2)) from values (10), (20), (25), (30))", "22.50000"),
    (
        "(select percentile_cont(0.25) within group (order by column1::decimal(10,2)) from values (10), (20))",
        "12.50000",
    ),
    ("(select var_pop(column1::decimal(10,2)) from values (11), (22), (35))", "96.2222222222"),
    ("(select kurtosis(column1::decimal(10,2)) from values (10), (10), (20), (25), (30))", "-2.324218750000"),
    ("bitshiftleft(1, 70)", str(1 << 70)),
    ("bitand(65504, 24) + bitor(16, 24) + bitxor(2, 4) + bitnot(0) + bitshiftright(65504, 1) + getbit(11, 3)", "32782"),
    ("(select variance(column1) from values (6), (10), (14))", "16.000000"),
    ("(select sum(column1)/count(*) from values (1), (1), (2))", "1.333333"),
    ("(select sum(column1) from values (9223372036854775807), (1))", "9223372036854775808"),
]
TEXTS = [
    # to_char: the page's own examples, those of sql-format-models
    ('to_char(-12.391, \'">"$99.0"<"\')', ">-$12.4<"),
    ('to_char(3987, \'">"$99.0"<"\')', "> $##.#<"),
    ('to_char(0.01, \'">"$99.0"<"\')', ">  $0.0<"),
    ('to_char(0, \'">"B9,999.0"<"\')', ">      .0<"),
    ('to_char(3987, \'">"B9,999.0"<"\')', "> 3,987.0<"),
    ('to_char(-1.000, \'">"TM9"<"\')', None),
    ("to_char(1.2::float, '999,999.999')", "       1.2  "),
    ("to_char(-123456.789, '999,999.999')", "-123,456.789"),
    ("to_char(1.2, 'S000,000.000')", "+000,001.200"),
    ("to_char(1.2, 'S999,999.999')", "      +1.2  "),
    ("to_char(1.2, 'FM999,999.999')", "1.2"),
    ('to_char(12, \'">"99"<"\')', "> 12<"),
    ("to_char(-7, 'MI99')", "- 7"),
    ("to_char(12, '99S')", "12+"),
    ("to_char(1234, '9d999EE')", None),
    # texts of a FLOAT have no digits that say nothing, and at most 15
    ("1.0::float::varchar", "1"),
    ("to_varchar(1e20::float)", "1e+20"),
    ("to_varchar(0.1::float + 0.2::float)", "0.3"),
    ("to_varchar(1.50::number(5,2))", "1.50"),
    ("'nan'::float || ''", "NaN"),
    ("'yes'::boolean || 'off'::boolean || '1'::boolean", "truefalsetrue"),
]
FAILING = [
    ("mod(5, 0)", "division"),
    ("5 % (1 - 1)", "division"),
    ("1 / (1 - 1)", "division"),
    ("sqrt(-1)", "floating"),
    ("ln(0)", "floating"),
    ("log(10, 0)", "floating"),
    ("acos(2)", "floating"),
    ("to_number('12,345.67', '000,000.00', 8, 2)", "format"),
    ("to_decimal('ae5', 'XX')", "format"),
]


@pytest.mark.parametrize(("expression", "expected"), ARITHMETIC + FUNCTIONS)
def test_a_number_has_the_digits_that_its_page_gives(world: World, expression: str, expected: str) -> None:
    [(found,)] = world.query(f"select {expression}")
    assert isinstance(found, Decimal | int)
    assert format(found, "f" if isinstance(found, Decimal) else "d") == expected


@pytest.mark.parametrize(("expression", "expected"), TEXTS)
def test_a_number_is_written_as_its_format_says(world: World, expression: str, expected: str | None) -> None:
    if expected is None:  # what is not known is refused, and never written in another way
        with pytest.raises(SqlError, match="Unsupported feature"):
            world.query(f"select {expression}")
        return
    assert world.query(f"select {expression}") == [(expected,)]


@pytest.mark.parametrize(("expression", "kind"), FAILING)
def test_what_has_no_value_fails(world: World, expression: str, kind: str) -> None:
    with pytest.raises(duckdb.Error, match=f"cleanroom:{kind}"):
        world.query(f"select {expression}")


@pytest.mark.parametrize("expression", ["1000::number(2,0)", "123.456::number(4,2)", "to_number('12.3456', 10, 9)"])
def test_what_does_not_fit_fails(world: World, expression: str) -> None:
    """data-types-numeric: 999 does not fit into NUMBER(2,0)."""
    with pytest.raises(duckdb.ConversionException):
        world.query(f"select {expression}")


def test_a_product_is_exact_or_refused(world: World) -> None:
    """Its digits past the result's scale round it, and may be more than DuckDB holds at once."""
    [(found,)] = world.query("select -73450446235.6::number(22,9) * 5295878453459.123457::number(22,6)")
    assert found == Decimal("-388984635616071824320681.308469200000")
    assert world.query("select 1.5 * -1.000000000003") == [(Decimal("-1.500000000005"),)]
    with pytest.raises(SqlError, match="Unsupported feature"):
        world.query("select 1::number(38,20) * 1::number(38,20)")


@pytest.mark.parametrize("sign", ["+ 1", "* 10", "- -1"])
def test_no_number_has_more_than_38_digits(world: World, sign: str) -> None:
    with pytest.raises(duckdb.OutOfRangeException):
        world.query(f"select {10**38 - 1} {sign}")


def test_floats_stay_floats(world: World) -> None:
    [row] = world.query("select 1::float/4, sqrt(4), 1.5::float*2, avg(1::float), sum(0.5::float), square(3), cbrt(27)")
    assert row == (0.25, 2.0, 3.0, 1.0, 0.5, 9.0, 3.0)
    assert all(isinstance(value, float) for value in row)


def test_text_next_to_a_number_is_one(world: World) -> None:
    """sum and avg: text is cast to a FLOAT."""
    assert world.query("select '10' > 9, '5' = 5, sum('5'), avg('5')") == [(True, True, 5.0, 5.0)]
    assert world.query("select column1 > 9 from values ('10'), ('8') order by 1") == [(False,), (True,)]


def test_a_quotient_is_computed_once_however_deep_it_stands(world: World) -> None:
    """Its operands stand in its template several times: nested, the text must not double with every level."""
    short, long = (
        len(compile_query(f"select {'(' * n}id{'/(amount+1))' * n} from orders", world).sql) for n in (10, 20)
    )
    assert long < 3 * short


def test_a_number_keeps_its_digits_through_a_query(world: World) -> None:
    kept = compile_query(
        "with a as (select id, amount/3 as t from orders union all select 1, 2.5) select t, t+1, id, count(*) from a group by 1, 3",  # noqa: E501
        world,
    ).kinds
    shown = [(kind.precision, kind.scale) for kind in kept if isinstance(kind, Number)]
    assert shown == [(38, 6), (38, 6), (38, 0), (18, 0)]


def test_rows_of_long_lists_have_digits_of_their_own(world: World) -> None:
    """Of a list that is taken out of the text only the first row was looked at: the rest has digits of its own."""
    rows = ", ".join(["(1)", *("(2.5)",) * 400])
    [(total, third)] = world.query(f"select sum(column1), sum(column1/3) from values {rows}")
    assert total == 1001
    assert float(str(third)) == pytest.approx(1001 / 3, abs=1e-3)


def test_a_subquery_is_the_number_that_it_gives(world: World) -> None:
    assert world.query("select (select 2)/7, (select sum(amount) from orders)/7") == [
        (Decimal("0.285714"), Decimal("14.285714"))
    ]


def test_kinds_of_numbers() -> None:
    assert common([number(1, 0), number(1, 2)]) == number(1, 2)
    together = common([number(5, 0), number(1, 2)])
    assert isinstance(together, Number)
    assert (together.precision, together.scale) == (7, 2)
    assert common([WHOLE, FLOAT]) is FLOAT
    assert common([WHOLE, None]) is None
    assert (number(40, 6).precision, number(0, 0).precision) == (38, 1)


def test_no_division_is_written_that_zero_gets_through() -> None:
    """The seam: DuckDB's `/` of two numbers gives infinity, so no template of ours has one without a guard."""
    functions = Path(compile_query.__code__.co_filename).parents[1] / "functions"
    for path in functions.glob("*.py"):
        for line in path.read_text().splitlines():
            assert not re.search(r"\{0\} / \{1\}", line) or "CASE WHEN" in line, (path.name, line)
