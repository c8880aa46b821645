"""Roles, privileges and grants, as docs.snowflake.com has them: security-access-control-overview (what a role needs),
-privileges (which privilege is for what), sql/grant-privilege, sql/use-secondary-roles, functions/current_secondary_roles.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from statements_client import Client

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.statements.kind import Roles
from cleanroom_ml.engine.statements.registry import object_kinds, statement_kinds
from cleanroom_ml.engine.storage.rights import Rights
from cleanroom_ml.engine.storage.storage import Storage

SETUP = (
    "CREATE ROLE reader",
    "CREATE ROLE other",
    "GRANT ROLE reader TO USER alpha_user",
    "CREATE TABLE t (a INT, b INT)",
    "CREATE TABLE u (a INT, b INT)",
    "CREATE VIEW v AS SELECT a FROM t",
    "CREATE SECURE VIEW sv AS SELECT a FROM t WHERE b = 7",
    "CREATE STAGE s DIRECTORY = (ENABLE = TRUE)",
    "CREATE FILE FORMAT f TYPE = CSV",
    "CREATE WAREHOUSE w",
    "CREATE SCHEMA hidden",
    "CREATE TABLE hidden.x (a INT)",
    "USE SCHEMA public",
)
INSIDE = ("GRANT USAGE ON DATABASE alpha_db TO ROLE reader", "GRANT USAGE ON SCHEMA alpha_db.public TO ROLE reader")


@pytest.fixture
def admin(alpha: Client) -> Client:
    for text in SETUP:
        alpha.result(text)
    return alpha


@pytest.fixture
def reader(admin: Client, alpha_again: Client) -> Client:
    """Another session of the same user, whose role has nothing but the way in."""
    for text in INSIDE:
        admin.result(text)
    alpha_again.result("USE ROLE reader")
    return alpha_again


def refused(client: Client, text: str) -> str:
    with pytest.raises(SqlError) as error:
        client.result(text)
    return f"{error.value.code:06} {error.value.message}"


# Every kind of statement that names something: what a role without any privilege on it is told.
ABSENT = "002003 SQL compilation error:\n"
FOREIGN = (
    "SELECT * FROM t",
    "SELECT * FROM IDENTIFIER('alpha_db.public.t')",
    "SELECT * FROM TABLE('t')",
    "SELECT a FROM v",
    "SELECT * FROM hidden.x",
    "SELECT $1 FROM @s",
    "WITH c AS (SELECT * FROM t) SELECT 1 FROM c",
    "SELECT (SELECT max(a) FROM t)",
    "INSERT INTO t VALUES (1, 2)",
    "INSERT OVERWRITE INTO t VALUES (1, 2)",
    "UPDATE t SET a = 1",
    "DELETE FROM t",
    "MERGE INTO t USING (SELECT 1 AS x) AS n ON t.a = n.x WHEN MATCHED THEN DELETE",
    "TRUNCATE TABLE t",
    "COPY INTO t FROM @s",
    "CREATE TABLE mine LIKE t",
    "CREATE TEMPORARY TABLE mine LIKE t",
    "CREATE TEMPORARY TABLE mine AS SELECT * FROM t",
    "CREATE VIEW mine AS SELECT * FROM t",
    "CREATE OR REPLACE TABLE t (a INT)",
    "CREATE OR REPLACE VIEW v AS SELECT 1 AS a",
    "CREATE OR REPLACE STAGE s",
    "CREATE OR REPLACE FILE FORMAT f TYPE = JSON",
    "CREATE OR REPLACE SCHEMA hidden",
    "CREATE OR REPLACE WAREHOUSE w",
    "CREATE TABLE n (a INT)",
    "CREATE TABLE hidden.n (a INT)",
    "CREATE STAGE n",
    "CREATE FILE FORMAT n TYPE = CSV",
    "CREATE SCHEMA n",
    "CREATE DATABASE n",
    "CREATE WAREHOUSE n",
    "CREATE ROLE n",
    "CREATE COMPUTE POOL n MIN_NODES = 1 MAX_NODES = 1 INSTANCE_FAMILY = CPU_X64_XS",
    "ALTER TABLE t ADD COLUMN c INT",
    "ALTER TABLE t RENAME TO n",
    "ALTER STAGE s REFRESH",
    "ALTER STAGE s SET DIRECTORY = (ENABLE = FALSE)",
    "ALTER WAREHOUSE w SUSPEND",
    "DROP TABLE t",
    "DROP VIEW v",
    "DROP STAGE s",
    "DROP FILE FORMAT f",
    "DROP SCHEMA hidden",
    "DROP DATABASE alpha_db",
    "DROP WAREHOUSE w",
    "DROP ROLE other",
    "DESCRIBE TABLE t",
    "DESCRIBE VIEW v",
    "DESCRIBE STAGE s",
    "DESCRIBE FILE FORMAT f",
    "DESCRIBE SCHEMA hidden",
    "DESCRIBE WAREHOUSE w",
    "SHOW COLUMNS IN TABLE t",
    "SHOW TABLES IN SCHEMA hidden",
    "SHOW GRANTS ON TABLE t",
    "SHOW GRANTS ON SCHEMA hidden",
    "SHOW GRANTS TO ROLE other",
    "SHOW GRANTS OF ROLE other",
    "GRANT SELECT ON TABLE t TO ROLE reader",
    "GRANT OWNERSHIP ON TABLE t TO ROLE reader",
    "GRANT CREATE DATABASE ON ACCOUNT TO ROLE reader",
    "REVOKE USAGE ON DATABASE alpha_db FROM ROLE reader",
    "GRANT ROLE other TO USER alpha_user",
    "GRANT ROLE accountadmin TO ROLE reader",
    "REVOKE ROLE accountadmin FROM USER alpha_user",
    "PUT file:///tmp/x @s",
    "GET @s file:///tmp/",
    "LIST @s",
    "REMOVE @s",
    "COMMENT ON TABLE t IS 'x'",
    "SET x = (SELECT max(a) FROM t)",
    "USE SCHEMA hidden",
    "USE WAREHOUSE w",
    "USE ROLE other",
    "BEGIN RETURN (SELECT max(a) FROM t); END",
    "BEGIN INSERT INTO t VALUES (1, 2); END",
    "SELECT * FROM TABLE(INFER_SCHEMA(LOCATION => '@s', FILE_FORMAT => 'f'))",
)


@pytest.mark.attack
def test_a_role_without_a_privilege_is_refused(reader: Client) -> None:
    said = {text: refused(reader, text) for text in FOREIGN}
    wrong = {text: why for text, why in said.items() if not (why.startswith(ABSENT) or "nsufficient privileges" in why)}
    assert wrong == {}
