"""What Snowflake's SQL means, checked by running its translation."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pytest

from cleanroom_ml.engine.sql.binds import Binds
from cleanroom_ml.engine.sql.compile.inserts import compile_insert
from cleanroom_ml.engine.sql.compile.merges import compile_merge
from cleanroom_ml.engine.sql.compile.queries import compile_query
from cleanroom_ml.engine.sql.compile.updates import compile_delete, compile_update
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.classify import classify

D = datetime.date

SCALARS = [
    ("iff(1 > 2, 'a', 'b')", "b"),
    ("nvl(null, 3)", 3),
    ("zeroifnull(null)", 0),
    ("decode(2, 1, 'one', 2, 'two', 'other')", "two"),
    ("decode(null, null, 'n', 'other')", "n"),
    ("greatest(1, null)", None),
    ("div0(1, 0)", 0),
    ("7 / 2", 3.5),
    ("'1' || 2", "12"),
    ("concat('a', null)", None),
    ("sha2('a')", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
    ("md5('a')", "0cc175b9c0f1b6a831c399e269772661"),
    ("split_part('a,b', ',', 2)", "b"),
    ("regexp_replace('aab', 'a', 'x')", "xxb"),
    ("regexp_like('abc', 'b')", False),
    ("substr('hello', 2, 3)", "ell"),
    ("dateadd(month, 1, '2024-01-31'::date)", D(2024, 2, 29)),
    ("dateadd('day', -1, date '2024-03-01')", D(2024, 2, 29)),
    ("datediff(day, '2024-01-01', '2024-03-01')", 60),
    ("date_trunc('month', date '2024-02-29')", D(2024, 2, 1)),
    ("year(date '2024-02-29')", 2024),
    ("dayofweek(date '2024-02-25')", 0),
    ("to_date('29.02.2024', 'DD.MM.YYYY')", D(2024, 2, 29)),
    ("to_varchar(date '2024-02-29', 'YYYY/MM')", "2024/02"),
    ("to_timestamp(0)", datetime.datetime(1970, 1, 1)),
    ("try_to_date('nope')", None),
    ("try_cast('x' as int)", None),
    ("'12.7'::int", 13),
    ("'abc'::varchar(3)", "abc"),
    ("to_number('12.34', 10, 1)", Decimal("12.3")),
    ('parse_json(\'{"a": [1, "x"]}\'):a[1]::string', "x"),
    ("parse_json('{\"a\": 5}'):a = 5", True),
    ("object_construct('a', 1, 'b', null)::string", '{"a":1}'),
    ("array_size(array_construct(1, 2))", 2),
    ("get_path(parse_json('{\"a\": {\"b/c\": 1}}'), 'a.b/c')::int", 1),
    ("parse_json('{\"$.x\": 1}')['$.x']::int", 1),
    ("typeof(parse_json('1'))", "INTEGER"),
    ("current_user() || current_database()", "ANNDB"),
    ("current_warehouse()", None),
    ("$limit_day", D(2024, 2, 1)),
    ("'it''s \\'ok\\''", "it's 'ok'"),
    ("$$a'b$$", "a'b"),
    ("'a' like any ('b', 'a%')", True),
    ("trunc(2.567, 1) = 2.5", True),
    ("width_bucket(5, 0, 10, 5)", 3),
]


@pytest.mark.parametrize(("text", "expected"), SCALARS, ids=[text for text, _ in SCALARS])
def test_a_scalar_means_what_it_means_in_snowflake(world, text, expected):
    assert world.query(f"select {text} as x") == [(expected,)]


QUERIES = [
    ("select * from names order by 1", [("n2",), ("n3",)]),
    (
        "select p.id, count(*) n, sum(amount) from people p join orders o on p.id = o.id group by 1 order by 1",
        [(0, 3, 60), (1, 2, 40)],
    ),
    (
        "with x as (select id from people), y as (select * from x where id > 1) select count(*) from y join x using (id)",  # noqa: E501
        [(2,)],
    ),
    ("with people as (select 9 as z) select z from people", [(9,)]),
    ('with "people" as (select 9 as z) select count(*) from people', [(4,)]),
    ("with recursive r(n) as (select 1 union all select n + 1 from r where n < 4) select max(n) from r", [(4,)]),
    ("select id from people qualify row_number() over (order by id desc) = 1", [(3,)]),
    ("select listagg(name, '-') within group (order by id desc) from people", [("n3-n2-n1-n0",)]),
    ("select array_agg(id) within group (order by id desc)::string from people", [("[3,2,1,0]",)]),
    ("select percentile_cont(0.5) within group (order by id), median(id) from people", [(1.5, 1.5)]),
    ("select $1 as a, $2 from values (1, 'x'), (2, 'y') order by a desc limit 1", [(2, "y")]),
    ("select count(*), max(seq4()) from (select seq4() from table(generator(rowcount => 5)))", None),
    (
        "select f.index, f.value::string from people, lateral flatten(input => doc:a.b) f where id = 2 order by 1",
        [(0, "2"), (1, "x")],
    ),
    ("select doc:s::string from people where doc:a.b[0] = 3", [("str3",)]),
    ("select id from people where exists (select 1 from orders o where o.id = people.id) order by id", [(0,), (1,)]),
    ("select id from people union select 1 union all select 7 order by 1", [(0,), (1,), (2,), (3,), (7,)]),
    ("select column1 from (values (3), (4)) order by column1 desc", [(4,), (3,)]),
    ("select * from identifier('ORDERS') order by amount desc limit 1", [(0, 40)]),
    ("select a, b from empty", []),
    ("select id x from people order by iff(id = 2, null, id) desc limit 1", [(2,)]),
    ("select count(distinct id) from orders where amount between 10 and 40 and id in (select id from people)", [(2,)]),
    (
        "select lag(id) ignore nulls over (order by id), ratio_to_report(id) over () from people where id = 1",
        [(None, 1.0)],
    ),
]


@pytest.mark.parametrize(("text", "expected"), QUERIES, ids=[text[:60] for text, _ in QUERIES])
def test_a_query_gives_its_rows(world, text, expected):
    if expected is None:
        with pytest.raises(Exception):  # noqa: B017 - DuckDB's own: an aggregate over a window
            world.query(text)
    else:
        assert world.query(text) == expected


def test_columns_without_an_alias_are_called_as_they_were_written(world):
    assert world.names('select count(*), id, sum(score) + 1, "NAME" from people group by 2, 4') == [
        "COUNT(*)",
        "ID",
        "SUM(SCORE) + 1",
        "NAME",
    ]


def test_bound_values_stay_values(world):
    hostile = "x'; drop table people; --"
    assert world.query("select ?, :2, :who", Binds.of(hostile, Decimal("1.5"), who=None)) == [
        (hostile, Decimal("1.5"), None)
    ]


def test_division_by_zero_is_an_error(world):
    with pytest.raises(Exception, match="cleanroom:division"):
        world.query("select id / 0 from people")


def test_update_gives_the_new_content_and_what_happened(world):
    mutation = compile_update(
        classify("update orders o set amount = 1 from people p where p.id = o.id and p.name = 'n1'"), world
    )
    assert sorted(world.run(mutation.compiled)) == [(0, 0, 0), (0, 20, 0), (0, 40, 0), (1, 1, 1), (1, 1, 1)]


def test_delete_marks_its_rows(world):
    mutation = compile_delete(classify("delete from orders where amount > 20"), world)
    assert sorted(row[-1] for row in world.run(mutation.compiled)) == [0, 0, 0, 3, 3]


def test_merge_updates_deletes_and_inserts(world):
    text = """merge into people t using (select * from (values (2, 'new'), (3, 'gone'), (9, 'added')) v(id, n)) s on
    t.id = s.id
      when matched and s.n = 'gone' then delete when matched then update set name = s.n when not matched then insert
      (id, name) values (s.id, s.n)
      """
    rows = sorted((row[0], row[1], row[-1]) for row in world.run(compile_merge(classify(text), world).compiled))
    assert rows == [(0, "n0", 0), (1, "n1", 0), (2, "new", 1), (3, "n3", 3), (9, "added", 2)]


def test_merge_refuses_to_change_a_row_twice(world):
    text = "merge into people t using (select 1 as i union all select 1) s on t.id = s.i when matched then update set name = 'x'"  # noqa: E501
    with pytest.raises(Exception, match="cleanroom:duplicate"):
        world.run(compile_merge(classify(text), world).compiled)


def test_merge_deletes_a_row_that_several_rows_delete(world):
    """sql-reference/sql/merge, "Deterministic results for UPDATE and DELETE"."""
    text = "merge into people t using (select 1 as i union all select 1) s on t.id = s.i when matched then delete"
    rows = [(row[0], row[-1]) for row in world.run(compile_merge(classify(text), world).compiled)]
    assert sorted(rows) == [(0, 0), (1, 3), (2, 0), (3, 0)]
    mixed = text.replace("then delete", "and random() is null then delete when matched then update set name = 'x'")
    with pytest.raises(Exception, match="cleanroom:duplicate"):
        world.run(compile_merge(classify(mixed), world).compiled)


def test_merge_all_by_name(world):
    """The same page, "Perform a merge by using ALL BY NAME"."""
    text = """merge into orders t using (select 70 as amount, 9 as id union all select amount + 1, id from orders where
    amount = 30) s on t.amount + 1 = s.amount when matched then update all by name when not matched then insert all by
    name"""
    rows = sorted((row[0], row[1], row[-1]) for row in world.run(compile_merge(classify(text), world).compiled))
    assert rows == [(0, 0, 0), (0, 20, 0), (0, 40, 0), (1, 10, 0), (1, 31, 1), (9, 70, 2)]
    with pytest.raises(SqlError, match="ALL BY NAME needs the same columns"):
        compile_merge(classify(text.replace("9 as id", "9 as nr")), world)


def test_insert_puts_values_where_they_belong(world):
    assert world.run(compile_insert(classify("insert into orders (amount) select 5"), world).compiled) == [(None, 5)]
    batch = Binds.batch([(1, "2"), (3, None)])
    assert world.run(compile_insert(classify("insert into orders values (?, ?)"), world, batch).compiled) == [
        (1, 2),
        (3, None),
    ]


def test_insert_of_too_many_values_is_not_cut(world):
    with pytest.raises(SqlError, match="expecting 1 but got 2"):
        world.run(compile_insert(classify("insert into orders (id) values (1, 2)"), world).compiled)


def test_inputs_are_only_what_was_named(world):
    assert compile_query("select 1 from orders where 1 = 0", world).inputs == ("ORDERS",)
    assert compile_query("select 'PEOPLE'", world).inputs == ()


def test_a_view_that_refers_to_itself_ends(world):
    with pytest.raises(SqlError, match="nested too deeply"):
        compile_query("select * from loop", world)
