"""A subquery that hands rows on is the query that it makes with the one around it, and no other.

Source: user-guide/aggregation-policies, "Query requirements": a part of the query aggregates, the others need not.
"""

from __future__ import annotations

from typing import cast

import pytest
from sqlglot import exp

from cleanroom_ml.engine.sql.catalog import Catalog, ViewSource
from cleanroom_ml.engine.sql.policies.guard import Guard
from cleanroom_ml.engine.sql.policies.passing import flattened
from cleanroom_ml.engine.sql.policies.sources import Known
from cleanroom_ml.engine.sql.tree.dialect import parse_ast, snowflake_text

SIZED = Guard(("A", "B", "E"), group_size=5, entity_keys=("E",))
HIDDEN = Guard(("A", "B", "E"), hidden={"E": False})


def named(table: exp.Table) -> Known:
    guard = {"v": SIZED, "h": HIDDEN}.get(table.name.lower())
    view = None if guard is None else ViewSource(guard.columns, "", cast("Catalog", None), guard)
    return Known((table.name.upper(),), view, lambda: None)


def text(sql: str) -> str:
    tree = parse_ast(sql)
    assert isinstance(tree, exp.Select)
    return snowflake_text(flattened(tree, named))


@pytest.mark.parametrize(
    ("sql", "meant"),
    [
        (
            "select c, count(*) from (select upper(a) as c from v where b > 3) group by c",
            'select (upper("V"."A")) as "C", count(*) as "COUNT(*)" from v as "V" where "V"."B" > 3 '
            'group by (upper("V"."A"))',
        ),
        (
            "select t.c from (select x.a as c, x.b from v as x where x.b > 3) as t where t.b < 9 or c = 1",
            'select "T"."A" as "C" from v as "T" where ("T"."B" < 9 or "T"."A" = 1) and ("T"."B" > 3)',
        ),
        (
            "select sum(b) as b from (select * from v) order by b",
            'select sum("V"."B") as b from v as "V" order by b',
        ),
    ],
)
def test_what_is_handed_on_stands_in_the_query_around_it(sql: str, meant: str) -> None:
    tree = parse_ast(meant)
    assert text(sql) == snowflake_text(tree)


@pytest.mark.parametrize(
    "sql",
    [
        "select c from (select a as c from v limit 1)",
        "select c from (select distinct a as c from v)",
        "select c from (select a as c from v group by a)",
        "select c from (select count(*) as c from v)",
        "select c from (select a as c, row_number() over (order by b) as n from v)",
        "select c from (select a as c from v, w)",
        "select c from (with v as (select 1 as a) select a as c from v)",
        "select c from (select a as c from v) as t (c)",
        "select c from (select a as c from h)",
        "select c from (select a as c from w)",
        "select t.c from (select a as c from v where b > 3) as t left join w on t.c = w.c",
        "select t.c from (select a as c from v) as t join w using (c)",
        "select a from v",
        "select 1",
    ],
)
def test_what_does_another_thing_stays_what_it_is(sql: str) -> None:
    tree = parse_ast(sql)
    assert isinstance(tree, exp.Select)
    assert flattened(tree, named) is tree
