"""Keys, INFORMATION_SCHEMA, GET_DDL, clones of schemas, and SHOW of what there is none of: sql-reference/constraints,
sql-reference/info-schema, sql-reference/functions/get_ddl and -/system_typeof, sql-reference/sql/show-primary-keys.
"""

from __future__ import annotations

import pytest
from statements_client import Client

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.statements import information_schema
from cleanroom_ml.engine.statements.registry import listings

KEYS = (
    "CREATE TABLE p (id INT PRIMARY KEY, b INT, c VARCHAR(20) UNIQUE)",
    "CREATE TABLE ch (id INT, pid INT REFERENCES p(id), b INT NOT NULL,"
    " CONSTRAINT uq UNIQUE (id, b), CONSTRAINT pk1 PRIMARY KEY (id))",
)


def test_keys_are_kept_and_shown(alpha: Client) -> None:
    for text in KEYS:
        alpha.result(text)
    named = ("name", "null?", "primary key", "unique key")
    described = [tuple(row[name] for name in named) for row in alpha.dicts("DESC TABLE ch")]
    assert described == [("ID", "N", "Y", "Y"), ("PID", "Y", "N", "N"), ("B", "N", "N", "Y")]
    found = alpha.dicts("SHOW PRIMARY KEYS IN TABLE ch")
    assert [(row["column_name"], row["key_sequence"], row["constraint_name"]) for row in found] == [("ID", 1, "PK1")]
    (imported,) = alpha.dicts("SHOW IMPORTED KEYS IN TABLE ch")
    assert (imported["pk_table_name"], imported["pk_column_name"], imported["fk_column_name"]) == ("P", "ID", "PID")
    assert alpha.dicts("SHOW EXPORTED KEYS IN TABLE p") == [imported]
    alpha.result("ALTER TABLE ch DROP PRIMARY KEY")
    alpha.result("ALTER TABLE ch ADD CONSTRAINT again PRIMARY KEY (b)")
    assert alpha.dicts("SHOW PRIMARY KEYS")[0]["constraint_name"] == "AGAIN"
    alpha.result("CREATE TABLE boss (id INT PRIMARY KEY, under INT REFERENCES boss)")
    assert alpha.dicts("SHOW IMPORTED KEYS IN TABLE boss")[0]["pk_column_name"] == "ID"
    for text, why in (
        ("CREATE OR REPLACE TABLE boss (a INT, under INT REFERENCES boss(id))", "invalid identifier"),
        ("ALTER TABLE ch ADD PRIMARY KEY (id)", "primary key already exists"),
        ("CREATE TABLE x (a INT, UNIQUE (nothing))", "invalid identifier"),
        ("CREATE TABLE x (a INT REFERENCES never(a))", "does not exist"),
        ("ALTER TABLE ch DROP CONSTRAINT never", "does not exist"),
    ):
        with pytest.raises(SqlError, match=why):
            alpha.result(text)


@pytest.mark.sandbox
def test_every_relation_of_information_schema_is_read_and_described(alpha: Client) -> None:
    for name in information_schema._RELATIONS:
        alpha.rows(f"SELECT * FROM information_schema.{name}")
        assert len(alpha.rows(f"DESCRIBE VIEW information_schema.{name}")) > 0


@pytest.mark.sandbox
def test_information_schema(alpha: Client) -> None:
    for text in KEYS:
        alpha.result(text)
    alpha.result("CREATE SEQUENCE s START 5")
    query = "SELECT constraint_type FROM information_schema.table_constraints WHERE table_name = 'CH' ORDER BY 1"
    assert alpha.rows(query) == [("FOREIGN KEY",), ("PRIMARY KEY",), ("UNIQUE",)]
    query = "SELECT column_name, data_type, character_octet_length, is_nullable FROM information_schema.columns"
    assert alpha.rows(f"{query} WHERE table_name = 'P' ORDER BY ordinal_position") == [
        *(("ID", "NUMBER", None, "NO"), ("B", "NUMBER", None, "YES"), ("C", "TEXT", 80, "YES")),
    ]
    # sql-reference/info-schema/columns; SQLAlchemy's reflection asks for these
    query = "SELECT ic.kind, ic.expression, ic.data_type_alias FROM information_schema.columns ic"
    assert alpha.rows(f"{query} WHERE ic.table_name = 'P' AND ic.ordinal_position = 1") == [("COLUMN", None, None)]
    with pytest.raises(SqlError, match=r"Stage .ALPHA_DB\.PUBLIC\.NOWHERE. does not exist"):
        alpha.rows("LIST @nowhere")
    assert alpha.rows("SELECT start_value, next_value FROM information_schema.sequences") == [("5", 5)]
    assert alpha.rows(
        "SELECT database_name, type FROM information_schema.databases WHERE database_name LIKE 'ALPHA%'"
    ) == [("ALPHA_DB", "STANDARD")]


@pytest.mark.sandbox
def test_get_ddl_and_what_makes_the_same_again(alpha: Client) -> None:
    alpha.result(KEYS[0])
    alpha.result("CREATE VIEW v AS SELECT id FROM p")
    alpha.result("CREATE SEQUENCE s START 2 INCREMENT 3 ORDER")
    # functions/get_ddl: the form of the text.
    made = alpha.rows("SELECT GET_DDL('table', 'p'), GET_DDL('SEQUENCE', 'public.s'), GET_DDL('view', 'v', TRUE)")[0]
    assert made[0] == (
        "create or replace TABLE P (\n\tID NUMBER(38,0) NOT NULL,\n\tB NUMBER(38,0),\n\tC VARCHAR(20),\n"
        "\tprimary key (ID),\n\tunique (C)\n);"
    )
    assert made[1] == "create or replace sequence S start with 2 increment by 3 order;"
    before = [alpha.rows(f"DESC TABLE {name}") for name in ("p", "v")]
    for text in made:
        alpha.result(text)
    assert [alpha.rows(f"DESC TABLE {name}") for name in ("p", "v")] == before
    assert "create or replace TABLE P" in alpha.rows("SELECT GET_DDL('schema', 'public')")[0][0]
    for text in ("SELECT GET_DDL('table', 'never')", "SELECT GET_DDL('database', 'beta_db')"):
        with pytest.raises(SqlError, match="does not exist or not authorized"):
            alpha.result(text)
    types = alpha.rows("SELECT SYSTEM$TYPEOF(1), SYSTEM$TYPEOF(1::FLOAT), SYSTEM$TYPEOF(TRUE)")
    assert types == [("NUMBER(1,0)[SB1]", "FLOAT[DOUBLE]", "BOOLEAN[SB1]")]
    # What Snowpark's `session.py` asks before it makes a function; an error of either is logged to its user.
    asked = "SYSTEM$GET_DEFAULT_PYTHON_ARTIFACT_REPOSITORY('3.11', 'schema', 'PUBLIC')"
    told = alpha.rows(f"SELECT {asked}, system$are_anaconda_terms_acknowledged()")
    assert told == [("snowflake.snowpark.anaconda_shared_repository", True)]
    assert alpha.rows("CALL SYSTEM$TYPEOF(1)") == [("NUMBER(1,0)[SB1]",)]
    assert [row[1] for row in alpha.rows("DESC TABLE p TYPE = STAGE")] == ["TYPE", "URL"]
    assert len(alpha.rows("DESC TABLE p TYPE = COLUMNS")) == 3
    with pytest.raises(SqlError, match=r"Unsupported feature 'SYSTEM\$ALLOWLIST'"):
        alpha.result("SELECT SYSTEM$ALLOWLIST()")


def test_what_there_is_none_of_has_its_columns(alpha: Client) -> None:
    for name in ("TASKS", "STREAMS", "PIPES", "SHARES", "LOCKS", "DYNAMIC TABLES", "MASKING POLICIES", "TAGS"):
        result = alpha.result(f"SHOW {name}")
        assert isinstance(result, Rows)
        assert [column for column, _ in result.columns] == list(listings()[name].columns), name
        assert result.rows == []


def test_schemas_and_databases_are_cloned_and_renamed(alpha: Client) -> None:
    """sql-reference/sql/create-clone, -/alter-schema, -/alter-database."""
    alpha.result(KEYS[0])
    alpha.result("CREATE SEQUENCE s START 7")
    alpha.result("CREATE SCHEMA copied CLONE public")
    assert [row["name"] for row in alpha.dicts("SHOW TABLES IN SCHEMA copied")] == ["P"]
    assert [row["next_value"] for row in alpha.dicts("SHOW SEQUENCES IN SCHEMA copied")] == [7]
    alpha.result("ALTER SCHEMA copied RENAME TO moved")
    assert alpha.session.schema == "MOVED"
    alpha.result("CREATE DATABASE other CLONE alpha_db")
    alpha.result("ALTER DATABASE other RENAME TO another")
    assert [row["schema_name"] for row in alpha.dicts("SHOW TABLES IN DATABASE another")] == ["MOVED", "PUBLIC"]
    alpha.result("ALTER SCHEMA SET COMMENT = 'the current one'")
    with pytest.raises(SqlError, match="MANAGED ACCESS"):
        alpha.result("CREATE SCHEMA x WITH MANAGED ACCESS")


@pytest.mark.sandbox
def test_a_table_has_a_stage_of_its_own(alpha: Client, alpha_again: Client) -> None:
    """user-guide/data-load-local-file-system-create-stage: table stages."""
    alpha.result("CREATE TABLE t (a INT)")
    alpha.result("INSERT INTO t VALUES (3)")
    alpha.result("COPY INTO @%t/x FROM t")
    assert [row[0] for row in alpha_again.rows("LIST @alpha_db.public.%t")] == ["x_0_0_0.csv.gz"]
    assert alpha.rows("SELECT $1, METADATA$FILENAME, METADATA$FILE_LAST_MODIFIED IS NULL FROM @%t AS f") == [
        ("3", "x_0_0_0.csv.gz", False)
    ]
    assert alpha.rows("SHOW STAGES") == []
    alpha.result("ALTER TABLE t RENAME TO u")
    assert len(alpha.rows("LIST @%u")) == 1
    alpha.result("CREATE OR REPLACE TABLE u (a INT)")
    assert alpha.rows("LIST @%u") == [], "the files are the table's, and not its name's"
    with pytest.raises(SqlError, match="starts with %"):
        alpha.result('CREATE STAGE "%u"')


@pytest.mark.sandbox
def test_insert_into_several_tables(alpha: Client) -> None:
    """sql-reference/sql/insert-multi-table."""
    for text in ("CREATE TABLE t1 (a INT)", "CREATE TABLE t2 (a INT, b INT DEFAULT 9)", "CREATE TABLE s (n INT)"):
        alpha.result(text)
    alpha.result("INSERT INTO s VALUES (1), (2), (3), (NULL)")
    branches = "WHEN n > 2 THEN INTO t1 (a) VALUES (n * 10) WHEN n > 1 THEN INTO t2 (a, b) VALUES (n, DEFAULT)"
    result = alpha.result(f"INSERT FIRST {branches} ELSE INTO t2 (a, b) VALUES (-1, n) SELECT n FROM s")
    assert isinstance(result, Rows)
    assert [name for name, _ in result.columns] == [f"number of rows inserted into {name}" for name in ("T1", "T2")]
    assert (list(result.rows), result.affected) == ([(1, 3)], 4)
    assert alpha.rows("SELECT a, b FROM t2 ORDER BY a, b") == [(-1, 1), (-1, None), (2, 9)]
    alpha.result(f"INSERT OVERWRITE ALL {branches} SELECT n FROM s")
    assert alpha.rows("SELECT (SELECT count(*) FROM t1), (SELECT count(*) FROM t2)") == [(1, 2)]
    with pytest.raises(SqlError):
        alpha.result("INSERT ALL INTO t1 INTO t2 (a) VALUES ('x') SELECT n FROM s")
    assert alpha.rows("SELECT count(*) FROM t1") == [(1,)], "all of it or nothing"


def test_file_formats_are_altered(alpha: Client) -> None:
    """sql-reference/sql/alter-file-format."""
    alpha.result("CREATE FILE FORMAT f TYPE = CSV SKIP_HEADER = 1")
    alpha.result("ALTER FILE FORMAT f SET FIELD_DELIMITER = '|' COMMENT = 'x'")
    alpha.result("ALTER FILE FORMAT f RENAME TO g")
    (shown,) = alpha.dicts("SHOW FILE FORMATS")
    assert (shown["name"], shown["comment"]) == ("G", "x")
    assert '"SKIP_HEADER": 1, "FIELD_DELIMITER": "|"' in shown["format_options"]
    for text in ("ALTER FILE FORMAT g SET TYPE = JSON", "ALTER FILE FORMAT g SET NO_SUCH = 1"):
        with pytest.raises(SqlError, match="Unsupported feature"):
            alpha.result(text)
