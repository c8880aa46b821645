"""Sequences, as user-guide/querying-sequences and sql-reference/sql/create-sequence have them."""

from __future__ import annotations

import threading

import pytest
from statements_client import Client

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.storage.keys import Key
from cleanroom_ml.engine.storage.sequences import LARGEST, Exhausted
from cleanroom_ml.engine.storage.storage import Storage

SEQUENCE = Key("ALPHA", "ALPHA_DB", "PUBLIC", "S")


@pytest.mark.sandbox
def test_the_examples_of_the_pages(alpha: Client) -> None:
    alpha.result("CREATE OR REPLACE SEQUENCE seq_5 START = 1 INCREMENT = 5")
    once = "SELECT seq_5.nextval a, seq_5.nextval b, seq_5.nextval c, seq_5.nextval d"
    assert alpha.rows(once) == [(1, 6, 11, 16)]
    alpha.result(once, describe_only=True)
    assert alpha.rows("SELECT seq_5.nextval") == [(21,)], "who asks for the columns alone uses nothing up"
    alpha.result("CREATE SEQUENCE seq1")
    alpha.result("CREATE TABLE foo (k NUMBER DEFAULT seq1.NEXTVAL, v NUMBER)")
    for text in (
        "INSERT INTO foo (v) VALUES (100)",
        "INSERT INTO foo VALUES (DEFAULT, 101)",
        "INSERT INTO foo (v) SELECT v FROM foo",
        "INSERT INTO foo VALUES (1000, 1001)",
    ):
        alpha.result(text)
    assert alpha.rows("SELECT * FROM foo ORDER BY k") == [(1, 100), (2, 101), (3, 100), (4, 101), (1000, 1001)]
    assert [row["default"] for row in alpha.dicts("DESC TABLE foo")] == ["ALPHA_DB.PUBLIC.SEQ1.NEXTVAL", None]
    pairs = alpha.rows("SELECT v, s.nextval, s.nextval AS again FROM foo, TABLE(GETNEXTVAL(seq1)) s")
    assert [first == second for _, first, second in pairs] == [True] * 5
    alpha.result("DROP SEQUENCE seq1")
    with pytest.raises(SqlError, match="does not exist"):
        alpha.result("INSERT INTO foo (v) VALUES (1)")


@pytest.mark.sandbox
def test_every_place_where_a_number_may_stand(alpha: Client) -> None:
    alpha.result("CREATE SEQUENCE s START WITH 10 INCREMENT BY -2")
    alpha.result("CREATE TABLE t AS SELECT s.NEXTVAL AS k FROM TABLE(GENERATOR(ROWCOUNT => 3))")
    alpha.result("UPDATE t SET k = s.NEXTVAL")
    alpha.result("INSERT INTO t SELECT x.n FROM (SELECT public.s.NEXTVAL AS n FROM t) AS x")
    merge = "MERGE INTO t USING (SELECT 1 AS x) AS n ON t.k = n.x WHEN NOT MATCHED THEN INSERT (k) VALUES (s.NEXTVAL)"
    alpha.result(merge)
    assert alpha.rows("SELECT count(*), count(DISTINCT k), max(k) < 10 FROM t") == [(7, 7, True)]
    (given,) = alpha.rows("SELECT s.NEXTVAL")[0]
    with pytest.raises(SqlError):
        alpha.result("SELECT s.NEXTVAL / 0")
    # What failed leaves a gap, and never a number that somebody else gets too.
    assert alpha.rows("SELECT s.NEXTVAL") == [(given - 4,)]
    for text in (
        "SELECT k FROM t WHERE s.NEXTVAL > 1",
        "SELECT k FROM t ORDER BY s.NEXTVAL",
        "SELECT * FROM t, TABLE(GETNEXTVAL(s)) AS n",
        "SELECT n.NEXTVAL FROM TABLE(GETNEXTVAL(s)) AS n, t",
    ):
        with pytest.raises(SqlError, match="Unsupported feature"):
            alpha.result(text)


def test_show_describe_and_alter(alpha: Client) -> None:
    alpha.result("CREATE SEQUENCE s START 3 INCREMENT 2 NOORDER COMMENT = 'x'")
    (shown,) = alpha.dicts("SHOW SEQUENCES LIKE 's'")
    assert list(shown) == [
        *("name", "database_name", "schema_name", "next_value", "interval", "created_on", "owner", "comment"),
        *("owner_role_type", "ordered"),
    ]
    assert (shown["next_value"], shown["interval"], shown["comment"], shown["ordered"]) == (3, 2, "x", "N")
    assert alpha.dicts("DESC SEQUENCE s") == [shown]
    alpha.result("ALTER SEQUENCE s SET INCREMENT 7")
    alpha.result("ALTER SEQUENCE s UNSET COMMENT")
    alpha.result("ALTER SEQUENCE s RENAME TO r")
    assert [(row["name"], row["interval"], row["comment"]) for row in alpha.dicts("SHOW SEQUENCES")] == [("R", 7, "")]
    for text, why in (
        ("ALTER SEQUENCE r SET ORDER", "cannot be changed to ORDER"),
        ("ALTER SEQUENCE r SET START 1", "cannot be changed"),
        ("CREATE SEQUENCE z INCREMENT 0", "not 0"),
        ("CREATE SEQUENCE z START 9223372036854775808", "64 bits"),
    ):
        with pytest.raises(SqlError, match=why):
            alpha.result(text)


def test_no_two_get_the_same_and_none_is_beyond_64_bits(storage: Storage) -> None:
    storage.sequences.create(SEQUENCE)
    taken: list[int] = []

    def take() -> None:
        for _ in range(20):
            found = storage.sequences.take(SEQUENCE, 3)
            taken.extend(range(found.first, found.first + 3))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == list(range(1, 241))
    mine = storage.sequences.take(SEQUENCE, 10)
    assert storage.sequences.give_back(mine, 4)
    assert storage.sequences.take(SEQUENCE, 1).first == mine.first + 4
    unknown = storage.sequences.take(SEQUENCE, None)
    other = storage.sequences.take(SEQUENCE, 1)
    assert not storage.sequences.give_back(unknown, 1), "somebody has taken numbers behind them"
    assert other.first > unknown.first + 1_000_000
    storage.sequences.create(SEQUENCE, start=LARGEST - 2, if_exists="replace")
    assert storage.sequences.take(SEQUENCE, 2).first == LARGEST - 2
    with pytest.raises(Exhausted):
        storage.sequences.take(SEQUENCE, 1)


@pytest.mark.attack
def test_a_sequence_is_its_accounts(alpha: Client, beta: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    alpha.result("CREATE SEQUENCE s")
    for text in (
        "SELECT alpha_db.public.s.NEXTVAL",
        "DESC SEQUENCE alpha_db.public.s",
        "DROP SEQUENCE alpha_db.public.s",
    ):
        with pytest.raises(SqlError, match="does not exist or not authorized"):
            beta.result(text)
    assert beta.rows("SHOW SEQUENCES IN ACCOUNT") == []
    # Without the control: a session that says that it is of another account.
    monkeypatch.setattr(beta.session, "account", "ALPHA")
    monkeypatch.setattr(beta.session, "user", "ALPHA_USER")
    assert len(beta.rows("DESC SEQUENCE alpha_db.public.s")) == 1
