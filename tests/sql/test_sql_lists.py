"""Long lists of literals: the same rows as ever, without being parsed."""

from __future__ import annotations

import time

import duckdb
import pytest

from cleanroom_ml.engine.sql.catalog import ContextValues
from cleanroom_ml.engine.sql.compile.queries import compile_query
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex import lists
from cleanroom_ml.engine.sql.lex.tokens import tokenize
from cleanroom_ml.engine.sql.read.classify import classify
from cleanroom_ml.engine.sql.read.query import Query
from cleanroom_ml.engine.sql.tree import dialect
from cleanroom_ml.engine.warehouse.functions import register


class _Nothing:
    def source(self, parts: tuple[str, ...]) -> None:
        return None

    def context(self) -> ContextValues:
        return ContextValues(account="", user="", role="")


def compiled(sql: str) -> str:
    statement = classify(sql)
    assert isinstance(statement, Query)
    return compile_query(statement.ast, _Nothing()).sql


def rows(sql: str) -> list[tuple[object, ...]]:
    connection = duckdb.connect()
    text = compiled(sql)
    register(connection, text)
    return connection.execute(text).fetchall()


LONG = 400
UPPER = "upper('y')"
LISTS = [
    "select * from (values {})".format(", ".join(f"({n}, 'it''s {n}', -{n}.5, true)" for n in range(LONG))),
    "select * from (values {})".format(" ,\n".join(f"( {n} , NULL, 1e3 )" for n in range(LONG))),
    "select column2 || 'x', column1 + 1 from values {}".format(
        ", ".join(f"({n}, {'null' if n % 3 else repr(str(n))})" for n in range(LONG))
    ),
    "select 7 in ({}), 'b' in ({}), 8 not in ({})".format(
        ", ".join(str(n) for n in range(LONG)),
        ",".join(f"'b{n}'" for n in range(LONG)),
        ", ".join(str(n) for n in range(LONG)),
    ),
    "select * from (values {}) limit 500".format(
        ", ".join(f"({n}, {UPPER if n == 300 else repr('y')})" for n in range(LONG))
    ),
    "select * from (values {}) /* ), (1, 'IN (' */".format(", ".join(f"({n}, ') , (1')" for n in range(LONG))),
]


@pytest.mark.parametrize("sql", LISTS)
def test_a_long_list_means_what_it_always_meant(sql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert lists.fold(sql, tokenize(sql)).taken
    folded = rows(sql)
    monkeypatch.setattr(lists, "_SHORTEST", 1 << 30)
    assert not lists.fold(sql, tokenize(sql)).taken
    assert folded == rows(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "select 1 from (values (1, 2), {})".format(", ".join("(3)" for _ in range(LONG))),
        "select '{}'".format("values (1), (2)" * LONG),
        "select 1 from (values ('a\\n'), {})".format(", ".join("('b\\t')" for _ in range(LONG))),
        "select 1 in (1, x.y, {})".format(", ".join("2" for _ in range(LONG))),
    ],
)
def test_what_is_not_plain_stays(sql: str) -> None:
    assert not lists.fold(sql, tokenize(sql)).taken


@pytest.mark.attack
def test_rows_of_another_width_are_refused() -> None:
    same = ", ".join(f"({n}, 'a')" for n in range(LONG))
    with pytest.raises(SqlError, match="the same length"):
        compiled(f"select * from (values {same}, (1))")


@pytest.mark.attack
def test_a_list_cannot_be_said_by_a_text() -> None:
    for guess in ("0:0", f"{'0' * 24}:0"):
        assert rows(f"select '{guess}' from (values {', '.join('(1)' for _ in range(LONG))}) limit 1") == [(guess,)]


def test_thousands_of_rows_and_of_items_are_no_trees() -> None:
    values = ",".join(f"({n},'name {n}',{n}.25,NULL,'2024-01-01')" for n in range(3000))
    found = lists.fold(f"values {values}", tokenize(f"values {values}"))
    assert len(tokenize(found.text)) < 30
    assert "2999" in compiled(f"select * from (values {values})")
    items = ",".join(map(str, range(10_000)))
    assert rows(f"select 9999 in ({items})") == [(True,)]


@pytest.mark.attack
@pytest.mark.parametrize(
    "sql",
    [
        "select " + "+".join(["1"] * 51_000),
        pytest.param("select " + ",".join(["f(1)"] * 26_000), marks=pytest.mark.slow),
        pytest.param("select " + "'a'||" * 51_000 + "'a'", marks=pytest.mark.slow),
        pytest.param("select 1 where " + " and ".join(["a=b"] * 26_000), marks=pytest.mark.slow),
    ],
    ids=["sum", "calls", "texts", "conditions"],
)
def test_what_would_be_an_enormous_tree_is_refused_before_it_is_one(sql: str) -> None:
    before = time.process_time()
    with pytest.raises(SqlError, match="too large"):
        classify(sql)
    assert time.process_time() - before < 10


def test_statements_of_ordinary_size_are_far_from_the_bound() -> None:
    wide = "select " + ", ".join(f'"COLUMN_{n}" as "COLUMN_{n}"' for n in range(2000)) + " from t"
    assert len(tokenize(wide)) < dialect.MAX_PARSED / 5


def test_the_numbers_of_rows_that_are_not_parsed_have_their_digits() -> None:
    """sql-reference/operators-arithmetic: 3 / 2 of NUMBERs is 1.500000, however many rows there are."""
    given = ", ".join(f"({n}, {'NULL' if n % 5 == 0 else n + 0.25}, {n}e0, 'a{n}')" for n in range(1, 200))
    assert "Folded" in repr(classify(f"select 1 from values {given}")), "most are taken out before"
    query = (
        f"select max(x) / 2 || '', max(y) * 2 || '', sum(z) / 8 || '', max(t || 'b') from values {given} v(x, y, z, t)"
    )
    assert rows(query) == [("99.500000", "398.50", "2487.5", "a9b")]
