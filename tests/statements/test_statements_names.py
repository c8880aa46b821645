"""Names of what is not this account's, in every position that takes a name: as if they did not exist."""

from __future__ import annotations

import pytest
from statements_client import Client

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.storage.changes import CreateTable
from cleanroom_ml.engine.storage.keys import Column, Key
from cleanroom_ml.engine.storage.rights import Rights
from cleanroom_ml.engine.storage.storage import Storage

COLUMNS = (Column("A", "NUMBER(38,0)"),)

# {n}: the database. What is below it, PUBLIC.T, V, S, F, exists in the databases that are attacked.
POSITIONS = (
    "SELECT * FROM {n}.PUBLIC.T",
    "SELECT * FROM {n}.PUBLIC.V",
    "SELECT 1 WHERE 1 IN (SELECT A FROM {n}.PUBLIC.T)",
    "SELECT (SELECT MAX(A) FROM {n}.PUBLIC.T)",
    "WITH c AS (SELECT * FROM {n}.PUBLIC.T) SELECT * FROM c",
    "SELECT * FROM OWN JOIN {n}.PUBLIC.T x ON x.A = OWN.A",
    "SELECT * FROM IDENTIFIER('{n}.PUBLIC.T')",
    "SELECT * FROM TABLE('{n}.PUBLIC.T')",
    "SELECT * FROM {n}.INFORMATION_SCHEMA.TABLES",
    "SELECT * FROM OWN UNION ALL SELECT * FROM {n}.PUBLIC.T",
    "SELECT $1 FROM @{n}.PUBLIC.S",
    "SELECT * FROM TABLE(INFER_SCHEMA(LOCATION => '@{n}.PUBLIC.S', FILE_FORMAT => 'F'))",
    "INSERT INTO {n}.PUBLIC.T VALUES (1)",
    "INSERT INTO OWN SELECT * FROM {n}.PUBLIC.T",
    "UPDATE {n}.PUBLIC.T SET A = 2",
    "UPDATE OWN SET A = 2 FROM {n}.PUBLIC.T x WHERE x.A = OWN.A",
    "DELETE FROM {n}.PUBLIC.T",
    "DELETE FROM OWN USING {n}.PUBLIC.T x WHERE x.A = OWN.A",
    "MERGE INTO {n}.PUBLIC.T USING OWN ON T.A = OWN.A WHEN MATCHED THEN DELETE",
    "MERGE INTO OWN USING {n}.PUBLIC.T x ON x.A = OWN.A WHEN MATCHED THEN DELETE",
    "TRUNCATE TABLE {n}.PUBLIC.T",
    "CREATE TABLE {n}.PUBLIC.NEW (A INT)",
    "CREATE OR REPLACE TABLE {n}.PUBLIC.T (A INT)",
    "CREATE TABLE IF NOT EXISTS {n}.PUBLIC.T (A INT)",
    "CREATE TEMPORARY TABLE {n}.PUBLIC.T (A INT)",
    "CREATE TABLE COPIED LIKE {n}.PUBLIC.T",
    "CREATE TABLE COPIED AS SELECT * FROM {n}.PUBLIC.T",
    "CREATE VIEW SPY AS SELECT * FROM {n}.PUBLIC.T",
    "CREATE VIEW {n}.PUBLIC.SPY AS SELECT 1 AS A",
    "CREATE STAGE {n}.PUBLIC.NEW",
    "CREATE FILE FORMAT {n}.PUBLIC.NEW TYPE = CSV",
    "CREATE SCHEMA {n}.NEW",
    "ALTER TABLE {n}.PUBLIC.T RENAME TO OWN2",
    "ALTER TABLE OWN RENAME TO {n}.PUBLIC.OWN",
    "ALTER TABLE {n}.PUBLIC.T ADD COLUMN B INT",
    "ALTER STAGE {n}.PUBLIC.S REFRESH",
    "DROP TABLE {n}.PUBLIC.T",
    "DROP TABLE IF EXISTS {n}.PUBLIC.T",
    "DROP VIEW IF EXISTS {n}.PUBLIC.V",
    "DROP VIEW {n}.PUBLIC.V",
    "DROP STAGE {n}.PUBLIC.S",
    "DROP FILE FORMAT {n}.PUBLIC.F",
    "DROP SCHEMA {n}.PUBLIC",
    "DROP DATABASE {n}",
    "COPY INTO {n}.PUBLIC.T FROM @MINE",
    "COPY INTO OWN FROM @{n}.PUBLIC.S",
    "COPY INTO OWN FROM (SELECT $1 FROM @{n}.PUBLIC.S)",
    "COPY INTO OWN FROM @MINE FILE_FORMAT = (FORMAT_NAME = '{n}.PUBLIC.F')",
    "PUT file:///tmp/x @{n}.PUBLIC.S",
    "GET @{n}.PUBLIC.S file:///tmp/",
    "LIST @{n}.PUBLIC.S",
    "REMOVE @{n}.PUBLIC.S",
    "DESCRIBE TABLE {n}.PUBLIC.T",
    "DESCRIBE VIEW {n}.PUBLIC.V",
    "DESCRIBE STAGE {n}.PUBLIC.S",
    "DESCRIBE FILE FORMAT {n}.PUBLIC.F",
    "DESCRIBE DATABASE {n}",
    "DESCRIBE SCHEMA {n}.PUBLIC",
    "SHOW TABLES IN SCHEMA {n}.PUBLIC",
    "SHOW TABLES IN DATABASE {n}",
    "SHOW VIEWS IN SCHEMA {n}.PUBLIC",
    "SHOW STAGES IN DATABASE {n}",
    "SHOW SCHEMAS IN DATABASE {n}",
    "SHOW COLUMNS IN TABLE {n}.PUBLIC.T",
    "SHOW COLUMNS IN DATABASE {n}",
    "USE DATABASE {n}",
    "USE SCHEMA {n}.PUBLIC",
)


@pytest.fixture
def attacker(storage: Storage, alpha: Client) -> Client:
    """ALPHA, with OWN and the stage MINE; the same things exist in BETA_DB and in ALPHA's own room SFDCR_ROOM."""
    storage.namespaces.create_schema("ALPHA", "SFDCR_ROOM", "PUBLIC")
    for account, database in (("BETA", "BETA_DB"), ("ALPHA", "SFDCR_ROOM"), ("ALPHA", "ALPHA_DB")):
        storage.tables.commit([CreateTable(Key(account, database, "PUBLIC", "T"), COLUMNS)])
        storage.views.create(Key(account, database, "PUBLIC", "V"), COLUMNS, "SELECT A FROM T")
        storage.stages.create(Key(account, database, "PUBLIC", "S"), directory=True)
        storage.file_formats.create(Key(account, database, "PUBLIC", "F"), "CSV", {})
    storage.tables.commit([CreateTable(Key("ALPHA", "ALPHA_DB", "PUBLIC", "OWN"), COLUMNS)])
    storage.stages.create(Key("ALPHA", "ALPHA_DB", "PUBLIC", "MINE"))
    return alpha


def refusal(client: Client, text: str) -> str:
    try:
        client.result(text)
    except SqlError as error:
        return str(error)
    pytest.fail(f"not refused: {text}")


@pytest.mark.attack
@pytest.mark.parametrize("database", ["BETA_DB", "SFDCR_ROOM"])
def test_what_is_not_ones_own_reads_like_what_does_not_exist(attacker: Client, database: str) -> None:
    told = {}
    for position in POSITIONS:
        missing = refusal(attacker, position.format(n="NOWHERE_DB"))
        found = refusal(attacker, position.format(n=database)).replace(database, "NOWHERE_DB")
        if found != missing or "does not exist" not in missing:
            told[position] = (missing, found)
    assert told == {}


@pytest.mark.attack
def test_the_owner_reaches_what_the_attacker_does_not(
    attacker: Client, beta: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(beta.rows("DESCRIBE TABLE BETA_DB.PUBLIC.T")) == 1
    refusal(attacker, "DESCRIBE TABLE BETA_DB.PUBLIC.T")
    # The control is that every key carries the session's account; without it the same statement answers.
    monkeypatch.setattr(attacker.session, "account", "BETA")
    monkeypatch.setattr(attacker.session, "user", "BETA_USER")
    assert len(attacker.rows("DESCRIBE TABLE BETA_DB.PUBLIC.T")) == 1


@pytest.mark.attack
def test_a_room_is_hidden_only_because_of_its_kind(attacker: Client, storage: Storage) -> None:
    refusal(attacker, "DESCRIBE TABLE SFDCR_ROOM.PUBLIC.T")
    with storage.database.transaction() as connection:
        connection.execute("UPDATE databases SET kind = 'standard' WHERE name = 'SFDCR_ROOM'")
    assert len(attacker.rows("DESCRIBE TABLE SFDCR_ROOM.PUBLIC.T")) == 1


EVERYBODYS = {"SAMOOHA_SAMPLE_DATABASE"}


@pytest.mark.attack
def test_lists_hold_ones_own_only(attacker: Client) -> None:
    for kind in ("TABLES", "VIEWS", "STAGES", "FILE FORMATS", "SCHEMAS", "OBJECTS", "COLUMNS"):
        rows = attacker.dicts(f"SHOW {kind} IN ACCOUNT")
        assert {row["database_name"] for row in rows} - EVERYBODYS == {"ALPHA_DB"}, kind
    assert {row["name"] for row in attacker.dicts("SHOW DATABASES")} - EVERYBODYS == {"ALPHA_DB"}


@pytest.mark.attack
def test_nobody_makes_a_database_that_looks_like_a_room(alpha: Client) -> None:
    for name in ("SFDCR_OTHER", "SAMOOHA_BY_SNOWFLAKE_LOCAL_DB", "SFDCR_ROOM"):
        assert "reserved for clean rooms" in refusal(alpha, f"CREATE DATABASE {name}")
        assert "reserved for clean rooms" in refusal(alpha, f"CREATE OR REPLACE DATABASE {name}")


@pytest.mark.attack
def test_another_users_stage_is_not_reached(attacker: Client, storage: Storage) -> None:
    key = storage.stages.user_stage("BETA", "BETA_USER")
    storage.stages.put_file(key, "secret", storage.objects.put_bytes(b"secret"), 6, "0" * 32)
    assert attacker.rows("LIST @~") == []
    refusal(attacker, 'LIST @"".~.BETA_USER')


@pytest.mark.attack
def test_what_was_activated_is_read_by_the_rooms_application_too(
    storage: Storage, alpha: Client, beta: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Documented as <collaboration>.activation.segment_records (cleanrooms/activation), read by people as
    SFDCR_<COLLABORATION>.ACTIVATION.SEGMENT_RECORDS (service-behaviour, "Shapes of answers"): one table of the
    account's own. Nothing else is read through the application, and nobody reads it by this name who may not by that.
    """
    records = "sfdcr_room.activation.segment_records"
    absent = "does not exist or not authorized"
    with pytest.raises(SqlError, match=absent):
        alpha.rows(f"SELECT * FROM {records}")
    for each in ("CREATE DATABASE room", "CREATE SCHEMA room.activation", "CREATE SCHEMA room.cleanroom",
                 "CREATE TABLE room.activation.segment_records AS SELECT 1 AS a",
                 "CREATE TABLE room.activation.others AS SELECT 2 AS a",
                 "CREATE TABLE room.cleanroom.segment_records AS SELECT 3 AS a"):  # fmt: skip
        alpha.result(each)
    assert alpha.rows(f"SELECT a FROM {records}") == [(1,)]
    for other in ("sfdcr_room.activation.others", "sfdcr_room.cleanroom.segment_records"):
        with pytest.raises(SqlError, match=absent):
            alpha.rows(f"SELECT * FROM {other}")
    beta.result("CREATE DATABASE room")
    with pytest.raises(SqlError, match=absent):
        beta.rows(f"SELECT * FROM {records}")
    alpha.result("CREATE ROLE lesser")
    alpha.result("GRANT ROLE lesser TO USER alpha_user")
    alpha.result("USE ROLE lesser")
    for name in (records, "room.activation.segment_records"):
        with pytest.raises(SqlError, match=absent):
            alpha.rows(f"SELECT * FROM {name}")
    monkeypatch.setattr(Rights, "enters", lambda *_: True)
    monkeypatch.setattr(Rights, "reaches", lambda *_: True)
    assert alpha.rows(f"SELECT a FROM {records}") == [(1,)], "without the roles' rights, it would be read"


@pytest.mark.sandbox
def test_two_dots_mean_the_schema_public(alpha: Client) -> None:
    """`database..name`: sql-reference/name-resolution. It is no schema of that name in the current database."""
    alpha.result("CREATE SCHEMA alpha_db")
    alpha.result("CREATE TABLE alpha_db..t (a INT)")
    alpha.result("CREATE TABLE alpha_db.alpha_db.t AS SELECT 2 AS a")
    alpha.result("INSERT INTO alpha_db..t VALUES (1)")
    for name in ("alpha_db..t", "IDENTIFIER('alpha_db..t')", '"ALPHA_DB".."T"', "alpha_db.public.t"):
        assert alpha.rows(f"SELECT a FROM {name}") == [(1,)]
    for name in ("alpha_db...t", "..t", "alpha_db.public..t"):
        with pytest.raises(SqlError):
            alpha.rows(f"SELECT a FROM {name}")
