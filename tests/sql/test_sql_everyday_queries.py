"""Statements of everyday work with what they give: `statement => rows`, cells apart by ` | `, rows by ` ; `, or
`ERR` and a code.

Each follows from the page that is named above it, below Snowflake's sql-reference.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sql_world import World

from cleanroom_ml.engine.sql.catalog import ContextValues, RoleValues
from cleanroom_ml.engine.sql.errors import SqlError


class Account(World):
    """A session of an account, where rows may say what columns are called."""

    def context(self) -> ContextValues:
        return replace(super().context(), roles=RoleValues(list, str, list, list))


STATEMENTS = r"""
# data-type-conversion, usage notes: constants have their own digits, other texts are NUMBER(18,5)
select 1 + '2', '3' * '4', 10 / '4', x + 1 from values ('2.5') t(x) => 3 | 12 | 2.500000 | 3.50000
# data-type-conversion, the table: what is not coercible
select 'a' || [1] => ERR 1044
select upper([1]) => ERR 1044
select concat('a', {'b': 1}) => ERR 1044
select trim(x'4142') => ERR 1044
select sum(true) => ERR 1044
select median(date '2024-01-05') => ERR 1044
select upper(true), length(12.50), left(12345, 2), split_part(192.168, '.', 1) => TRUE | 5 | 12 | 192
# data-type-conversion: VARCHAR and VARIANT are coerced to BOOLEAN; functions/to_boolean: of which words
select iff(x, 1, 0) from values ('on'), ('off') t(x) => 1 ; 0
select case when v:a then 1 end, iff(v:a, 1, 2), not v:a from (select parse_json('{"a": "yes"}') v) => 1 | 1 | false
select count_if(v:a), booland_agg(v:a), count(*) from (select parse_json('{"a": true}') v) where v:a => 1 | true | 1
select count_if(x) from values (1), (0), (5) t(x) => 2
# functions/array_contains, array_position, array_remove: these have to be cast
select array_contains('a', ['a']) => ERR 1044
select array_position(date '2024-01-01', ['a']) => ERR 1044
select array_remove(['a'], 'a') => ERR 1044
select array_contains('a'::variant, ['a']), array_contains(1, [1]), array_contains(null, [null]) => true | true | true
# functions/listagg, percentile_cont, mode and others: with OVER neither ORDER BY nor a frame
select listagg(x) over (order by x) from values ('a') t(x) => ERR 2303
select median(x) over (partition by x order by x) from values (1) t(x) => ERR 2303
select corr(x, x) over (order by x rows between 1 preceding and current row) from values (1) t(x) => ERR 2303
select any_value(x) over (partition by x), listagg(x, ',') over () from values (1) t(x) => 1 | 1
# Snowpark's tests/integ/scala/test_window_spec_suite.py: but a frame that is the whole partition; test_function_suite.py: NTILE
select corr(x, y) over (order by x rows between unbounded preceding and unbounded following) from values (1, 2), (2, 1) t(x, y) => -1 ; -1
select x, ntile(n) over (order by x) from (select column1 x, 2 n from values (1), (2), (3)) order by x => 1 | 1 ; 2 | 1 ; 3 | 2
select ntile(0) over (order by x) from values (1) t(x) => ERR 2061
# functions/listagg: DISTINCT and WITHIN GROUP refer to the same column
select listagg(distinct x, ',') within group (order by y) from values ('a', 1) t(x, y) => ERR 1003
select listagg(distinct x, ',') within group (order by x desc) from values ('a'), ('b'), ('a') t(x) => b,a
# functions/last_value: IGNORE NULLS inside of the parentheses
select last_value(v ignore nulls) over (order by x rows between unbounded preceding and current row) l from values (1, 5), (2, null) t(x, v) order by x => 5 ; 5
# functions/conditional_true_event: it starts from 0, NULL is not TRUE
select conditional_true_event(p > 1) over (order by x) e from (select x, lag(x) over (order by x) p from values (1), (2), (3) t(x)) order by x => 0 ; 0 ; 1
# functions/median, percentile_cont: of all digits that a NUMBER has
select median(x) from values (1), (12345678901234567892) t(x) => 6172839450617283946.500
select percentile_cont(0.25) within group (order by x) from values (1), (12345678901234567893), (null) t(x) => 3086419725308641974.000
select percentile_cont(0.25) within group (order by x desc), percentile_cont(1) within group (order by x) from values (1::int), (5) t(x) => 4.000 | 5.000
select median(x) over () from values (12345678901234567890) t(x) => ERR 2
select median(x) over () from values (1::int), (2) t(x) => 1.500 ; 1.500
select percentile_cont(0.5) within group (order by v:n) from (select parse_json('{"n": 5}') v) => 5
# operators-query: columns of set operations go by their position, whatever they are called
select 1 a, 2.5 a union all select 2.25, 3 order by 1 => 1.00 | 2.5 ; 2.25 | 3.0
select '1' a, 'x' a union all select 2, 'y' order by 1 => 1 | x ; 2 | y
select 1 a, 2 a union all select 3, 4 union all select 5, '6' order by 1 => 1 | 2 ; 3 | 4 ; 5 | 6
select x.*, y.* from (select 1 a) x, (select 2 a) y union all select 3.5, 4 order by 1 => 1.0 | 2 ; 3.5 | 4
select parse_json('1') a, 2 a union select parse_json('1'), 2 => ERR 2
# sql/select: a column of two of one name is ambiguous
select a from (select 1 a, 2 a) => ERR 2006
select t.a from (select 1 a, 2 a) t => ERR 2006
select upper(q) || r from (select 1 a, 'x' a, 'z' b) t(p, q, r) => Xz
with t(p, q, r) as (select 1 a, 2.5 a, 'x' b) select q * 2, r || 'y' from t => 5.0 | xy
# constructs/pivot: a subquery says all columns, NULL is a value
select * from ROWS pivot(sum(v) for c in (select column1 from values ('x'), ('z'))) order by k => a | 1 | NULL ; b | 3 | NULL
select * from ROWS pivot(count(v) for c in (select column1 from values ('x'), ('z'))) order by k => a | 1 | 0 ; b | 1 | 0
select * from ROWS pivot(sum(v) as total for c in (any order by c)) order by k => a | 1 | 2 ; b | 3 | NULL
select k, "NULL" from (values ('a', null, 1)) t(k, c, v) pivot(sum(v) for c in (any)) => a | 1
# constructs/connect-by, and Oracle's LEVEL, with which it is mostly compatible
select n, level from values (1, null), (2, 1), (3, 2) t(n, p) start with p is null connect by p = prior n order by 1 => 1 | 1 ; 2 | 2 ; 3 | 3
select level from (select 1 n) connect by level <= 3 order by 1 => 1 ; 2 ; 3
# functions/generator: its rows have no columns
select * from table(generator(rowcount => 2)) => ERR 1003
select * from (select 1 a), table(generator(rowcount => 2)) => 1 ; 1
# functions/year, date_trunc, date_part: NULL gives NULL, a TIME has no day
select year(null), date_trunc('day', null), dayname(null), dateadd(day, 1, null) => NULL | NULL | NULL | NULL
select year('01:02:03'::time) => ERR 1044
select dateadd(day, 1, '01:02:03'::time) => ERR 1044
# functions/convert_timezone; data-types-structured
select convert_timezone('Nowhere/Land', 'UTC', timestamp '2024-03-05 12:00:00') => ERR 100256
select {'a': 1}::object(a int) => ERR 2
select [1]::array(int) => ERR 2
# operators-subquery: NOT IN, ANY and ALL of a query
select x from values (1), (2) t(x) where x not in (select y from values ('2') u(y)) => 1
select count(*) from values (1), (2) t(x) where x not in (select y from values (2), (null) u(y)) => 0
select x from values (1), (2), (3) t(x) where x > all (select column1 from values (1), (2)) => 3
select x from values (1), (2), (3) t(x) where x < any (select column1 from values ('2'), ('3')) order by 1 => 1 ; 2
select x from values (date '2024-01-01') t(x) where (x, 1) not in (select '2024-01-02'::date, 1) => 2024-01-01
# constructs/values: columns by their number, of each alias
select v1.$2, v2.$2 from (values (1, 'one'), (2, 'two')) as v1 join (values (1, 'One'), (3, 'three')) as v2 where v2.$1 = v1.$1 => one | One
# constructs/with: the first rows say what the columns of a recursive common table are
with recursive r(v, n) as (select 100, 1 union all select v * 1.05, n + 1 from r where n < 3) select max(v) from r => ERR 2
with recursive r(v, n) as (select 100::float, 1 union all select v * 1.05, n + 1 from r where n < 3) select round(max(v), 2) from r => 110.25
with recursive r as (select parse_json('1') v, 1 n union select v, n + 1 from r where n < 3) select count(*) from r => ERR 2
# functions/try_cast: of texts only
select try_cast(5 as varchar) => ERR 1065
select try_cast(parse_json('5') as int) => ERR 1065
select try_cast('5' as int), try_cast(null as int), try_cast('x' as date) => 5 | NULL | NULL
# functions/flatten: a text is no document
select * from table(flatten(input => '[1]')) => ERR 1044
# operators-query: a number beside what is not coerced to one
select true union all select 1 => ERR 1790
select 1 union all select date '2024-01-01' => ERR 1790
# functions-window-syntax: where a window function may stand, and that a frame has an order
select x from values (1) t(x) where row_number() over (order by x) = 1 => ERR 2303
select sum(row_number() over (order by x)) from values (1) t(x) => ERR 1003
select sum(x) over (rows between 1 preceding and current row) from values (1) t(x) => ERR 2303
select sum(x) over (order by x rows between current row and 1 preceding) from values (1) t(x) => ERR 2303
# user-guide/querying-subqueries: a scalar subquery has one row and one column
select (select x from values (1), (2) t(x)) => ERR 90150
select (select 1, 2) => ERR 1003
# constructs/order-by, constructs/limit-fetch
select distinct x from values (1, 2), (1, 3) t(x, y) order by y => ERR 1003
select distinct upper(x) u from values ('a'), ('b') t(x) order by upper(x) desc => B ; A
select x from values (1) t(x) limit -1 => ERR 1003
# data-types-datetime, interval and literal constants: a literal is a DATE before it is cast
select date '2024-01-05'::timestamp_ntz::varchar, timestamp '2024-01-05 10:00:00'::date, time '10:00'::varchar => 2024-01-05 00:00:00.000 | 2024-01-05 | 10:00:00
# functions/to_decimal, to_double: what is a number
select '1_000'::int => ERR 100038
select x + 1 from values ('1_000') t(x) => ERR 100038
select sum(x) from values ('1_5') t(x) => ERR 100038
select try_cast(x as int), try_to_number(x), try_to_double(x) from values ('1_000') t(x) => NULL | NULL | NULL
# sql/select, operators: what is no column and no argument
select x from values (1) t(x) where x in (**[1]) => ERR 2
select array_agg(x order by x) from values (1) t(x) => ERR 2
select if(true, 1, 2) => ERR 2140
# constructs/asof-join: the comparison operator in ON is =, and its conditions are not connected with OR
select * from values (1) l(x) asof join values (1) r(x) match_condition (l.x >= r.x) on (l.x = r.x or l.x = 2) => ERR 1003
select * from values (1) l(x) asof join values (1) r(x) match_condition (l.x >= r.x) on l.x > r.x => ERR 1003
select l.x, r.y from values (1, 2) l(x, z) asof join values (1, 2, 3) r(x, z, y) match_condition (l.x >= r.x) on (l.z = r.z) and (l.x = r.x) => 1 | 3
# constructs/order-by: an expression, and so NULL, which is no position
select x from values (2) t(x) order by null => 2
select listagg(x, ',') within group (order by null), array_agg(x) within group (order by null) from values (1) t(x) => 1 | [1]
# functions/copy_history: a table function that is not here is refused by its name
select * from table(information_schema.copy_history(table_name => 'T', start_time => current_timestamp())) => ERR 2
# functions/pow: where it has no value, as SQRT and LN; functions/randstr
select power(-8, 1/3) => ERR 100064
select pow(0, -1) => ERR 100064
select power(0, 0), power(-2, 3), power(-8, 2.0), power(null, 2), randstr(0, 1) || 'x' => 1 | -8 | 64 | NULL | x
"""  # noqa: E501
ROWS = "(values ('a', 'x', 1), ('a', 'y', 2), ('b', 'x', 3)) t(k, c, v)"


def statements(text: str) -> Iterator[tuple[str, str]]:
    """Each statement and what it gives."""
    for line in text.strip().splitlines():
        if not line.startswith("#"):
            sql, _, expected = line.rpartition(" => ")
            yield sql.replace("ROWS", ROWS), expected


def shown(value: object) -> str:
    """A cell as the table above has it."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return json.dumps(json.loads(text), separators=(",", ":")) if text[:1] in "{[" else text


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Account:
    return Account(Path(tmp_path_factory.mktemp("world")))


@pytest.mark.parametrize(("sql", "expected"), list(statements(STATEMENTS)))
def test_a_statement_gives_what_its_page_says(account: Account, sql: str, expected: str) -> None:
    if expected.startswith("ERR "):
        with pytest.raises(SqlError) as refused:
            account.answer(sql)
        assert str(refused.value.code) == expected.removeprefix("ERR ")
        return
    assert " ; ".join(" | ".join(map(shown, row)) for row in account.answer(sql)) == expected
