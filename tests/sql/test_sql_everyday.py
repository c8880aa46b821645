"""Everyday values of Snowflake: small expressions and queries whose results follow from the reference (the pages of
their functions and operators, sql-reference/data-type-conversion, ternary-logic, constructs/…), all at once.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from sql_world import World

EXPRESSIONS = r"""
1e20::float::varchar => 1e+20
(0.1::float + 0.2::float)::varchar => 0.3
1.50::number(5,2)::varchar => 1.50
7/2 => 3.500000
1/3 => 0.333333
10.0/3 => 3.3333333
2::float/3 => 0.6666666666666666
'a' like 'A' => False
'a_b' like 'a\\_b' => False
'a_b' like 'a^_b' escape '^' => True
'' = null => None
null = null => None
null <> 1 => None
not null => None
true or null => True
'abc' > 'ABC' => True
'a' || null => None
concat('a', null) => None
concat_ws('-', 'a', null, 'b') => None
array_to_string(array_construct('a', null, 'b'), ',') => a,,b
greatest('a', null) => None
round(1.005, 2) => 1.01
round(-1.5) => -2
round(1234.567, -2) => 1200
truncate(-1.9) => -1
3 % -2 => 1
-7 % 3 => -1
mod(-7.5, 2) => -1.5
abs(-0.0) => 0.0
sign(-3.2) => -1
power(2, 0.5) => 1.4142135623730951
square(3) => 9.0
sqrt(16) => 4.0
ln(1) => 0.0
log(10, 100) => 2.0
cbrt(27) => 3.0
width_bucket(5, 0, 10, 5) => 3
bitxor(5, 3) => 6
to_number('12.3') => 12
to_number('12.5') => 13
to_decimal('12.34', 5, 1) => 12.3
'12.345'::number(10,2) => 12.35
'  12 '::int => 12
'1e3'::int => 1000
'1e3'::float => 1000.0
true::int => 1
true::varchar => true
1::boolean => True
0::boolean => False
'2024-01-31'::date + 1 => 2024-02-01
dateadd(month, 1, '2024-01-31'::date) => 2024-02-29
last_day('2024-02-10'::date) => 2024-02-29
datediff(month, '2024-01-31'::date, '2024-02-01'::date) => 1
datediff(week, '2024-01-07'::date, '2024-01-08'::date) => 1
dayofweek('2024-01-07'::date) => 0
weekofyear('2024-01-01'::date) => 1
week('2021-01-03'::date) => 53
date_trunc('week', '2024-01-10'::date) => 2024-01-08
dayofyear('2024-12-31'::date) => 366
quarter('2024-05-05'::date) => 2
to_date('20240105', 'YYYYMMDD') => 2024-01-05
to_char('2024-01-05'::date, 'YYYY/MM/DD') => 2024/01/05
to_char('2024-01-05 13:05:09'::timestamp, 'HH12:MI:SS AM') => 01:05:09 PM
to_timestamp('2024-01-05 10:00:00')::varchar => 2024-01-05 10:00:00.000
'2024-01-05T10:00:00Z'::timestamp_ntz::varchar => 2024-01-05 10:00:00.000
time_slice('2024-01-05 10:07:00'::timestamp, 15, 'minute')::varchar => 2024-01-05 10:00:00.000
timestampdiff(second, '2024-01-01 00:00:00'::timestamp, '2024-01-01 00:01:00'::timestamp) => 60
trim('  a  ') || '|' => a|
ltrim('xxay', 'x') => ay
substr('hello', 0, 2) => he
substr('hello', 2, 100) => ello
substr('hello', -2) => lo
left('abc', 10) => abc
right('abc', 10) => abc
lpad('abc', 2) => ab
rpad('a', 3, 'xy') => axy
split_part('a,b,c', ',', -1) => c
split('a,b', ',')::string => ["a","b"]
replace('aXa', 'X') => aa
regexp_replace('abc', '[ac]', 'x') => xbx
regexp_substr('abc123', '[0-9]+') => 123
regexp_count('aaa', 'a') => 3
'abc' regexp 'a.*' => True
'abc' regexp 'b' => False
initcap('hello world') => Hello World
reverse('abc') => cba
position('b' in 'abc') => 2
charindex('z', 'abc') => 0
repeat('ab', 2) => abab
ascii('A') => 65
length('') => 0
translate('abc', 'ab', 'x') => xc
md5('a') => 0cc175b9c0f1b6a831c399e269772661
parse_json('{"a":[1,2,{"b":3}]}'):a[2].b::int => 3
parse_json('{"a":null}'):a::varchar => None
parse_json('{"a":1.0}'):a::varchar => 1
parse_json('{"a":"x"}'):a || '' => x
parse_json('[1,2]')[5] is null => True
typeof(parse_json('1e2')) => DOUBLE
array_size(split('a,b,c', ',')) => 3
object_keys(object_construct('b', 1, 'a', 2))::string => ["a","b"]
to_json(object_construct('b', 1.50, 'a', 'x')) => {"a":"x","b":1.5}
iff(null, 1, 2) => 2
nvl(null, 'x') => x
nullif(1, 1) => None
zeroifnull(null) => 0
decode(1, 1, 'a', 'b') => a
case 1 when 1 then 'a' else 'b' end => a
equal_null(null, 1) => False
1 in (1, null) => True
2 in (1, null) => None
2 not in (1, null) => None
1 between 1 and 2 => True
coalesce(null, null, 3) => 3
iff(true, null, 1) => None
coalesce(null, '5', 2) => 5
case when false then 'x' else null end => None
greatest('2024-01-01'::date, '2024-02-01') => 2024-02-01
least(1, 2.5, '0.5') => 0.5
nvl(parse_json('1'), 5)::int => 1
nvl2(1, 'a', 'b') => a
decode('1', 1, 'one', 'other') => one
ifnull(1.5, 2) => 1.5
1 = '1.0' => True
'1' = 1 => True
'2024-01-01'::date = '2024-01-01' => True
'2024-01-01' < '2024-01-02'::timestamp => True
true = 'true' => True
parse_json('1') = 1 => True
parse_json('"a"') = 'a' => True
parse_json('1') = parse_json('1.0') => True
parse_json('"1"') = parse_json('1') => False
parse_json('1') in (1, 2) => True
parse_json('"a"') in ('a', 'b') => True
parse_json('[1,2]') = parse_json('[1, 2.0]') => True
parse_json('1') < parse_json('1e1') => True
"""
QUERIES = r"""
select x from (values (1),(null),(2)) v(x) order by x => 1; 2; None
select x from (values (1),(null),(2)) v(x) order by x desc => None; 2; 1
select x from (values (1),(null),(2)) v(x) order by 1 desc => None; 2; 1
select row_number() over (order by x desc) r from (values (1),(null)) v(x) where x is null => 1
select listagg(coalesce(x::varchar,'n')) within group (order by x desc) from (values (1),(null),(2)) v(x) => n21
select array_agg(y) within group (order by x desc)::string from (values (1,'a'),(null,'b'),(2,'c')) v(x,y) => ["b","c","a"]
select first_value(y) over (order by x desc) from (values (1,'a'),(null,'b'),(2,'c')) v(x,y) limit 1 => b
select max(x), min(x) from (values (null),(1)) v(x) => 1, 1
select sum(x) from (values (1)) v(x) where x > 5 => None
select sum(x) over (order by y) from (values (1,1),(2,1),(3,2)) v(x,y) order by y, x => 3; 3; 6
select sum(x) over (order by y rows between unbounded preceding and current row) from (values (1,1),(3,2)) v(x,y) order by y => 1; 4
select lag(x, 1, 0) over (order by x) from (values (1),(2)) v(x) order by x => 0; 1
select ntile(2) over (order by x) from (values (1),(2),(3)) v(x) order by x => 1; 1; 2
select percent_rank() over (order by x) from (values (1),(2),(3)) v(x) order by x => 0.0; 0.5; 1.0
select cume_dist() over (order by x) from (values (1),(2)) v(x) order by x => 0.5; 1.0
select avg(x) from (values (1),(2)) v(x) => 1.500000
select avg(x) from (values (1.5),(2.25)) v(x) => 1.87500000
select sum(x) from (values (1.5),(2.25)) v(x) => 3.75
select stddev(x) from (values (1)) v(x) => None
select variance(x) from (values (1),(3)) v(x) => 2.000000
select corr(x, x) from (values (1),(3)) v(x) => 1.0
select count(distinct x) from (values (1),(1.0),(null)) v(x) => 1
select min(x) from (values ('b'),('a')) v(x) => a
select x from (values (1),(2)) v(x) minus select 1 => 2
select x from (values (1),(1)) v(x) union select 1 => 1
select count(*) from (values (1),(2)) a(x) full outer join (values (2),(3)) b(y) on x = y => 3
select x, y from (values (1),(2)) a(x) left join (values (2)) b(y) on x = y order by x => 1, None; 2, 2
select max(x) from (values (null)) v(x) => None
select any_value(x) from (values (1)) v(x) => 1
select boolor_agg(x > 1) from (values (1),(2)) v(x) => True
select x from (values (3),(1),(2)) v(x) order by x limit 1 offset 1 => 2
select top 1 x from (values (3),(1)) v(x) order by x => 1
select * exclude x from (values (1,2)) v(x,y) => 2
select * rename x as z from (values (1,2)) v(x,y) => 1, 2
select * replace (x+1 as x) from (values (1,2)) v(x,y) => 2, 2
select $1, $2 from (values (1,'a')) => 1, a
select x from (values (1),(2)) v(x) qualify row_number() over (order by x desc) = 1 => 2
select a.x from (values (1)) a(x), lateral (select a.x + 1 as y) b where b.y = 2 => 1
select sum(x) filter (where x > 1) from (values (1),(2)) v(x) => 2
select a from (values (1.5), (2), ('3.25')) v(a) order by a => 1.50; 2.00; 3.25
select count(distinct parse_json(x)) from (values ('1'),('1.0'),('1e0'),('"1"')) v(x) => 2
select x, count(*) from (values (1,'a'),(1,'b')) v(x,y) group by x having count(*) > 1 => 1, 2
select count(*) from (select 1 where false) => 0
with recursive t as (select 1 n union all select n + 1 from t where n < 3) select sum(n) from t => 6
select count(*) from table(generator(rowcount => 5)) => 5
select count(*) from (select 'a' x union all select null) where x is null => 1
select x::varchar from (select null x union all select '2024-01-01 10:00 +0000'::timestamp_tz) where x is not null => 2024-01-01 10:00:00.000 +0000
select x from (select '2024-01-01' x union all select '2024-01-02'::date) order by 1 => 2024-01-01; 2024-01-02
select typeof(x) from (select 1::variant x union all select 'a') order by 1 => INTEGER; VARCHAR
select x from (select 1 x union select 1.0 union select '1') => 1.0
select count(*) from (select distinct parse_json(x) from (values ('1'),('1.0'),('1e0')) v(x)) => 1
select sum(x) from (select parse_json('1') x union all select parse_json('2.5')) => 3.5
select max(x)::int from (select parse_json('1') x union all select parse_json('10')) => 10
select array_agg(x)::string from (select 1 x union all select 1.5) => [1,1.5]
select v:a::int k, count(*) from (select parse_json('{"a":1}') v union all select parse_json('{"a":1.0}')) group by v:a => 1, 2
select v:a k, count(*) from (select parse_json('{"a":1}') v union all select parse_json('{"a":1}')) group by k => 1, 2
select v:a, count(*) c from (select parse_json('{"a":1}') v union all select parse_json('{"a":2}')) group by 1 order by 1 => 1, 1; 2, 1
select v:a::string s, sum(1) from (select parse_json('{"a":"x"}') v) group by v:a::string order by s => x, 1
select upper(v:a::string) from (select parse_json('{"a":"x"}') v) group by v:a => X
select count(*) over (partition by v:a) from (select parse_json('{"a":1}') v union all select parse_json('{"a":1.0}')) => 2; 2
select distinct v:a from (select parse_json('{"a":1}') v union all select parse_json('{"a":1.0}')) => 1
select distinct v:a, count(*) over () from (select parse_json('{"a":1}') v) order by 1 limit 5 => 1, 1
select t.v:a from (select parse_json('{"a":1}') v) t group by t.v:a order by t.v:a => 1
select f.value, count(*) from (select parse_json('[1,1,2]') v) t, lateral flatten(t.v) f group by f.value order by 2 desc => 1, 2; 2, 1
select f.value:k, sum(f.value:n) from (select parse_json('[{"k":"a","n":1},{"k":"a","n":2}]') v) t, lateral flatten(t.v) f group by f.value:k => "a", 3.0
select value from table(flatten(parse_json('[1,2]'))) group by value order by value => 1; 2
select max(f.value) from table(flatten(parse_json('[1,3,2]'))) f => 3
select 1 from (select parse_json('{"a":1}') v) where v:a in (select parse_json('1.0')) => 1
select a.v from (select 1::variant v) a join (select 1.0::variant v) b on a.v = b.v => 1
select a.v from (select 1::variant v) a join (select 1::variant v) b using (v) => 1
"""  # noqa: E501


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(Path(tmp_path_factory.mktemp("world")))


def cases(listed: str) -> list[tuple[str, str]]:
    """Each line's SQL and what it gives, as text: columns by commas, rows by semicolons."""
    lines = [line.rpartition(" =>") for line in listed.strip().splitlines()]
    return [(sql, expected.strip()) for sql, _, expected in lines]


def shown(value: object) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def test_expressions_give_what_the_reference_says(worlds: World) -> None:
    listed = cases(EXPRESSIONS)
    [row] = worlds.query(f"select {', '.join(f'{sql} as x{number}' for number, (sql, _) in enumerate(listed))}")
    found = [(sql, shown(value).strip()) for (sql, _), value in zip(listed, row, strict=True)]
    assert found == listed


@pytest.mark.parametrize(("query", "expected"), cases(QUERIES), ids=[query for query, _ in cases(QUERIES)])
def test_queries_give_what_the_reference_says(worlds: World, query: str, expected: str) -> None:
    rows = worlds.query(query)
    assert "; ".join(", ".join(shown(value) for value in row) for row in rows) == expected
