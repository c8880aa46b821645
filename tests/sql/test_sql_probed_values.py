"""Corner cases of values that the reference pages tell of: regular expressions and their parameters, ends of months and
years, texts that are empty, NULL or not ASCII, scales of numbers, documents. A line that begins with `#` names the
pages (below sql-reference/functions) of those that follow.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from sql_world import World

VALUES = r"""
# regexp_replace, regexp_substr, regexp_instr, regexp_count, regexp_like, regexp_substr_all
regexp_replace('abcabc', 'b', 'X', 1, 2) => abcaXc
regexp_replace('ABC', 'b', 'x', 1, 0, 'i') => AxC
regexp_substr('abc123def456', '[0-9]+', 1, 2) => 456
regexp_substr('abc123', '([a-z]+)([0-9]+)', 1, 1, 'e', 2) => 123
regexp_substr('abc123', '([a-z]+)([0-9]+)', 1, 1, 'e') => abc
regexp_substr('abc', 'z') => None
regexp_instr('abcabc', 'b') => 2
regexp_instr('abcabc', 'b', 1, 2) => 5
regexp_instr('abcabc', 'b', 1, 1, 1) => 3
regexp_instr('abc', 'z') => 0
regexp_count('It was the best of times', '\\bthe\\b', 1) => 1
regexp_count('aaAA', 'a', 1, 'i') => 4
regexp_like('Line1\nLine2', 'Line1.Line2') => False
regexp_like('Line1\nLine2', 'Line1.Line2', 's') => True
regexp_like('sacramento', 'SACRA.*', 'i') => True
regexp_like('abc', 'b') => False
'nevermore' rlike 'never' => False
regexp_substr_all('a1_a2a3_a4A5a6', 'a[[:digit:]]')::varchar => ["a1","a2","a3","a4","a6"]
regexp_replace('It was the best of times', '( ){1,}', '') => Itwasthebestoftimes
regexp_replace('firstname middlename lastname', '(.*) (.*) (.*)', '\\3, \\1 \\2') => lastname, firstname middlename
regexp_replace('abc', '', 'x') => xaxbxcx
# add_months, dateadd, datediff, months_between, last_day, date_trunc, next_day, date_from_parts, time_slice, to_timestamp and data-types-datetime
add_months('2016-05-15'::date, 2) => 2016-07-15
add_months('2016-02-29'::date, 1) => 2016-03-31
add_months('2016-05-31'::date, -1) => 2016-04-30
dateadd(month, 1, '2023-01-31'::date) => 2023-02-28
dateadd(year, 1, '2024-02-29'::date) => 2025-02-28
dateadd(quarter, 1, '2023-11-30'::date) => 2024-02-29
dateadd(month, -1, '2024-03-31'::date) => 2024-02-29
datediff(year, '2023-12-31'::date, '2024-01-01'::date) => 1
datediff(month, '2024-01-31'::date, '2024-02-29'::date) => 1
datediff(week, '2023-12-31'::date, '2024-01-01'::date) => 1
datediff(quarter, '2024-03-31'::date, '2024-04-01'::date) => 1
datediff(hour, '2024-01-01 10:59:59'::timestamp, '2024-01-01 11:00:00'::timestamp) => 1
datediff(minute, '2024-01-01 10:59:59'::timestamp, '2024-01-01 11:00:00'::timestamp) => 1
datediff(day, '2024-03-01'::date, '2024-02-28'::date) => -2
months_between('2019-03-31'::date, '2019-02-28'::date) => 1.000000
months_between('2019-03-01'::date, '2019-02-15'::date) => 0.548387
months_between('2019-02-28'::date, '2019-03-31'::date) => -1.000000
last_day('2024-02-10'::date, 'year') => 2024-12-31
last_day('2024-02-10'::date, 'quarter') => 2024-03-31
last_day('2024-02-10'::date, 'week') => 2024-02-11
date_trunc('quarter', '2024-05-15'::date) => 2024-04-01
date_trunc('hour', '2024-05-15 10:45:59'::timestamp)::varchar => 2024-05-15 10:00:00.000
next_day('2024-02-28'::date, 'th') => 2024-02-29
previous_day('2024-03-01'::date, 'th') => 2024-02-29
dayname('2024-02-29'::date) => Thu
monthname('2024-02-29'::date) => Feb
dayofweekiso('2024-03-03'::date) => 7
weekiso('2024-12-30'::date) => 1
yearofweekiso('2024-12-30'::date) => 2025
yearofweek('2023-01-01'::date) => 2022
date_part(epoch_second, '1970-01-02'::timestamp) => 86400
date_part('dayofyear', '2024-12-31'::date) => 366
extract(dow from '2024-03-03'::date) => 0
to_date('31/12/2023', 'DD/MM/YYYY') => 2023-12-31
try_to_date('2023-02-29') => None
date_from_parts(2024, 2, 30) => 2024-03-01
date_from_parts(2024, 0, 1) => 2023-12-01
date_from_parts(2024, 1, 0) => 2023-12-31
date_from_parts(2024, -1, -1) => 2023-10-30
timestamp_from_parts(2024, 1, 1, 25, 0, 0)::varchar => 2024-01-02 01:00:00.000
time_from_parts(0, 100, 0)::varchar => 01:40:00
time_slice('2024-02-29'::date, 1, 'month') => 2024-02-01
time_slice('2024-02-29'::date, 1, 'week', 'end') => 2024-03-04
to_char('2024-02-29'::date, 'DY, MON DD, YYYY') => Thu, Feb 29, 2024
to_timestamp(1709164800)::varchar => 2024-02-29 00:00:00.000
to_timestamp(1709164800123, 3)::varchar => 2024-02-29 00:00:00.123
to_timestamp('1709164800')::varchar => 2024-02-29 00:00:00.000
timediff(month, '2024-01-31'::date, '2024-02-01'::date) => 1
# substr, left, right, lpad, rpad, length, upper, position, charindex, insert, repeat, replace, translate, split_part, split, strtok, trim, initcap, like
substr('abc', 0) => abc
substr('abc', -5) =>
substr('abc', 2, -1) =>
substr('abc', 10) =>
substr(null, 1) => None
left('abc', 0) =>
left('abc', -1) =>
right('abc', -1) =>
lpad('abc', 5) =>   abc
lpad('abc', 5, '') => abc
rpad('abc', -1, 'x') =>
lpad('abc', 6, 'xyz') => xyzabc
length('é') => 1
length('😀') => 1
octet_length('é') => 2
bit_length('é') => 16
reverse('aé😀') => 😀éa
ascii('é') => 233
chr(8364) => €
unicode('€') => 8364
position('', 'abc') => 1
position('c', 'abcabc', 4) => 6
position('z', 'abc') => 0
charindex('b', 'abc', 5) => 0
charindex('', '') => 1
insert('abcdef', 3, 2, 'zzz') => abzzzef
insert('abc', 1, 0, 'x') => xabc
repeat('a', 0) =>
repeat('a', -1) =>
replace('abc', '', 'x') => abc
replace('abc', 'b') => ac
replace('abc', 'b', null) => None
translate('abcd', 'abc', '12') => 12d
split_part('a,b,c', ',', 0) => a
split_part('a,b,c', ',', 4) =>
split_part('a,b,c', ',', -2) => b
split_part('abc', '', 1) => abc
split('', ',')::varchar => [""]
split('a,,b', ',')::varchar => ["a","","b"]
split('abc', '')::varchar => ["abc"]
strtok('a.b.c', '.', 2) => b
strtok('user@snowflake.com', '@.', 3) => com
strtok('a.b', '.', 5) => None
strtok_to_array('a.b.c', '.')::varchar => ["a","b","c"]
trim('xxabcxx', 'x') => abc
ltrim('  abc') => abc
trim('❄-❄ABC-❄-', '❄-') => ABC
concat('a', 'b', 'c') => abc
concat_ws(',', 'a') => a
contains('abc', '') => True
startswith('abc', 'ab') => True
endswith('abc', null) => None
initcap('the quick-brown fox') => The Quick-Brown Fox
initcap('abc def', '') => Abc def
soundex('Marks') => M620
editdistance('abcdef', 'azbcdxyz', 3) => 3
jarowinkler_similarity('CA', 'CA') => 100
parse_ip('192.168.242.188/24', 'INET'):host::varchar => 192.168.242.188
hex_encode('SNOW') => 534E4F57
hex_decode_string('534E4F57') => SNOW
base64_encode('Snowflake') => U25vd2ZsYWtl
base64_decode_string('U25vd2ZsYWtl') => Snowflake
md5('') => d41d8cd98f00b204e9800998ecf8427e
like('John Ddoe', 'John%Doe') => False
'tr%' like 'tr^%' escape '^' => True
'abc' like any ('a%', 'z%') => True
'abc' like all ('a%', '%c') => True
'ABC' ilike 'abc' => True
'abc' not like 'A%' => True
# round, trunc, ceil, floor, mod, width_bucket, bitand, to_decimal, to_char, sql-format-models, operators-arithmetic
round(2.5) => 3
round(-2.5) => -3
round(2.5::float) => 3.0
round(1234.5678, -2) => 1200
round(2.5, 0, 'HALF_TO_EVEN') => 2
trunc(-1.9) => -1
ceil(135.135, -2) => 200
floor(-975.975, 2) => -975.98
mod(5.5, 2) => 1.5
mod(-3, 2) => -1
7 / 2 => 3.500000
1 / 3 => 0.333333
10 / 4::number(10,4) => 2.500000
2 / 3 * 3 => 2.000001
1.5 * 1.25 => 1.875
1.10 + 1 => 2.10
1::number(10,2) / 7 => 0.14285714
sum(1) => 1
factorial(5) => 120
sign(-5.5) => -1
width_bucket(290000, 200000, 600000, 4) => 1
width_bucket(100, 200, 600, 4) => 0
width_bucket(700, 200, 600, 4) => 5
bitand(6, 3) => 2
bitshiftleft(1, 3) => 8
bitnot(1) => -2
log(2, 8) => 3.0
exp(0) => 1.0
power(2, -1) => 0.5
cbrt(-8) => -2.0
degrees(pi()) => 180.0
greatest(1, 2.5, null) => None
greatest_ignore_nulls(1, null, 3) => 3
least('b', 'a') => a
nullifzero(0) => None
'12.50'::number(5,1) => 12.5
'1e2'::number => 100
12345.678::float::varchar => 12345.678
1e15::float::varchar => 1e+15
123456789012345678::float::varchar => 1.23456789012346e+17
to_number('1,234.56', '9,999.99', 10, 2) => 1234.56
to_char(1234.5, '9,999.00') =>  1,234.50
to_char(-12.5, '999.9S') =>  12.5-
try_to_number('abc') => None
try_to_number('12.345', 5, 2) => 12.35
# querying-semistructured, array_*, object_*, get, typeof, is_null_value, strip_null_value
parse_json('{"a":1}'):a::varchar => 1
parse_json('{"a":{"b":[1,2]}}'):a.b[1]::int => 2
parse_json('{"a":1}'):b is null => True
parse_json('{"a":null}'):a is null => False
is_null_value(parse_json('{"a":null}'):a) => True
typeof(parse_json('1')) => INTEGER
typeof(parse_json('1.5')) => DECIMAL
typeof(parse_json('"x"')) => VARCHAR
typeof(parse_json('[]')) => ARRAY
typeof(parse_json('null')) => NULL_VALUE
array_size(parse_json('{"a":1}')) => None
array_contains('a'::variant, array_construct('a','b')) => True
array_position('b'::variant, array_construct('a','b')) => 1
array_append(array_construct(1), 2)::varchar => [1,2]
array_prepend(array_construct(1), 0)::varchar => [0,1]
array_cat(array_construct(1), array_construct(2))::varchar => [1,2]
array_slice(array_construct(0,1,2,3), 1, 3)::varchar => [1,2]
array_slice(array_construct(0,1,2,3), -2, 4)::varchar => [2,3]
array_slice(array_construct(0,1,2), 5, 6)::varchar => []
array_insert(array_construct(0,1), 5, 'x')::varchar => [0,1,undefined,undefined,undefined,"x"]
array_to_string(array_construct('a', null, 1), '-') => a--1
array_intersection(array_construct(1,1,2), array_construct(1,1,3))::varchar => [1,1]
array_except(array_construct('A','B','B'), array_construct('B'))::varchar => ["A","B"]
arrays_overlap(array_construct(1,2), array_construct(2,3)) => True
array_sort(array_construct(20, null, 10))::varchar => [10,20,undefined]
array_flatten(parse_json('[[1,2],[3]]'))::varchar => [1,2,3]
array_generate_range(2, 5)::varchar => [2,3,4]
array_generate_range(5, 2, -1)::varchar => [5,4,3]
array_generate_range(2, 2)::varchar => []
array_min(array_construct(20, 0, null))::int => 0
object_insert(object_construct('a', 1), 'b', 2)::varchar => {"a":1,"b":2}
object_insert(object_construct('a', 1), 'a', 2, true)::varchar => {"a":2}
object_delete(object_construct('a', 1, 'b', 2), 'a')::varchar => {"b":2}
object_pick(object_construct('a', 1, 'b', 2), 'b', 'z')::varchar => {"b":2}
object_construct('a', null, 'b', 1)::varchar => {"b":1}
object_construct(null, 1, 'b', 1)::varchar => {"b":1}
object_agg('k', 1)::varchar => {"k":1}
strip_null_value(parse_json('{"a":null}'):a) is null => True
to_json(parse_json('{"b":1, "a":[1, 2]}')) => {"a":[1,2],"b":1}
get(array_construct('x'), 0)::varchar => x
get(object_construct('a', 1), 'A') is null => True
get_ignore_case(object_construct('aB', 1), 'AB')::int => 1
get_path(parse_json('{"a":[{"b":2}]}'), 'a[0].b')::int => 2
parse_json('{"a b":1}'):"a b"::int => 1
parse_json('[1,2,3]')[-1] is null => True
try_parse_json('{') is null => True
parse_json('') is null => True
check_json('{"a"') is not null => True
as_varchar(parse_json('1')) => None
parse_json('{"a":1}') = parse_json('{ "a" : 1 }') => True
1::variant = 1.0::variant => True
'1'::variant = 1::variant => False
# to_double, data-type-conversion (FLOAT to NUMBER)
2.675::float::number(10,2) => 2.67
1.005::float::number(10,2) => 1.00
0.285::float::number(10,2) => 0.28
1.115::float::number(10,2) => 1.11
123456.789::float::number(38,12) => 123456.789000000004
1e30::float::number(38,0) => 1000000000000000019884624838656
1e22::float::number(38,0) => 10000000000000000000000
0.5::float::int => 1
2.5::float::int => 3
-2.5::float::int => -3
1e18::float::int => 1000000000000000000
9007199254740993::float::int => 9007199254740992
to_number(2.5::float) => 3
to_number(1.1::float, 38, 18) => 1.100000000000000089
to_double(1.1)::number(38,18) => 1.100000000000000089
"""  # noqa: E501


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(Path(tmp_path_factory.mktemp("world")))


def cases(listed: str) -> list[tuple[str, str]]:
    """Each line's SQL and what it gives, as text."""
    lines = [line.rpartition(" =>") for line in listed.strip().splitlines() if not line.startswith("#")]
    return [(sql, expected.strip()) for sql, _, expected in lines]


def shown(value: object) -> str:
    return (format(value, "f") if isinstance(value, Decimal) else str(value)).strip()


def test_a_value_is_what_its_page_says(worlds: World) -> None:
    listed = cases(VALUES)
    [row] = worlds.query(f"select {', '.join(f'{sql} as x{number}' for number, (sql, _) in enumerate(listed))}")
    assert [(sql, shown(value)) for (sql, _), value in zip(listed, row, strict=True)] == listed
