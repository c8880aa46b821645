"""Queries that were read before: an owner's own texts, read once, and changed by nobody."""

from __future__ import annotations

import pytest

from cleanroom_ml.engine.load.owners import Owner, owner
from cleanroom_ml.engine.sql.binds import Binds
from cleanroom_ml.engine.sql.catalog import ContextValues
from cleanroom_ml.engine.sql.compile.queries import compile_query
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read import classify as module
from cleanroom_ml.engine.sql.read.classify import classify
from cleanroom_ml.engine.sql.read.query import Query
from cleanroom_ml.engine.sql.read.read_before import ReadBefore


class Nothing:
    """A catalog without anything."""

    def source(self, parts: tuple[str, ...]) -> None:
        return None

    def context(self) -> ContextValues:
        return ContextValues(account="A", user="U", role="R")


@pytest.fixture(autouse=True)
def read_before(monkeypatch: pytest.MonkeyPatch) -> ReadBefore:
    made = ReadBefore(most=3, longest=100)
    monkeypatch.setattr(module, "READ", made)
    return made


def test_a_text_is_read_once_and_means_the_same_however_often_it_is_compiled() -> None:
    text = "select a.x + 1 as y, count(*) from (values (1), (2)) as a (x) group by a.x order by y limit 2"
    first = classify(text)
    assert isinstance(first, Query)
    before = repr(first.ast)
    made = [compile_query(first.ast, Nothing()) for _ in range(2)]
    assert made[0].token != made[1].token
    assert made[0].sql.replace(made[0].token[:6], "") == made[1].sql.replace(made[1].token[:6], "")
    assert repr(first.ast) == before, "nobody changes what others read"
    assert classify(text) is first


def test_what_is_bound_to_it_is_of_each_time() -> None:
    text = "select ? as a"
    query = classify(text, Binds(positional=(1,)))
    again = classify(text, Binds(positional=("x",)))
    assert isinstance(query, Query)
    assert again is query
    one, other = (compile_query(query.ast, Nothing(), Binds(positional=(value,))).sql for value in (1, "x"))
    assert ("1" in one, "'x'" in other) == (True, True)


def test_nothing_else_is_kept(read_before: ReadBefore) -> None:
    for text in ("create table t (a int)", "call p()", "select 1 ->> select 2", f"select '{'x' * 100}'"):
        classify(text)
    with pytest.raises(SqlError):
        classify("select from where")
    assert not read_before._kept
    for number in range(4):
        classify(f"select {number}")
    assert [text for _, text in read_before._kept] == ["select 1", "select 2", "select 3"]


@pytest.mark.attack
def test_nobody_learns_from_the_time_it_takes_that_another_sent_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "select 'patient 4711'"

    def of(account: str) -> object:
        whose = owner.set(Owner(account))
        try:
            return classify(text)
        finally:
            owner.reset(whose)

    assert of("ALPHA") is of("ALPHA")
    assert of("BETA") is not of("ALPHA")
    monkeypatch.setattr(Owner, "__hash__", lambda _: 0)
    monkeypatch.setattr(Owner, "__eq__", lambda *_: True)
    assert of("GAMMA") is of("ALPHA"), "without the control it would be the other's"
