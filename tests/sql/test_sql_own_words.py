"""Words that DuckDB answers itself are columns or nothing: without parentheses there is no function CURRENT_ROLE
(sql-reference/functions/current_role), and Snowflake has no USER, SESSION_USER or CURRENT_CATALOG.
"""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import pytest
from sql_world import World

from cleanroom_ml.engine.sql.catalog import ViewSource
from cleanroom_ml.engine.sql.compile.inserts import compile_insert
from cleanroom_ml.engine.sql.compile.merges import compile_merge
from cleanroom_ml.engine.sql.compile.updates import compile_delete, compile_update
from cleanroom_ml.engine.sql.compiled import Mutation
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.classify import classify
from cleanroom_ml.engine.sql.read.dml import Delete, Insert, Merge, Update
from cleanroom_ml.engine.sql.resolve.own_words import OWN_WORDS, owner
from cleanroom_ml.engine.sql.resolve.scope import Scope

ONE = '(select 1 as "USER")'


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("words"))


def test_they_are_all_that_the_installed_one_answers() -> None:
    with duckdb.connect() as connection:
        listed = connection.execute(
            "SELECT keyword_name FROM duckdb_keywords() UNION SELECT function_name FROM duckdb_functions()"
            " UNION SELECT name FROM duckdb_settings() ORDER BY 1"
        ).fetchall()
        answered = set()
        for (word,) in listed:
            quoted = str(word).upper().replace('"', '""')
            try:
                connection.execute(f'SELECT typeof("{quoted}")')
            except duckdb.Error:
                continue
            answered.add(str(word))
    # DuckDB's parser makes functions of the words of its clock, which are on neither list.
    assert answered | {"current_time", "current_timestamp", "localtime", "localtimestamp"} >= OWN_WORDS
    assert answered - {"true", "false", "null"} <= OWN_WORDS


@pytest.mark.parametrize("word", sorted(OWN_WORDS))
def test_a_word_in_quotes_is_no_value(world: World, word: str) -> None:
    for text in (f'select "{word.upper()}"', f"select id from people where \"{word}\" <> 'X'"):
        with pytest.raises(SqlError, match="invalid identifier") as refused:
            world.query(text)
        assert refused.value.code == 904


@pytest.mark.parametrize(
    "text",
    [
        "select current_role",
        "select user from people",
        "select max(session_user) from people group by current_schema",
        "select 1 order by user",
        "select transform([1], x -> user)",
        "with c as (select 1 as a) select current_catalog from c",
        "select user, 1 as user",
        "select (select user) from people",
        "select a from (select 1 as a) x join (select 1 as b) y on user = 'duckdb'",
        "select * from values (user)",
        "(select 1 as a) order by user",
    ],
)
def test_a_bare_word_is_no_value(world: World, text: str) -> None:
    with pytest.raises(SqlError, match="invalid identifier"):
        world.query(text)


@pytest.mark.parametrize(
    "text",
    [
        "update people set name = 'x' where user <> 'X'",
        "update people set name = current_role",
        "delete from people where session_user is not null",
        "insert into people (name) select current_schema",
        "insert into people (name) values (user)",
        "merge into people p using orders o on p.id = o.id and user <> '' when matched then delete",
        "merge into people p using orders o on p.id = o.id when matched and current_role <> '' then delete",
        "merge into people p using orders o on p.id = o.id when matched then update set name = current_catalog",
        "merge into people p using orders o on p.id = o.id when not matched then insert (name) values (user)",
    ],
)
def test_nor_is_anything_changed_by_one(world: World, text: str) -> None:
    statement = classify(text)
    compilers: dict[type, Callable[..., Mutation]] = {
        Insert: compile_insert,
        Update: compile_update,
        Delete: compile_delete,
        Merge: compile_merge,
    }
    with pytest.raises(SqlError, match="invalid identifier"):
        compilers[type(statement)](statement, world)


def test_nor_in_a_view(world: World) -> None:
    world.sources[("WORDS",)] = ViewSource(None, "select current_role as r", world)
    with pytest.raises(SqlError, match="invalid identifier 'CURRENT_ROLE'"):
        world.query("select * from words")


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (f"select user from {ONE}", [(1,)]),
        (f"select user from {ONE} where user = 1 group by user having user = 1 order by user", [(1,)]),
        (f"select (select user) from {ONE}", [(1,)]),
        (f"select (select max(x.user) from (select user) x) from {ONE} q", [(1,)]),
        (f"select u.a from {ONE} q, lateral (select user + 1 as a) u", [(2,)]),
        (f"select user from {ONE} a join {ONE} b using (user)", [(1,)]),
        ("select 1 as user, user + 1 as b where user = 1 order by user", [(1, 2)]),
        ("select sum(id) as user from orders group by id order by user desc", [(2,), (0,)]),
        (f"select user from {ONE} union select 3 order by user desc", [(3,), (1,)]),
        (f"({ONE}) order by user", [(1,)]),
        ("with c (user) as (select 4) select user from c", [(4,)]),
        ("select user from values (5) as v (user)", [(5,)]),
        ("select current_user, current_user()", [("ANN", "ANN")]),
        (f"select exists (select 1 from people where id = user) from {ONE}", [(True,)]),
    ],
)
def test_a_column_or_an_alias_of_that_name_is_seen(world: World, text: str, rows: list[tuple[object, ...]]) -> None:
    assert world.query(text) == rows


def test_columns_that_are_not_known_are_asked_by_their_alias() -> None:
    assert owner("USER", Scope(None, {"P": None})) == "P"
    assert owner("USER", Scope(Scope(None, {"P": None}), {"A": {"X": None}})) == "P"
    assert owner("USER", Scope(None, {"P": None, "A": {"USER": None}})) is None
    assert owner("USERS", Scope(None)) is None
    with pytest.raises(SqlError, match="ambiguous"):
        owner("USER", Scope(None, {"P": None, "Q": None}))


def test_the_clock_needs_no_parentheses(world: World) -> None:
    text = "select current_timestamp, current_date, current_time, localtime, localtimestamp"
    assert all(value is not None for value in world.query(text)[0])


@pytest.mark.parametrize(
    "text",
    [
        "select id as user, count(*) from people group by id having user = 1",
        "select id as user, (select user) from people",
    ],
)
def test_where_duckdb_would_not_see_an_alias_it_is_refused(world: World, text: str) -> None:
    with pytest.raises(SqlError, match="the alias USER"):
        world.query(text)
