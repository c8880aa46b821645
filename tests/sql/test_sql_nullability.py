"""Which columns a query's result says are NOT NULL.

What is expected is what the service answers to its client's own suite: snowpark-python, tests/integ/scala/
test_literal_suite.py (literals; TRUE may be NULL), test_dataframe_set_operations_suite.py (EXCEPT and INTERSECT go by
their left side), tests/integ/test_datatypes.py (arithmetic, joins).
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from sql_world import World

from cleanroom_ml.engine.sql.catalog import TableSource
from cleanroom_ml.engine.sql.compile.queries import compile_query, compile_scalars
from cleanroom_ml.engine.sql.tree.dialect import parse_ast
from cleanroom_ml.engine.sql.types.kind import Text

VALUES = "(select $1 as a, $2 as b from values (1::int, 2), (3::int, null))"


@pytest.mark.parametrize(
    ("text", "never"),
    [
        ("select 1, 'x', null, true, true::boolean, 1.5::float, '00'::binary", {0, 1, 5, 6}),
        (f"select a, b, a + 1, a + b, -a, a::varchar, try_cast('1' as int) from {VALUES}", {0, 2, 4, 5}),
        (f"select coalesce(b, 0), coalesce(b, a), nvl(b, b), iff(b > 1, 1, 2) from {VALUES}", {0, 1}),
        (f"select a, count(*), max(a), row_number() over (order by a) from {VALUES} group by a", {0, 1, 3}),
        (f"select a, count(*) from {VALUES} group by rollup (a)", set()),
        (f"select x.a, y.a as other from {VALUES} x left join {VALUES} y on x.a = y.a", {0}),
        (f"select x.a, y.a as other from {VALUES} x right join {VALUES} y on x.a = y.a", {1}),
        (f"select x.a, y.a as other from {VALUES} x full join {VALUES} y on x.a = y.a", set()),
        (f"select x.a, y.a as other from {VALUES} x join {VALUES} y on x.a = y.a", {0, 1}),
        ("with c(n) as (select 1) select * from c", {0}),
        ("select 1 union all select 2", {0}),
        ("select 1 union all select null", set()),
        ("select 1 intersect select null", {0}),
        ("select 1 except select null", {0}),
        ("select null except select 1", set()),
        ("select required, optional from strict", {0}),
        ("select required as a, required as b, optional from (select * from strict)", {0, 1}),
        ("select case when required > 1 then 1 else 2 end, case when required > 1 then 1 end from strict", {0}),
        (f"select to_decimal(a, 10, 2), to_decimal(b, 10, 2), to_date('2024-01-01') from {VALUES}", {0, 2}),
        ("select doc::int, parse_json('null')::int from people", set()),
    ],
)
def test_what_is_never_null(world: World, text: str, never: set[int]) -> None:
    people = world.source(("ORDERS",))
    assert isinstance(people, TableSource)
    columns = tuple(zip(("REQUIRED", "OPTIONAL"), (kind for _, kind in people.columns), strict=True))
    world.sources[("STRICT",)] = replace(people, columns=columns, required=frozenset({"REQUIRED"}))
    assert compile_query(text, world).never_null == never


def test_what_length_a_text_has(world: World) -> None:
    """A literal is as long as it is, and VARCHAR without a length of any (snowpark-python, test_literal_suite.py,
    test_datatypes.py::test_basic_filter).
    """
    text = (
        "select 'abc', 'abc'::string, 'abc'::varchar(5), name, iff(id > 1, 'a', 'bcde'), iff(id > 1, 'a', name),"
        " lag('a', 1, 'bc') over (order by id), 'a' || 'bc' from people"
    )
    lengths = [kind.length if isinstance(kind, Text) else None for kind in compile_query(text, world).kinds]
    assert lengths == [3, None, 5, None, 4, None, None, None]
    assert compile_scalars([parse_ast("select 'a'").expressions[0]], world).kinds == ("TEXT",)
    assert not isinstance(compile_scalars([parse_ast("select 'a'").expressions[0]], world).kinds[0], Text)
