"""Bounds of values: kept with each object of a table through whatever happens to it, and used."""

from __future__ import annotations

import pytest
from statements_client import Client

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.storage.changes import CreateTable
from cleanroom_ml.engine.storage.errors import ObjectMissing
from cleanroom_ml.engine.storage.keys import Column, Key, TableObject
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.engine.warehouse import answers

KEY = Key("ALPHA", "ALPHA_DB", "PUBLIC", "T")
CHANGED = Key("ALPHA", "ALPHA_DB", "PUBLIC", "U")


def bounds_of(storage: Storage, key: Key = KEY) -> list[str]:
    table = storage.tables.get(key)
    assert table is not None
    return [each.bounds for each in table.objects]


def test_an_object_that_a_query_does_not_need_is_not_even_opened(alpha: Client, storage: Storage) -> None:
    alpha.result("CREATE TABLE t (a INT, day DATE, note VARCHAR)")
    for number in (1, 2):
        alpha.result(f"INSERT INTO t VALUES ({number}, '2024-01-0{number}', 'x{number}'), (NULL, NULL, NULL)")
    known = ['{"A":["1","1"],"DAY":["2024-01-01T00:00:00","2024-01-01T00:00:00"],"NOTE":["x1","x1"]}']
    assert bounds_of(storage)[:1] == known
    alpha.result("CREATE TABLE other CLONE t")
    assert bounds_of(storage, Key("ALPHA", "ALPHA_DB", "PUBLIC", "OTHER")) == bounds_of(storage)
    alpha.result("DROP TABLE other")
    alpha.result("UNDROP TABLE other")
    table = storage.tables.get(KEY)
    assert table is not None
    storage.objects.path(table.objects[0].sha256).unlink()
    assert alpha.rows("SELECT a FROM t WHERE day = '2024-01-02'") == [(2,)]
    assert alpha.rows("SELECT a FROM other WHERE note = 'x2' AND a > 1") == [(2,)]
    with pytest.raises(ObjectMissing):
        alpha.rows("SELECT a FROM t WHERE day <> '2024-01-02'")

    # What changes a table changes its bounds.
    alpha.result("CREATE TABLE u (a INT)")
    alpha.result("INSERT INTO u VALUES (1), (5)")
    alpha.result("UPDATE u SET a = a + 10 WHERE a = 5")
    assert bounds_of(storage, CHANGED) == ['{"A":["1","15"]}']
    alpha.result("ALTER TABLE u RENAME COLUMN a TO b")
    alpha.result("ALTER TABLE u ADD COLUMN a INT DEFAULT 7")
    assert bounds_of(storage, CHANGED) == ['{"B":["1","15"],"A":["7","7"]}']
    assert alpha.rows("SELECT b FROM u WHERE b > 10 AND a = 7") == [(15,)]
    alpha.result("DELETE FROM u WHERE b = 15")
    assert bounds_of(storage, CHANGED) == ['{"B":["1","1"],"A":["7","7"]}']


def test_what_one_table_says_of_an_object_is_nothing_that_another_goes_by(storage: Storage) -> None:
    """Whoever can make the same bytes could otherwise say what somebody else's table holds."""
    sha256 = storage.objects.put_bytes(b"the same bytes")
    mine, theirs = KEY, Key("BETA", "BETA_DB", "PUBLIC", "T")
    for key, said in ((mine, '{"A":["1","9"]}'), (theirs, '{"A":["5","5"]}')):
        storage.tables.commit(
            [CreateTable(key, (Column("A", "NUMBER(38,0)"),), objects=(TableObject(sha256, 9, 14, said),))]
        )
    assert bounds_of(storage, mine) == ['{"A":["1","9"]}']
    assert bounds_of(storage, theirs) == ['{"A":["5","5"]}']


@pytest.mark.attack
@pytest.mark.parametrize("said", [7, "{", '{"B":["1","2"]}', '{"A":["2","x"]}'])
def test_a_worker_that_says_no_bounds_fails_the_statement(said: object) -> None:
    columns = answers.columns({"columns": [["A", "NUMBER(38,0)"]]}, "q")
    assert answers.written_bounds({"bounds": '{"A":["1","2"]}'}, columns, "q") == '{"A":["1","2"]}'
    assert answers.written_bounds({}, columns, "q") == ""
    with pytest.raises(SqlError):
        answers.written_bounds({"bounds": said}, columns, "q")
