"""A session that sends a query again has it compiled already, while nothing at all has changed: whoever has lost a
right, or reads what was written since, notices nothing of that.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from statements_client import Client
from statements_foreign import refused

from cleanroom_ml.engine.contracts.kept import Kept
from cleanroom_ml.engine.sql.compiled import Compiled
from cleanroom_ml.engine.sql.read.classify import classify
from cleanroom_ml.engine.sql.read.query import Query
from cleanroom_ml.engine.statements.kinds import query as module
from cleanroom_ml.engine.statements.plans import Plans, is_plain

POINT = "select b from points where a = 2"


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What is compiled, from now on."""
    made: list[object] = []
    real: Callable[..., object] = module.compile_query

    def noted(*given: object, **more: object) -> object:
        made.append(given[0])
        return real(*given, **more)

    monkeypatch.setattr(module, "compile_query", noted)
    return made


@pytest.fixture
def alpha(alpha: Client) -> Client:
    alpha.result("create table points (a int, b varchar)")
    alpha.result("insert into points values (1, 'one'), (2, 'two')")
    return alpha


def test_a_query_is_compiled_once_until_anything_changes(alpha: Client, compiled: list[object]) -> None:
    assert [alpha.rows(POINT) for _ in range(3)] == [[("two",)]] * 3
    assert len(compiled) == 1
    alpha.result("insert into points values (2, 'again')")
    assert sorted(alpha.rows(POINT)) == [("again",), ("two",)]
    alpha.result("create table elsewhere (a int)")
    assert len(alpha.rows(POINT)) == 2
    assert len(compiled) == 3
    alpha.result("drop table points")
    assert "does not exist" in refused(alpha, POINT)


def test_what_the_request_the_session_or_a_transaction_says_is_heard(alpha: Client, compiled: list[object]) -> None:
    """sql-reference/parameters, TIMEZONE; sql-reference/transactions."""
    text = "select count(*) from points"
    assert alpha.rows(text) == alpha.rows(text) == [(2,)]
    assert alpha.rows(text, parameters={"TIMEZONE": "Asia/Tokyo"}) == [(2,)]
    assert len(compiled) == 2
    alpha.result("begin")
    alpha.result("insert into points values (3, 'three')")
    assert alpha.rows(text) == [(3,)], "rows that are in no catalog yet"
    alpha.result("rollback")
    assert alpha.rows(text) == [(2,)]
    alpha.result("create schema other")
    alpha.result("use schema other")
    assert "does not exist" in refused(alpha, text)


def test_what_is_bound_is_of_each_time(alpha: Client) -> None:
    text = "select b from points where a = ?"
    assert [alpha.rows(text, number) for number in (1, 2, 1)] == [[("one",)], [("two",)], [("one",)]]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("select a, count(*) n from t where a in (1, 2) and b like 'x%' group by a order by n limit 3", True),
        ("select random()", False),
        ("select seq.nextval", True),  # a column, to the tree: what it draws from is no table
        ("select uniform(1, 2, random()) from t", False),
        ("select last_query_id()", False),
        ("select current_date from t", False),
        ("select * from table(result_scan('x'))", False),
        ("select $1 from @stage", False),
        ("select $v", False),
        ("select a from t at (offset => -1)", False),
        ("select a from t sample (10)", False),
    ],
)
def test_what_a_plan_may_be_made_of_is_on_a_list(text: str, plain: bool) -> None:
    query = classify(text)
    assert isinstance(query, Query)
    assert is_plain(query.ast) is plain


def test_what_is_not_of_tables_alone_is_compiled_each_time(alpha: Client, compiled: list[object]) -> None:
    alpha.result("create view v as select a, current_role() r from points")
    alpha.result("create sequence s")
    for text in ("select count(*) from v", "select count(*) from information_schema.tables"):
        before = len(compiled)
        assert alpha.rows(text) == alpha.rows(text)
        assert len(compiled) == before + 2
    assert alpha.rows("select s.nextval") < alpha.rows("select s.nextval")


@pytest.mark.attack
def test_a_right_that_was_taken_away_is_gone_for_a_query_that_was_sent_before(
    reader: Client, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And without the count of what has changed it would not be."""
    text = f"select count(*) from t -- {uuid.uuid4()}"
    role = reader.session.role
    admin.result(f"grant select on table t to role {role}")
    assert reader.rows(text) == reader.rows(text)
    admin.result(f"revoke select on table t from role {role}")
    assert "does not exist" in refused(reader, text)
    admin.result(f"grant select on table t to role {role}")
    assert len(reader.rows(text)) == 1
    monkeypatch.setattr(Kept, "__eq__", lambda *_: True)
    admin.result(f"revoke select on table t from role {role}")
    assert len(reader.rows(text)) == 1, "without the control it is read"


def test_plans_are_bounded_and_end_with_their_session(alpha: Client) -> None:
    alpha.rows(POINT)
    plans = alpha.executor._plans
    assert len(plans._plans) == 1
    alpha.storage.sessions.close(alpha.session.id)
    assert not plans._plans
    kept, few = Kept("s", 1), Plans(most=2)
    trees = [classify(f"select {number}") for number in range(3)]
    for each in trees:
        assert isinstance(each, Query)
        few.keep(each.ast, kept, {}, Compiled("SELECT 1", (), "0" * 32, of_tables=True))
    assert len(few._plans) == 2
