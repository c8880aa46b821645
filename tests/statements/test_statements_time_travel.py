"""AT | BEFORE, CLONE of the past and UNDROP: sql-reference/constructs/at-before, sql-reference/sql/create-clone,
-/undrop-table and its like, user-guide/data-time-travel of Snowflake's documentation.
"""

from __future__ import annotations

import uuid

import pytest
from statements_client import Client

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.statements import dropped
from cleanroom_ml.engine.statements.account_catalog import AccountCatalog
from cleanroom_ml.engine.statements.kinds import undrop
from cleanroom_ml.engine.statements.time_travel import past_moment
from cleanroom_ml.engine.storage import graves
from cleanroom_ml.engine.storage.changes import Append, CreateTable, DropTable, Replace
from cleanroom_ml.engine.storage.graves import BELOW, IN_SCHEMA, NEVER
from cleanroom_ml.engine.storage.history import Moment
from cleanroom_ml.engine.storage.keys import Column, Key, TableObject
from cleanroom_ml.engine.storage.retention import INHERITED
from cleanroom_ml.engine.storage.rights import Rights
from cleanroom_ml.engine.storage.storage import Storage

KEY = Key("ALPHA", "ALPHA_DB", "PUBLIC", "T")
COLUMNS = (Column("A", "NUMBER(38,0)"),)


def refused(client: Client, text: str) -> str:
    with pytest.raises(SqlError) as error:
        client.result(text)
    return f"{error.value.code:06} {error.value.message}"


def recorded(client: Client, text: str) -> str:
    """Runs a statement as the front does, with its record; its id."""
    query_id = str(uuid.uuid4())
    client.storage.queries.start(query_id, client.session.id, str(uuid.uuid4()), "hash")
    client.result(text, query_id=query_id)
    return query_id


@pytest.mark.sandbox
def test_a_table_as_it_was(alpha: Client) -> None:
    alpha.result("CREATE TABLE t (a INT)")
    first = recorded(alpha, "INSERT INTO t VALUES (1), (2)")
    gone = recorded(alpha, "DELETE FROM t WHERE a = 1")
    alpha.result("INSERT INTO t VALUES (3)")
    count = "SELECT count(*), min(a) FROM t"
    assert alpha.rows(f"{count} AT (STATEMENT => '{first}')") == [(2, 1)]
    assert alpha.rows(f"{count} BEFORE (STATEMENT => '{first}') AS x") == [(0, None)]
    assert alpha.rows(f"{count} BEFORE (STATEMENT => '{gone}')") == [(2, 1)]
    assert alpha.rows(f"{count} AT (TIMESTAMP => CURRENT_TIMESTAMP())") == [(2, 2)]
    alpha.result(f"SET q = '{gone}'")
    alpha.result("CREATE TABLE u CLONE t BEFORE (STATEMENT => $q)")
    alpha.result(f"INSERT INTO u SELECT a FROM t AT (STATEMENT => '{gone}')")
    assert alpha.rows("SELECT a FROM u ORDER BY a") == [(1,), (2,), (2,)]
    # at-before.md, "Using the AT TIMESTAMP parameter": the code and the text of the refusal.
    assert refused(alpha, "SELECT * FROM t AT (OFFSET => -60*60)") == (
        "000707 Time travel data is not available for table T. The requested time is either beyond the allowed time "
        "travel period or before the object creation time."
    )
    assert "not found" in refused(alpha, f"SELECT * FROM t AT (STATEMENT => '{uuid.uuid4()}')")
    assert "constant" in refused(alpha, "SELECT * FROM t AT (OFFSET => (SELECT max(a) FROM t))")
    assert "AT | BEFORE here" in refused(alpha, "CREATE VIEW v AS SELECT * FROM t AT (OFFSET => 0)")
    assert "common table" in refused(alpha, "WITH c AS (SELECT 1 AS a) SELECT * FROM c AT (OFFSET => 0)")
    alpha.result("ALTER TABLE t ADD COLUMN b INT")
    assert "other columns" in refused(alpha, f"SELECT * FROM t AT (STATEMENT => '{first}')")


@pytest.mark.sandbox
def test_a_temporary_table_as_it_was(alpha: Client, alpha_again: Client) -> None:
    """user-guide/tables-temp-transient: a day at most; it ends with the session."""
    alpha.result("CREATE TABLE t AS SELECT 7 AS a")
    alpha.result("CREATE TEMPORARY TABLE t AS SELECT 1 AS a")
    changed = recorded(alpha, "UPDATE t SET a = 2")
    assert alpha.rows(f"SELECT a FROM t BEFORE (STATEMENT => '{changed}')") == [(1,)]
    alpha.result(f"CREATE TEMPORARY TABLE c CLONE t BEFORE (STATEMENT => '{changed}')")
    assert alpha.rows("SELECT c.a, t.a FROM c, t AT (OFFSET => 0)") == [(1, 2)]
    assert alpha_again.rows("SELECT a FROM t AT (OFFSET => 0)") == [(7,)], "the permanent one of the same name"
    (row,) = alpha.dicts("SHOW TABLES LIKE 'C'")
    assert row["retention_time"] == "1"
    assert "DATA_RETENTION_TIME_IN_DAYS" in refused(
        alpha, "CREATE TEMPORARY TABLE u (a INT) DATA_RETENTION_TIME_IN_DAYS = 2"
    )
    alpha.result("CREATE TEMPORARY TABLE none_kept (a INT) DATA_RETENTION_TIME_IN_DAYS = 0")
    gone = recorded(alpha, "INSERT INTO none_kept VALUES (1)")
    recorded(alpha, "DELETE FROM none_kept")
    assert refused(alpha, f"SELECT * FROM none_kept AT (STATEMENT => '{gone}')").startswith("000707")


def test_what_a_moment_is(storage: Storage) -> None:
    now = storage.database.now()
    assert past_moment("OFFSET", -2, now).micros == past_moment("TIMESTAMP", now, now).micros - 2_000_000  # type: ignore[operator]
    for kind, value in (("OFFSET", "x"), ("TIMESTAMP", "2024-01-01"), ("STATEMENT", 1), ("STREAM", "s")):
        with pytest.raises(SqlError):
            past_moment(kind, value, now)


def test_what_is_kept_and_for_how_long(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects of the past live as long as the retention says, and no longer: then they are garbage, and it is said."""
    objects = [TableObject(storage.objects.put_bytes(text), 1, 3) for text in (b"one", b"two", b"six")]
    tables = storage.tables
    tables.commit([CreateTable(KEY, COLUMNS, objects=(objects[0],), retention=INHERITED)])
    table = tables.get(KEY)
    assert table is not None
    tables.commit([Replace(KEY, table.snapshot, (objects[1],))])
    tables.commit([Append(KEY, objects=(objects[2],))])
    moment = Moment(10**18, "nobody's", before=True)
    assert tables.at(KEY, moment) == (objects[1], objects[2])
    first = Moment(int(tables.snapshots(KEY)[0].created_on.timestamp() * 1_000_000) + 1)
    assert tables.at(KEY, first) in {(objects[0],), (objects[1],), (objects[1], objects[2])}
    assert storage.collect_garbage(0).removed == 0
    storage.database._clock = lambda: now  # type: ignore[method-assign]
    now = tables.snapshots(KEY)[-1].created_on.replace(year=2090)
    tables.commit([Append(KEY, objects=())])
    assert {item.sha256 for item in objects} - set(storage.objects.stored()) == set()
    storage.collect_garbage(0)
    assert storage.objects.exists(objects[1].sha256)
    assert not storage.objects.exists(objects[0].sha256), "its day is over"
    tables.set_retention(KEY, 0)
    tables.commit([DropTable(KEY)])
    assert storage.graves.list("ALPHA", "TABLE") == [], "with a retention of 0 nothing is kept"


def test_undrop(alpha: Client, storage: Storage) -> None:
    alpha.result("CREATE TABLE t (a INT PRIMARY KEY, n INT IDENTITY)")
    alpha.result("CREATE SEQUENCE s")
    alpha.result("CREATE VIEW v AS SELECT 1 AS one")
    alpha.result("DROP TABLE t")
    (row,) = [row for row in alpha.dicts("SHOW TABLES HISTORY") if row["dropped_on"] is not None]
    assert (row["name"], row["kind"]) == ("T", "TABLE")
    assert alpha.rows("UNDROP TABLE t") == [("Table T successfully restored.",)]
    assert [row["primary key"] for row in alpha.dicts("DESC TABLE t")] == ["Y", "N"]
    alpha.result("CREATE OR REPLACE TABLE t (other INT)")
    assert "already exists" in refused(alpha, "UNDROP TABLE t")
    alpha.result("ALTER TABLE t RENAME TO newer")
    alpha.result("UNDROP TABLE t")
    assert "did not exist or was purged" in refused(alpha, "UNDROP TABLE never")
    alpha.result("DROP SCHEMA public")
    alpha.result("UNDROP SCHEMA alpha_db.public")
    alpha.result("DROP DATABASE alpha_db")
    assert "dropped_on" in alpha.dicts("SHOW DATABASES HISTORY")[0]
    alpha.result("UNDROP DATABASE alpha_db")
    alpha.result("USE SCHEMA alpha_db.public")
    assert [row["name"] for row in alpha.dicts("SHOW OBJECTS")] == ["NEWER", "T", "V"]
    assert [row["name"] for row in alpha.dicts("SHOW SEQUENCES")] == ["S"]
    alpha.result("ALTER SCHEMA public SET DATA_RETENTION_TIME_IN_DAYS = 0")
    alpha.result("DROP TABLE t")
    assert "was purged" in refused(alpha, "UNDROP TABLE t")


def test_every_relation_of_a_schema_can_be_had_back(storage: Storage) -> None:
    """Whatever goes with a schema is restored with it, or is said never to be."""
    with storage.database.read() as connection:
        names = [row["name"] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        refers = {
            (name, row["table"]) for name in names for row in connection.execute(f"PRAGMA foreign_key_list({name})")
        }
    of_a_schema = {name for name, other in refers if other in {"databases", "schemas"}} - {"schemas"}
    assert of_a_schema - NEVER == set(IN_SCHEMA)
    for name in IN_SCHEMA:
        below = {each for each, other in refers if other == name}
        assert below - NEVER == {each for each, _ in BELOW.get(name, ())}, name


@pytest.mark.attack
def test_only_who_owned_it_has_it_back(alpha: Client, alpha_again: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in (
        "CREATE ROLE other",
        "CREATE ROLE gone",
        "GRANT ROLE other TO USER alpha_user",
        "GRANT ROLE gone TO USER alpha_user",
        "GRANT ALL ON DATABASE alpha_db TO ROLE other",
        "GRANT ALL ON SCHEMA public TO ROLE other",
        "CREATE TABLE secret (a INT)",
        "GRANT SELECT ON TABLE secret TO ROLE gone",
        "GRANT SELECT ON TABLE secret TO ROLE other",
        "DROP TABLE secret",
    ):
        alpha.result(text)
    alpha_again.result("USE ROLE other")
    assert "did not exist or was purged" in refused(alpha_again, "UNDROP TABLE secret")
    assert alpha_again.rows("SHOW TABLES HISTORY") == []
    # A role of the same name that was made meanwhile is another role, and is not granted what the old one was.
    alpha.result("DROP ROLE gone")
    alpha.result("CREATE ROLE gone")
    # Without the control the other role has it.
    with monkeypatch.context() as patch:
        for module in (undrop, dropped):
            patch.setattr(module, "owned", lambda work, grave: True)
        assert len(alpha_again.rows("SHOW TABLES HISTORY")) == 1
        alpha_again.result("UNDROP TABLE secret")
    held = {row["grantee_name"] for row in alpha.dicts("SHOW GRANTS ON TABLE secret")}
    assert held == {"ACCOUNTADMIN", "OTHER"}
    # Without that control the new role reads what the old one might.
    alpha.result("DROP TABLE secret")
    monkeypatch.setattr(graves, "_same_role", lambda *_: True)
    alpha.result("UNDROP TABLE secret")


@pytest.mark.attack
def test_the_past_is_nobody_elses(alpha: Client, beta: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time Travel has the access control of the present, and a statement of another account is no point in time."""
    alpha.result("CREATE TABLE t (a INT)")
    beta.result("CREATE TABLE t (a INT)")
    made = recorded(alpha, "INSERT INTO t VALUES (1)")
    query = "SELECT * FROM alpha_db.public.t AT (OFFSET => 0)"
    assert "does not exist or not authorized" in refused(beta, query)
    assert "not found" in refused(beta, f"SELECT * FROM t AT (STATEMENT => '{made}')")
    alpha.result("DROP TABLE t")
    assert "does not exist" in refused(beta, "UNDROP TABLE alpha_db.public.t")
    assert beta.rows("SHOW DATABASES HISTORY") != []
    alpha.result("UNDROP TABLE t")
    # Without the control: whoever asks for the past gets what the account has.
    source = AccountCatalog.source
    rights = Rights.of_session(alpha.storage, alpha.session)
    everybody = AccountCatalog(alpha.storage, alpha.session, lambda *_: [], rights)
    monkeypatch.setattr(AccountCatalog, "source", lambda self, parts: source(everybody, parts))
    assert beta.rows(query) == [(1,)]
