"""Queries whose rows the reference pages tell: aggregates and their order, windows and their frames, PIVOT and UNPIVOT,
set operations, joins, NULL in conditions, FLATTEN. A line that begins with `#` names the pages (below sql-reference) of
those that follow.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from sql_world import World

from cleanroom_ml.engine.sql.errors import SqlError

QUERIES = r"""
# functions/listagg, array_agg, object_agg, count, avg, median, percentile_cont, stddev, max_by, bitor_agg, booland_agg
select listagg(column1, ',') within group (order by column1 desc) from values ('a'),('c'),('b') => c,b,a
select listagg(distinct column1, '|') within group (order by column1) from values ('b'),('a'),('b') => a|b
select listagg(column1, ',') from values (null) =>
select listagg(column1) within group (order by column2) from values ('a', 3),('b',1),(null,2) => ba
select listagg(column1, ', ') within group (order by column1) from values (10),(9) => 9, 10
select array_agg(column1) within group (order by column1 desc)::varchar from values (1),(3),(null),(2) => [3,2,1]
select array_agg(distinct column1) within group (order by column1)::varchar from values (1),(3),(1) => [1,3]
select array_agg(column1)::varchar from values (1) where column1 > 5 => []
select array_unique_agg(column1)::varchar from values (1),(1) => [1]
select object_agg(column1, column2)::varchar from values ('b', 1),('a', 2) => {"a":2,"b":1}
select object_agg(column1, column2)::varchar from values ('b', null),(null, 2),('c',3) => {"c":3}
select count(*), count(column1), count(distinct column1) from values (1),(1),(null) => 3, 2, 1
select count(distinct column1, column2) from values (1,1),(1,null),(1,1),(2,1) => 2
select sum(column1) from values (null::int) => None
select avg(column1) from values (1),(2) => 1.500000
select avg(column1) from values (1),(1),(2) => 1.333333
select avg(column1::float) from values (1),(2) => 1.5
select sum(distinct column1) from values (1),(1),(2) => 3
select median(column1) from values (1),(2),(3),(4) => 2.500
select median(column1) from values (1),(2),(3) => 2.000
select percentile_cont(0.5) within group (order by column1) from values (0),(10),(10),(20) => 10.000
select percentile_cont(0.2) within group (order by column1) from values (10),(20),(30) => 14.000
select percentile_disc(0.5) within group (order by column1) from values (10),(20),(30),(40) => 20
select mode(column1) from values (1),(2),(2) => 2
select stddev(column1) from values (1) => None
select stddev_pop(column1) from values (2),(4) => 1.0
select stddev(column1) from values (2),(4) => 1.4142135623730951
select variance(column1) from values (2),(4) => 2.000000
select var_pop(column1) from values (2),(4) => 1.000000
select covar_pop(column1, column2) from values (1,2),(3,6) => 2.0
select corr(column1, column2) from values (1,2),(3,6) => 1.0
select regr_slope(column2, column1) from values (1,2),(3,6) => 2.0
select kurtosis(column1) from values (1),(2),(3) => None
select bitor_agg(column1) from values (1),(2),(4) => 7
select bitand_agg(column1) from values (7),(3) => 3
select bitxor_agg(column1) from values (1),(3) => 2
select booland_agg(column1) from values (true),(null),(true) => True
select boolor_agg(column1) from values (false),(null) => False
select boolxor_agg(column1) from values (true),(true) => False
select max_by(column1, column2) from values ('a',1),('b',2),('c',null) => b
select min_by(column1, column2) from values ('a',1),('b',2) => a
select max_by(column1, column2, 2)::varchar from values ('a',1),('b',2),('c',3) => ["c","b"]
select any_value(column1) from values (5),(5) => 5
select count_if(column1 > 1) from values (1),(2),(null),(3) => 2
select approx_count_distinct(column1) from values (1),(2),(2) => 2
select hash_agg(column1) = hash_agg(column1) from values (1),(2) => True
select max(column1) from values ('a'),('B') => a
select min(column1) from values ('a'),('B') => B
# functions-window-syntax, functions/lag, lead, first_value, nth_value, rank, ntile, conditional_true_event
select column1, sum(column1) over (order by column1 rows between 1 preceding and current row) from values (1),(2),(3) order by 1 => 1, 1; 2, 3; 3, 5
select column1, sum(column1) over (order by column1 rows between current row and unbounded following) from values (1),(2),(3) order by 1 => 1, 6; 2, 5; 3, 3
select column1, sum(column1) over (order by column1) from values (1),(1),(2) order by 1 => 1, 2; 1, 2; 2, 4
select column1, count(*) over (order by column1 range between 1 preceding and 1 following) from values (1),(2),(4) order by 1 => 1, 2; 2, 2; 4, 1
select lag(column1, 1, 0) over (order by column1) from values (1),(2) order by 1 => 0; 1
select lag(column1, -1) over (order by column1) from values (1),(2) order by 1 nulls last => 2; None
select lead(column1, 2, -1) over (order by column1) from values (1),(2),(3) order by 1 => -1; -1; 3
select lag(column2) ignore nulls over (order by column1) from values (1,5),(2,null),(3,7) order by column1 => None; 5; 5
select first_value(column2) ignore nulls over (order by column1) from values (1,null),(2,7) order by column1 => 7; 7
select last_value(column2) ignore nulls over (order by column1) from values (1,5),(2,null) order by column1 => 5; 5
select last_value(column1) over (order by column1 rows between unbounded preceding and current row) from values (1),(2) order by 1 => 1; 2
select nth_value(column1, 2) from first over (order by column1) from values (1),(2) limit 1 => 2
select rank() over (order by column1), dense_rank() over (order by column1), row_number() over (order by column1) from values (1),(1),(2) order by 3 => 1, 1, 1; 1, 1, 2; 3, 2, 3
select percent_rank() over (order by column1) from values (1),(2),(3) order by 1 => 0.0; 0.5; 1.0
select cume_dist() over (order by column1) from values (1),(2),(2) order by 1 => 0.3333333333333333; 1.0; 1.0
select ntile(2) over (order by column1) from values (1),(2),(3) order by 1 => 1; 1; 2
select column1, ratio_to_report(column1) over () from values (1),(3) order by 1 => 1, 0.250000; 3, 0.750000
select conditional_true_event(column1 > 1) over (order by column1) from values (1),(2),(3) order by 1 => 0; 1; 2
select conditional_change_event(column2) over (order by column1) from values (1,'a'),(2,'a'),(3,'b') order by column1 => 0; 0; 1
select listagg(column1, ',') within group (order by column1) over (partition by column2) from values (1,'x'),(2,'x') => 1,2; 1,2
select count(*) over () from values (1),(2) => 2; 2
select avg(column1) over (order by column1 rows between unbounded preceding and current row) from values (10),(20) order by 1 => 10.000; 15.000
select column1 from values (1),(2),(3) qualify row_number() over (order by column1 desc) = 1 => 3
select column1, count(*) from values (1),(1),(2) group by column1 having count(*) > 1 => 1, 2
# constructs/group-by-rollup, functions/grouping, constructs/pivot, constructs/unpivot
select column1, column2, sum(1) from values (1,'a'),(1,'b') group by rollup(column1, column2) order by 1 nulls last, 2 nulls last => 1, a, 1; 1, b, 1; 1, None, 2; None, None, 2
select column1, grouping(column1) from values (1) group by rollup(column1) order by 2 => 1, 0; None, 1
select grouping_id(column1, column2) from values (1,2) group by cube(column1, column2) order by 1 => 0; 1; 2; 3
select * from (select 'a' k, 1 v union all select 'b', 2) pivot(sum(v) for k in ('a', 'b')) => 1, 2
select * from (select 1 id, 'a' k, 1 v union all select 2, 'b', 2) pivot(sum(v) for k in ('a', 'b')) as p order by id => 1, 1, None; 2, None, 2
select * from (select 1 id, 'a' k, 1 v) pivot(sum(v) for k in ('a', 'b') default on null (0)) => 1, 1, 0
select * from (select 1 id, 10 jan, 20 feb) unpivot(sales for month in (jan, feb)) order by month => 1, FEB, 20; 1, JAN, 10
select * from (select 1 id, null::int jan, 20 feb) unpivot(sales for month in (jan, feb)) => 1, FEB, 20
select * from (select 1 id, null::int jan, 20 feb) unpivot include nulls (sales for month in (jan, feb)) order by month => 1, FEB, 20; 1, JAN, None
select * from (select 1 id, 10 jan) unpivot(sales for month in (jan as 'January')) => 1, January, 10
# constructs/order-by, operators-query, operators-subquery, constructs/with
select column1 from values (3),(null),(1) order by column1 => 1; 3; None
select column1 from values (3),(null),(1) order by column1 desc => None; 3; 1
select column1 from values (3),(null),(1) order by column1 desc nulls last => 3; 1; None
select column1 from values ('b'),('A'),('a'),('B') order by column1 => A; B; a; b
select 1 union select 1.0 => 1.0
select 1 union all select 1.5 => 1.0; 1.5
select 'a' intersect select 'A' =>
select null intersect select null => None
select column1 from values (1),(1),(2) except select 2 => 1
select 1 union all select 1 intersect select 2 => 1
select * from values (1,'a') t(x, y) where y in ('a', null) => 1, a
select 1 where 2 not in (1, null) =>
select 1 where null in (null) =>
select 1 where exists (select null) => 1
select (select max(column1) from values (1),(2)) => 2
select any_value(x) from (select 1 x) where x = any (select 1) => 1
select 1 where 3 > all (select column1 from values (1),(2)) => 1
select 1 where null > all (select 1 where false) => 1
# functions/flatten, split_to_table, strtok_split_to_table, generator, constructs/join
select index, value::varchar from table(flatten(input => parse_json('["a","b"]'))) order by index => 0, a; 1, b
select key, value::int from table(flatten(input => parse_json('{"b":1,"a":2}'))) order by key => a, 2; b, 1
select path, value::varchar from table(flatten(input => parse_json('{"a":[1,{"b":2}]}'), recursive => true)) order by path => a, [1,{"b":2}]; a[0], 1; a[1], {"b":2}; a[1].b, 2
select count(*) from table(flatten(input => parse_json('[]'))) => 0
select index, value from table(flatten(input => parse_json('[]'), outer => true)) => None, None
select count(*) from table(flatten(input => null::variant)) => 0
select index from table(flatten(input => parse_json('{"a":1}'), mode => 'ARRAY')) =>
select index, value from table(strtok_split_to_table('a.b', '.')) order by 1 => 1, a; 2, b
select count(*) from table(generator(rowcount => 3)) => 3
select seq4() from table(generator(rowcount => 3)) order by 1 => 0; 1; 2
select * from (select 1 a) natural join (select 1 a, 2 b) => 1, 2
select * from (select 1 a, 2 c) x join (select 1 a, 3 b) y using (a) => 1, 2, 3
select x.column1, y.column1 from values (1),(2) x full join values (2),(3) y on x.column1 = y.column1 order by 1 nulls last => 1, None; 2, 2; None, 3
select l.column1, r.column1 from values (1),(2) l left join values (2) r on l.column1 = r.column1 order by 1 => 1, None; 2, 2
# ternary-logic, functions/case, coalesce, nvl2, decode, equal_null, data-type-conversion
select column1 ilike '%A%' from values ('bad') => True
select iff(column1 is null, 'n', 'v') from values (null) => n
select case when null then 1 else 2 end => 2
select case 1 when null then 'a' when 1 then 'b' end => b
select coalesce(null, null, 3) => 3
select nvl2(null, 1, 2) => 2
select decode(null, null, 'n', 'x') => n
select decode(3, 1, 'a', 2, 'b') => None
select zeroifnull(null) + 1 => 1
select equal_null(null, null) => True
select null is distinct from null => False
select 1 is distinct from null => True
select 1 between null and 2 => None
select not (null) => None
select booland(1, null), boolor(1, null), boolxor(true, null) => None, True, None
select true and null, false and null, true or null => None, False, True
select 'a' || null => None
select '2024-01-01' < '2023-12-31'::date => False
select '10' < 9 => False
select 1 = '1.0' => True
select true = 'true' => True
select true = 1 => True
select to_date('2024-01-01') = '2024-01-01' => True
select current_date - 1 < current_date => True
select '2024-01-02'::date - '2024-01-01'::date => 1
# constructs/join-lateral: columns of the query around a table function
select id, r.x, r.y from people, lateral (select value::varchar || id as x, name as y from table(flatten(doc:a.b))) r where id < 2 order by 1, 2 => 0, 00, n0; 0, x0, n0; 1, 11, n1; 1, x1, n1
select id, (select listagg(value::varchar || name, ',') from table(flatten(doc:a.b))) from people where id < 2 order by 1 => 0, 0n0,xn0; 1, 1n1,xn1
select id, r.v from people, lateral (select s.value || name as v from table(split_to_table(name || '-z', '-')) s) r where id = 1 order by 2 => 1, n1n1; 1, zn1
select id, f.value::varchar, this::varchar, index from people, lateral flatten(doc:a.b) f where id = 1 order by 4 => 1, 1, [1,"x"], 0; 1, x, [1,"x"], 1
select count(*) from people, lateral flatten(input => doc, recursive => true) => 20
select p.id from people p where exists (select 1 from table(flatten(p.doc:a.b)) f where f.value::varchar = p.id::varchar) order by 1 => 0; 1; 2; 3
"""  # noqa: E501
REFUSED = r"""
select 99.995::number(4,2)
select object_insert(object_construct('a', 1), 'a', 2)
select 12.3::float::number(3,2)
select column1, sum(column1) over (order by column1 range between 2 preceding and 4 preceding) from values (1),(2)
select column1, count(distinct column1) over (order by column1 range between 1 preceding and 1 following) from values (1)
select column1, sum(column1) over (order by column1, column1 range between 1 preceding and current row) from values (1)
select sum(column1) over (order by column1 rows between -1 preceding and current row) from values (1)
select sum(column1) over (order by column1 rows between 1.5 preceding and current row) from values (1)
select sum(column2) over (order by column1 range between 1 preceding and current row) from values ('a', 1)
select sum(column2) over (order by column1 range between 1 preceding and current row) from values ('10:00'::time, 1)
select listagg(column1, ',') over (order by column1) from values (1)
select (select column1 from values (1),(2))
select xor(1, 1)
select 'abc' = 1
select 'a' in (1, 'a')
select '2024-01-02'::timestamp - '2024-01-01'::timestamp
select id, r.* from people, lateral (select value::int + id as x, id as y from table(flatten(doc:a.b))) r where id < 2 and is_integer(r.x::variant) order by 1
"""  # noqa: E501


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(Path(tmp_path_factory.mktemp("world")))


def shown(value: object) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def test_a_query_gives_what_its_pages_say(worlds: World) -> None:
    for line in QUERIES.strip().splitlines():
        query, _, expected = line.rpartition(" =>")
        if not line.startswith("#"):
            rows = worlds.query(query)
            assert "; ".join(", ".join(shown(value) for value in row) for row in rows) == expected.strip(), query


@pytest.mark.parametrize("query", REFUSED.strip().splitlines())
def test_what_no_page_has_is_refused(worlds: World, query: str) -> None:
    with pytest.raises(SqlError):
        worlds.answer(query)
