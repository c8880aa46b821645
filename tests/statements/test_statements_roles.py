"""Roles, privileges and grants, as docs.snowflake.com has them: security-access-control-overview (what roles need) and
-privileges (which privilege is for what), sql-reference/sql/grant-privilege, -/grant-ownership, -/use-secondary-roles,
-/show-grants, sql-reference/functions/current_secondary_roles and -/is_role_in_session.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from statements_client import Client

from cleanroom_ml.engine.sql.binds import NO_BINDS
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.classify import classify
from cleanroom_ml.engine.sql.read.comment import Comment
from cleanroom_ml.engine.statements import policy
from cleanroom_ml.engine.statements.kind import Roles
from cleanroom_ml.engine.statements.registry import object_kinds, statement_kinds
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.rights import Rights
from cleanroom_ml.engine.storage.storage import Storage

SETUP = (
    "CREATE ROLE reader",
    "CREATE ROLE other",
    "CREATE USER bob",
    "GRANT ROLE reader TO USER alpha_user",
    "CREATE TABLE t (a INT, b INT)",
    "CREATE TABLE u (a INT, b INT)",
    "CREATE VIEW v AS SELECT a FROM t",
    "CREATE SECURE VIEW sv AS SELECT a FROM t WHERE b = 7",
    "CREATE STAGE s DIRECTORY = (ENABLE = TRUE)",
    "CREATE FILE FORMAT f TYPE = CSV",
    "CREATE SEQUENCE q",
    "CREATE WAREHOUSE w",
    "CREATE SCHEMA hidden",
    "CREATE TABLE hidden.x (a INT)",
    "CREATE FUNCTION public.fn(a INT) RETURNS INT AS 'a'",
    "CREATE PROCEDURE public.pr(a INT) RETURNS INT LANGUAGE SQL AS 'BEGIN RETURN a; END'",
    "USE SCHEMA public",
)
# The schemas that are there for whoever may enter; the first is everybody's.
OPEN = ["INFORMATION_SCHEMA", "PUBLIC"]
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
    "SELECT * FROM t AT (OFFSET => 0)",
    "SELECT q.NEXTVAL",
    "SELECT n.NEXTVAL FROM TABLE(GETNEXTVAL(q)) AS n",
    "CREATE TEMPORARY TABLE mine (a INT DEFAULT q.NEXTVAL)",
    "CREATE TEMPORARY VIEW mine AS SELECT * FROM t",
    "CREATE TEMPORARY VIEW mine AS SELECT q.NEXTVAL AS a",
    "CREATE TEMPORARY TABLE mine CLONE t AT (OFFSET => 0)",
    "CREATE SCHEMA mine CLONE hidden",
    "CREATE DATABASE mine CLONE alpha_db",
    "CREATE OR REPLACE SEQUENCE q",
    "CREATE SEQUENCE n",
    "ALTER SEQUENCE q SET INCREMENT 2",
    "ALTER VIEW v RENAME TO n",
    "ALTER VIEW v UNSET SECURE",
    "ALTER SCHEMA hidden RENAME TO n",
    "ALTER SCHEMA hidden SET DATA_RETENTION_TIME_IN_DAYS = 0",
    "ALTER DATABASE alpha_db SET DATA_RETENTION_TIME_IN_DAYS = 0",
    "ALTER TABLE t SET DATA_RETENTION_TIME_IN_DAYS = 0",
    "DROP SEQUENCE q",
    "DESCRIBE SEQUENCE q",
    "COMMENT ON COLUMN t.a IS 'x'",
    "COMMENT ON VIEW v IS 'x'",
    "COMMENT ON SCHEMA hidden IS 'x'",
    "COMMENT ON SEQUENCE q IS 'x'",
    "SELECT * FROM IDENTIFIER('alpha_db.public.t')",
    "SELECT * FROM TABLE('t')",
    "SELECT a FROM v",
    "SELECT * FROM hidden.x",
    "SELECT $1 FROM @s",
    "WITH c AS (SELECT * FROM t) SELECT 1 FROM c",
    "SELECT (SELECT max(a) FROM t)",
    "INSERT INTO t VALUES (1, 2)",
    "INSERT ALL INTO t VALUES (a, a) SELECT 1 AS a",
    "INSERT ALL INTO mine2 SELECT a FROM t",
    "LIST @%t",
    "SELECT $1 FROM @%t",
    "COPY INTO @%t FROM (SELECT 1 AS a)",
    "INSERT OVERWRITE INTO t VALUES (1, 2)",
    "UPDATE t SET a = 1",
    "DELETE FROM t",
    "MERGE INTO t USING (SELECT 1 AS x) AS n ON t.a = n.x WHEN MATCHED THEN DELETE",
    "TRUNCATE TABLE t",
    "COPY INTO t FROM @s",
    "COPY INTO @s FROM t",
    "COPY INTO @s FROM (SELECT 1 AS a)",
    "SELECT 1 ->> SELECT * FROM t",
    "SELECT * FROM t ->> SELECT 1",
    "EXECUTE IMMEDIATE 'SELECT * FROM t'",
    "SELECT * FROM DIRECTORY(@s)",
    "CREATE TEMPORARY TABLE mine CLONE t",
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
    "CREATE FUNCTION n(a INT) RETURNS INT AS 'a'",
    "CREATE FUNCTION n() RETURNS INT AS 'SELECT max(a) FROM t'",
    "CREATE OR REPLACE FUNCTION fn(a INT) RETURNS INT AS 'a'",
    "CREATE PROCEDURE n() RETURNS INT LANGUAGE SQL AS 'BEGIN RETURN 1; END'",
    "CREATE SCHEMA n",
    "CREATE DATABASE n",
    "CREATE WAREHOUSE n",
    "CREATE ROLE n",
    "CREATE USER n",
    "ALTER USER bob SET PASSWORD = 'x'",
    "ALTER USER alpha_user SET DISABLED = TRUE",
    "DROP USER bob",
    "DESCRIBE USER bob",
    "CREATE COMPUTE POOL n MIN_NODES = 1 MAX_NODES = 1 INSTANCE_FAMILY = CPU_X64_XS",
    "ALTER TABLE t ADD COLUMN c INT",
    "ALTER TABLE t RENAME TO n",
    "ALTER TABLE t SWAP WITH hidden.x",
    "ALTER TABLE t ALTER COLUMN b DROP NOT NULL",
    "ALTER STAGE s REFRESH",
    "ALTER STAGE s SET DIRECTORY = (ENABLE = FALSE)",
    "ALTER FUNCTION fn(INT) RENAME TO n",
    "ALTER PROCEDURE pr(INT) EXECUTE AS CALLER",
    "ALTER WAREHOUSE w SUSPEND",
    "ALTER FILE FORMAT f SET SKIP_HEADER = 1",
    "DROP TABLE t",
    "DROP VIEW v",
    "DROP STAGE s",
    "DROP FILE FORMAT f",
    "DROP FUNCTION fn(INT)",
    "DROP PROCEDURE pr(INT)",
    "DROP SCHEMA hidden",
    "DROP DATABASE alpha_db",
    "DROP WAREHOUSE w",
    "DROP ROLE other",
    "DESCRIBE TABLE t",
    "DESCRIBE VIEW v",
    "DESCRIBE STAGE s",
    "DESCRIBE FILE FORMAT f",
    "DESCRIBE FUNCTION fn(INT)",
    "DESCRIBE PROCEDURE pr(INT)",
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
    "GRANT SELECT ON FUTURE TABLES IN SCHEMA public TO ROLE reader",
    "GRANT SELECT ON FUTURE TABLES IN DATABASE alpha_db TO ROLE reader",
    "SHOW FUTURE GRANTS TO ROLE other",
    "SHOW FUTURE GRANTS IN SCHEMA hidden",
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
    "WITH p AS PROCEDURE () RETURNS INT LANGUAGE SQL AS 'BEGIN RETURN (SELECT max(a) FROM t); END' CALL p()",
    "BEGIN INSERT INTO t VALUES (1, 2); END",
    "SELECT * FROM TABLE(INFER_SCHEMA(LOCATION => '@s', FILE_FORMAT => 'f'))",
)


# What no role needs a privilege for: it stays within its own session, or what it leads to asks.
OWN = (
    *("ALTER SESSION SET QUERY_TAG = 'x'", "SET x = 1", "UNSET x", "BEGIN", "COMMIT", "ROLLBACK", "SELECT 1"),
    *("USE SECONDARY ROLES NONE", "SHOW GRANTS", "SHOW ROLES", "SHOW TABLES"),
    *("CREATE TEMPORARY TABLE mine (a INT)", "INSERT INTO mine VALUES (1)", "DESCRIBE TABLE mine", "DROP TABLE mine"),
)


@pytest.mark.attack
def test_a_role_without_a_privilege_is_refused(reader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {text: refused(reader, text) for text in FOREIGN}
    wrong = {text: why for text, why in said.items() if not (why.startswith(ABSENT) or "nsufficient privileges" in why)}
    assert wrong == {}
    # Without the control the same role reaches all of it.
    monkeypatch.setattr(Rights, "__init__", _of_an_admin)
    assert reader.rows("SELECT count(*) FROM t") == [(0,)]
    reader.result("INSERT INTO t VALUES (1, 2)")
    assert len(reader.rows("DESCRIBE TABLE t")) == 2
    reader.result("DROP TABLE hidden.x")


def _of_an_admin(self: Rights, storage: Storage, account: str, roles: frozenset[str], role: str) -> None:
    self._storage, self._account, self.roles, self.role, self.everything = storage, account, roles, role, True


def test_every_kind_of_statement_says_where_its_roles_are_asked() -> None:
    """A kind that says nothing is for ACCOUNTADMIN; of every other one there is a statement above that is refused."""
    silent = {node.__name__ for node, kind in statement_kinds().items() if kind.roles is Roles.ADMIN}
    assert silent == set(), "whoever adds one says here that it is ACCOUNTADMIN's alone"
    tried = {type(classify(text, NO_BINDS)) for text in FOREIGN}
    asking = {node for node, kind in statement_kinds().items() if kind.roles in {Roles.NAMES, Roles.ELSEWHERE}}
    # CALL is asked by its procedures (tests/rooms/test_rooms_roles.py).
    # What is dropped is nobody's to be found in a list like this one (test_statements_time_travel.py).
    assert {node.__name__ for node in asking - tried} == {"Call", "Undrop"}
    for verb, field in (("DROP", "drop"), ("DESCRIBE", "describe"), ("ALTER", "alter")):
        kinds = {name for name, kind in object_kinds().items() if getattr(kind, field) is not None}
        of_others = {"COMPUTE POOL", "APPLICATION"}
        assert {name for name in kinds if any(text.startswith(f"{verb} {name} ") for text in FOREIGN)} >= (
            kinds - of_others - ({"DATABASE"} if verb == "DESCRIBE" else set())
        ), verb


@pytest.mark.attack
def test_a_kind_that_says_nothing_is_the_admins(reader: Client, admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    said = statement_kinds()[Comment]
    monkeypatch.setattr(policy, "kind_of", lambda statement: replace(said, roles=Roles.ADMIN))
    assert "needs the role ACCOUNTADMIN" in refused(reader, "COMMENT ON TABLE t IS 'x'")
    admin.result("COMMENT ON TABLE t IS 'x'")
    monkeypatch.setattr(Rights, "__init__", _of_an_admin)
    reader.result("COMMENT ON TABLE t IS 'x'")


def test_what_needs_no_privilege(reader: Client) -> None:
    for text in OWN:
        reader.result(text)


@pytest.mark.attack
def test_nothing_of_what_is_not_granted_is_listed(
    reader: Client, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for what in ("TABLES", "VIEWS", "OBJECTS", "COLUMNS", "STAGES", "FILE FORMATS", "SEQUENCES"):
        assert reader.rows(f"SHOW {what} IN ACCOUNT") == [], what
        assert admin.rows(f"SHOW {what} IN ACCOUNT") != [], what
    assert [row["name"] for row in reader.dicts("SHOW SCHEMAS IN DATABASE alpha_db")] == OPEN
    assert reader.rows("SHOW WAREHOUSES") == []
    for relation in ("TABLES", "COLUMNS", "VIEWS"):
        query = f"SELECT count(*) FROM alpha_db.information_schema.{relation}"
        assert reader.rows(query) == [(0,)], relation
        assert admin.rows(query) != [(0,)], relation
    assert [name for (name,) in reader.rows("SELECT SCHEMA_NAME FROM alpha_db.information_schema.schemata")] == OPEN
    admin.result("GRANT SELECT ON VIEW sv TO ROLE reader")
    # The text of a secure view is its owner's.
    assert [row["text"] for row in reader.dicts("SHOW VIEWS")] == [""]
    assert reader.rows("SELECT VIEW_DEFINITION FROM alpha_db.information_schema.views") == [(None,)]
    monkeypatch.setattr(Rights, "__init__", _of_an_admin)
    assert {"T", "U", "X"} <= {row["name"] for row in reader.dicts("SHOW TABLES IN ACCOUNT")}
    assert "WHERE b = 7" in str(reader.rows("SELECT VIEW_DEFINITION FROM alpha_db.information_schema.views"))


@pytest.mark.sandbox
def test_each_privilege_opens_what_it_is_for(reader: Client, admin: Client) -> None:
    """Snowflake, security-access-control-privileges: table, stage and schema privileges."""
    denied = "003001 SQL access control error:\nInsufficient privileges to operate on table 'T'"
    admin.result("GRANT INSERT ON TABLE t TO ROLE reader")
    reader.result("INSERT INTO t VALUES (1, 7), (2, 8)")
    assert refused(reader, "SELECT * FROM t").startswith(ABSENT)
    for text in ("DELETE FROM t", "UPDATE t SET a = 3", "TRUNCATE TABLE t", "INSERT OVERWRITE INTO t VALUES (1, 1)"):
        assert refused(reader, text) == denied, text
    assert refused(reader, "INSERT INTO t SELECT * FROM t").startswith(ABSENT)
    admin.result("GRANT SELECT, UPDATE ON TABLE t TO ROLE reader")
    assert reader.rows("SELECT a FROM t ORDER BY a") == [(1,), (2,)]
    reader.result("UPDATE t SET a = 5 WHERE a = 2")
    assert refused(reader, "DELETE FROM t") == denied
    merge = "MERGE INTO t USING (SELECT 1 AS x) AS n ON t.a = n.x WHEN MATCHED THEN "
    reader.result(f"{merge} UPDATE SET b = 0")
    assert refused(reader, f"{merge} DELETE") == denied
    assert len(reader.rows("DESCRIBE TABLE t")) == 2
    assert "nsufficient privileges" in refused(reader, "DROP TABLE t")
    admin.result("REVOKE SELECT ON TABLE t FROM ROLE reader")
    assert refused(reader, "SELECT * FROM t").startswith(ABSENT)
    admin.result("GRANT READ ON STAGE s TO ROLE reader")
    assert reader.rows("LIST @s") == []
    for text in ("PUT file:///tmp/x @s", "REMOVE @s", "ALTER STAGE s REFRESH"):
        assert "operate on stage 'S'" in refused(reader, text), text
    admin.result("GRANT CREATE TABLE ON SCHEMA alpha_db.public TO ROLE reader")
    reader.result("CREATE TABLE own AS SELECT 1 AS a")
    assert [(row["name"], row["owner"]) for row in reader.dicts("SHOW TABLES") if row["name"] == "OWN"] == [
        ("OWN", "READER")
    ]
    assert reader.rows("SELECT * FROM own") == [(1,)]
    reader.result("ALTER TABLE own RENAME TO own2")
    reader.result("DROP TABLE own2")


@pytest.mark.attack
@pytest.mark.sandbox
def test_a_view_reads_with_its_owners_rights_and_no_more(
    reader: Client, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """sql-reference/sql/create-view: a view runs with the privileges of its owner, whoever queries it."""
    admin.result("INSERT INTO t VALUES (1, 7), (2, 8)")
    admin.result("GRANT SELECT ON VIEW v TO ROLE reader")
    assert sorted(reader.rows("SELECT a FROM v")) == [(1,), (2,)]
    admin.result("GRANT CREATE VIEW ON SCHEMA alpha_db.public TO ROLE reader")
    assert refused(reader, "CREATE VIEW mine AS SELECT a FROM t").startswith(ABSENT)
    admin.result("GRANT SELECT ON TABLE t TO ROLE reader")
    reader.result("CREATE VIEW mine AS SELECT a FROM t")
    assert len(admin.rows("SELECT a FROM mine")) == 2
    # What is taken from the owner is taken from everybody who reads through its view, the administrator included.
    admin.result("REVOKE SELECT ON TABLE t FROM ROLE reader")
    assert refused(admin, "SELECT a FROM mine").startswith(ABSENT)
    assert refused(reader, "SELECT a FROM mine").startswith(ABSENT)
    monkeypatch.setattr(Rights, "reaches", lambda self, privilege, thing: True)
    assert len(reader.rows("SELECT a FROM mine")) == 2


@pytest.mark.attack
def test_a_grant_is_for_a_thing_and_not_for_its_name(reader: Client, admin: Client) -> None:
    def granted(thing: str) -> bool:
        try:
            reader.result(f"DESCRIBE {thing}")
        except SqlError:
            return False
        return True

    grants = {
        "TABLE t": "GRANT SELECT ON TABLE t TO ROLE reader",
        "VIEW v": "GRANT SELECT ON VIEW v TO ROLE reader",
        "STAGE s": "GRANT READ ON STAGE s TO ROLE reader",
        "FILE FORMAT f": "GRANT USAGE ON FILE FORMAT f TO ROLE reader",
        "SCHEMA hidden": "GRANT USAGE ON SCHEMA hidden TO ROLE reader",
        "WAREHOUSE w": "GRANT USAGE ON WAREHOUSE w TO ROLE reader",
        "SEQUENCE q": "GRANT USAGE ON SEQUENCE q TO ROLE reader",
    }
    again = {
        "TABLE t": ("CREATE OR REPLACE TABLE t (a INT)",),
        "VIEW v": ("DROP VIEW v", "CREATE VIEW v AS SELECT 1 AS a"),
        "STAGE s": ("DROP STAGE s", "CREATE STAGE s"),
        "FILE FORMAT f": ("CREATE OR REPLACE FILE FORMAT f TYPE = CSV",),
        "SCHEMA hidden": ("DROP SCHEMA hidden", "CREATE SCHEMA hidden", "USE SCHEMA public"),
        "WAREHOUSE w": ("DROP WAREHOUSE w", "CREATE WAREHOUSE w"),
        "SEQUENCE q": ("CREATE OR REPLACE SEQUENCE q",),
    }
    for thing, text in grants.items():
        admin.result(text)
        assert granted(thing), thing
        for step in again[thing]:
            admin.result(step)
        assert not granted(thing), thing
    admin.result("GRANT SELECT ON TABLE u TO ROLE reader")
    admin.result("ALTER TABLE u RENAME TO u2")
    assert granted("TABLE u2"), "it goes along with what it is on"
    admin.result("CREATE TABLE u (a INT)")
    assert not granted("TABLE u")
    # A role of the same name is another role.
    admin.result("DROP ROLE reader")
    admin.result("CREATE ROLE reader")
    admin.result("GRANT ROLE reader TO USER alpha_user")
    assert not granted("TABLE u2")
    assert admin.rows("SHOW GRANTS TO ROLE reader") == []
    # Without the control, which is the catalog's own, the next thing of that name is granted as the last one was.
    admin.result(grants["TABLE t"])
    for text in INSIDE:
        admin.result(text)
    with admin.storage.database.transaction() as connection:
        for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f'DROP TRIGGER "{row["name"]}"')
    for step in again["TABLE t"]:
        admin.result(step)
    assert granted("TABLE t")


def test_copy_grants_copies_them(reader: Client, admin: Client) -> None:
    """sql-reference/sql/create-table, -/create-view: COPY GRANTS keeps all but the ownership."""
    for thing, again in (
        ("TABLE t", "CREATE OR REPLACE TABLE t (a INT) COPY GRANTS"),
        ("VIEW v", "CREATE OR REPLACE VIEW v COPY GRANTS AS SELECT 1 AS a"),
    ):
        admin.result(f"GRANT SELECT ON {thing} TO ROLE reader WITH GRANT OPTION")
        admin.result(again)
        reader.result(f"DESCRIBE {thing}")
        reader.result(f"GRANT SELECT ON {thing} TO ROLE other")


@pytest.mark.attack
def test_what_another_made_meanwhile_is_not_replaced(
    reader: Client, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between a statement's look at a name and its commit, an administrator makes a table and a view of that name."""
    admin.result("GRANT CREATE TABLE, CREATE VIEW ON SCHEMA alpha_db.public TO ROLE reader")
    required = Work.require

    def late(work: Work, privilege: str, thing: Thing) -> None:
        required(work, privilege, thing)
        if privilege.startswith("CREATE ") and work.session.id == reader.session.id:
            admin.result("CREATE TABLE IF NOT EXISTS new_table (secret INT)")
            admin.result("CREATE VIEW IF NOT EXISTS new_view AS SELECT 1 AS secret")

    monkeypatch.setattr(Work, "require", late)
    assert refused(reader, "CREATE OR REPLACE TABLE new_table (a INT)").startswith(ABSENT)
    assert refused(reader, "CREATE OR REPLACE VIEW new_view AS SELECT 1 AS a").startswith(ABSENT)


def test_grants_are_passed_on_only_with_the_option(reader: Client, admin: Client) -> None:
    """sql-reference/sql/grant-privilege: WITH GRANT OPTION; the refusal as service-behaviour has it (003102)."""
    admin.result("GRANT SELECT ON TABLE t TO ROLE reader")
    said = refused(reader, "GRANT SELECT ON TABLE t TO ROLE other")
    assert said.startswith("003102 Grant not executed: Insufficient privileges.")
    admin.result("GRANT SELECT ON TABLE t TO ROLE reader WITH GRANT OPTION")
    reader.result("GRANT SELECT ON TABLE t TO ROLE other")
    assert refused(reader, "GRANT INSERT ON TABLE t TO ROLE other").startswith("003102")
    admin.result("REVOKE GRANT OPTION FOR SELECT ON TABLE t FROM ROLE reader")
    assert refused(reader, "REVOKE SELECT ON TABLE t FROM ROLE other").startswith("003102")
    shown = {(row["privilege"], row["grantee_name"], row["grant_option"]) for row in
             admin.dicts("SHOW GRANTS ON TABLE t")}  # fmt: skip
    assert shown == {
        ("OWNERSHIP", "ACCOUNTADMIN", "true"), ("SELECT", "READER", "false"), ("SELECT", "OTHER", "false")
    }  # fmt: skip


def test_all_at_once_and_ownership(reader: Client, admin: Client) -> None:
    admin.result("GRANT SELECT ON ALL TABLES IN SCHEMA alpha_db.public TO ROLE reader")
    assert [row["name"] for row in reader.dicts("SHOW TABLES")] == ["T", "U"]
    assert "COPY CURRENT GRANTS or REVOKE" in refused(admin, "GRANT OWNERSHIP ON TABLE t TO ROLE reader")
    admin.result("GRANT OWNERSHIP ON TABLE t TO ROLE reader REVOKE CURRENT GRANTS")
    reader.result("GRANT ALL PRIVILEGES ON TABLE t TO ROLE other")
    held = {row["privilege"] for row in admin.dicts("SHOW GRANTS TO ROLE other")}
    assert held == {"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES"}
    reader.result("DROP TABLE t")
    # What a dropped role owned is the role's that dropped it.
    admin.result("GRANT OWNERSHIP ON TABLE u TO ROLE reader COPY CURRENT GRANTS")
    admin.result("DROP ROLE reader")
    assert [row["owner"] for row in admin.dicts("SHOW TABLES") if row["name"] == "U"] == ["ACCOUNTADMIN"]


def test_future_grants_are_for_what_is_made_later(reader: Client, admin: Client) -> None:
    """sql-reference/sql/grant-privilege: those of a schema stand before those of its database; COPY GRANTS has none."""
    admin.result("GRANT SELECT ON FUTURE TABLES IN DATABASE alpha_db TO ROLE other")
    admin.result("GRANT SELECT, INSERT ON FUTURE TABLES IN SCHEMA public TO ROLE reader")
    assert [row["name"] for row in admin.dicts("SHOW FUTURE GRANTS IN SCHEMA public")] == [
        "ALPHA_DB.PUBLIC.<TABLE>"
    ] * 2
    assert len(admin.rows("SHOW FUTURE GRANTS TO ROLE other")) == 1
    assert refused(reader, "SELECT * FROM t").startswith(ABSENT), "what was there before is not given"
    admin.result("CREATE TABLE later (a INT)")
    assert len(reader.rows("DESCRIBE TABLE later")) == 1
    assert admin.rows("SHOW GRANTS TO ROLE other") == []
    admin.result("CREATE TABLE hidden.later (a INT)")
    assert [row["privilege"] for row in admin.dicts("SHOW GRANTS TO ROLE other")] == ["SELECT"]
    admin.result("CREATE OR REPLACE TABLE t (a INT) COPY GRANTS")
    assert refused(reader, "DESCRIBE TABLE t").startswith(ABSENT)
    admin.result("REVOKE SELECT, INSERT ON FUTURE TABLES IN SCHEMA public FROM ROLE reader")
    admin.result("CREATE TABLE last (a INT)")
    assert refused(reader, "DESCRIBE TABLE last").startswith(ABSENT)
    assert "GRANT … ON FUTURE" in refused(admin, "GRANT OWNERSHIP ON FUTURE TABLES IN SCHEMA public TO ROLE reader")


def test_roles_inherit_and_a_circle_is_refused(admin: Client, alpha_again: Client) -> None:
    for text in INSIDE:
        admin.result(text)
    admin.result("GRANT SELECT ON TABLE t TO ROLE other")
    admin.result("GRANT ROLE other TO ROLE reader")
    assert "inherits it" in refused(admin, "GRANT ROLE reader TO ROLE other")
    alpha_again.result("USE ROLE reader")
    assert alpha_again.rows("SELECT count(*) FROM t") == [(0,)]
    assert alpha_again.rows(
        "SELECT IS_ROLE_IN_SESSION('OTHER'), IS_ROLE_IN_SESSION('ACCOUNTADMIN'), CURRENT_ROLE()"
    ) == [(True, False, "READER")]
    alpha_again.result("USE ROLE other")  # inherited roles may be used
    admin.result("REVOKE ROLE other FROM ROLE reader")
    # At once: the session's role is none of its user's any more.
    assert refused(alpha_again, "SELECT count(*) FROM t").startswith(ABSENT)
    assert "does not exist or is not granted" in refused(alpha_again, "USE ROLE other")
    alpha_again.result("USE ROLE reader")
    assert refused(alpha_again, "SELECT count(*) FROM t").startswith(ABSENT)


def test_secondary_roles_add_but_do_not_own(reader: Client, admin: Client) -> None:
    """sql-reference/sql/use-secondary-roles; functions/current_secondary_roles; {"roles":"","value":""} for none."""
    admin.result("GRANT ROLE other TO USER alpha_user")
    admin.result("GRANT SELECT ON TABLE t TO ROLE other")
    assert reader.rows("SELECT CURRENT_SECONDARY_ROLES()") == [('{"roles":"","value":""}',)]
    assert refused(reader, "SELECT * FROM t").startswith(ABSENT)
    reader.result("USE SECONDARY ROLES ALL")
    assert reader.rows("SELECT CURRENT_SECONDARY_ROLES()") == [('{"roles":"ACCOUNTADMIN,OTHER,PUBLIC","value":"ALL"}',)]
    assert reader.rows("SELECT count(*) FROM t") == [(0,)]
    reader.result("CREATE TABLE made (a INT)")
    assert [row["owner"] for row in admin.dicts("SHOW TABLES") if row["name"] == "MADE"] == ["READER"]
    reader.result("USE SECONDARY ROLES NONE")
    assert refused(reader, "SELECT * FROM t").startswith(ABSENT)
    available = reader.rows("SELECT CURRENT_AVAILABLE_ROLES()")[0][0]
    assert json.loads(available) == sorted(
        ["ACCOUNTADMIN", "OTHER", "PUBLIC", "READER", "SAMOOHA_APP_ROLE", "SECURITYADMIN", "SYSADMIN", "USERADMIN"]
    )


@pytest.mark.attack
def test_a_role_gives_itself_nothing(reader: Client, admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    admin.result("GRANT CREATE ROLE ON ACCOUNT TO ROLE reader")
    reader.result("CREATE ROLE mine")
    reader.result("GRANT ROLE mine TO USER alpha_user")
    for text in (
        "GRANT ROLE accountadmin TO ROLE mine",
        "GRANT ROLE sysadmin TO ROLE mine",
        "GRANT USAGE ON SCHEMA hidden TO ROLE mine",
        "GRANT MANAGE GRANTS ON ACCOUNT TO ROLE mine",
        "DROP ROLE other",
        "DROP ROLE accountadmin",
        "CREATE OR REPLACE ROLE other",
    ):
        assert "nsufficient privileges" in refused(reader, text) or refused(reader, text).startswith(ABSENT), text
    admin.result("GRANT MANAGE GRANTS ON ACCOUNT TO ROLE reader")
    reader.result("GRANT USAGE ON SCHEMA hidden TO ROLE mine")
    assert "nsufficient privileges" in refused(reader, "GRANT ROLE accountadmin TO ROLE mine")
    assert "the only user who has ACCOUNTADMIN" in refused(admin, "REVOKE ROLE accountadmin FROM USER alpha_user")
    monkeypatch.setattr(Rights, "has_role", lambda self, role: True)
    monkeypatch.setattr(Rights, "owns", lambda self, thing: True)
    reader.result("GRANT ROLE accountadmin TO ROLE mine")


def test_a_new_database_is_its_makers(reader: Client, admin: Client) -> None:
    admin.result("GRANT CREATE DATABASE ON ACCOUNT TO ROLE reader")
    reader.result("CREATE DATABASE mine")
    reader.result("CREATE TABLE t (a INT)")
    reader.result("GRANT USAGE ON DATABASE mine TO ROLE public")
    owners = {row["name"]: row["owner"] for row in admin.dicts("SHOW DATABASES")}
    assert owners["MINE"] == "READER"
    assert refused(reader, "CREATE OR REPLACE DATABASE alpha_db").endswith("operate on database 'ALPHA_DB'")
    assert reader.session.database == "MINE"


def test_the_clean_rooms_version_and_sample_data(reader: Client) -> None:
    """service-behaviour, "Session"; cleanrooms pages: `SELECT * FROM SAMOOHA_SAMPLE_DATABASE.DEMO.CUSTOMERS`."""
    ((version,),) = reader.rows("SELECT version FROM samooha_by_snowflake_local_db.admin.version")
    assert float(version) >= 16.3
    query = "SELECT count(*), count(DISTINCT hashed_email) FROM samooha_sample_database.demo.customers"
    assert reader.rows(query) == [(1000, 1000)]
    assert len(reader.rows("SELECT status, age_band, days_active, region_code FROM "
                           "samooha_sample_database.demo.customers LIMIT 3")) == 3  # fmt: skip
    assert refused(reader, "INSERT INTO samooha_sample_database.demo.customers (status) VALUES ('x')").startswith(
        ABSENT
    )


def test_the_second_sample_table_has_people_of_the_first(reader: Client) -> None:
    """tutorials/collaboration-basic-api-tutorial joins the first 100 rows of both; cleanrooms/free-form-sql reads
    INCOME_BRACKET.
    """
    first = "(SELECT * FROM samooha_sample_database.demo.customers{} LIMIT 100)"
    ((both, incomes),) = reader.rows(
        f"SELECT count(*), count(b.income_bracket) FROM {first.format('')} a JOIN {first.format('_2')} b "
        "USING (hashed_email)"
    )
    assert 0 < both == incomes < 100


def test_the_sample_tables_are_listed(reader: Client, admin: Client) -> None:
    """cleanrooms/installed-artifacts: "SHOW TABLES LIKE 'CUSTOMERS_2' IN SCHEMA SAMOOHA_SAMPLE_DATABASE.DEMO"."""
    asked = "SHOW TABLES LIKE 'CUSTOMERS_2' IN SCHEMA SAMOOHA_SAMPLE_DATABASE.DEMO"
    (row,) = reader.dicts(asked)
    assert (row["name"], row["schema_name"], row["rows"], row["kind"]) == ("CUSTOMERS_2", "DEMO", 1000, "TABLE")
    assert [row["name"] for row in reader.dicts("SHOW TABLES IN DATABASE samooha_sample_database")] == [
        "CUSTOMERS", "CUSTOMERS_2"
    ]  # fmt: skip
    assert refused(reader, "SHOW TABLES IN SCHEMA samooha_sample_database.other").startswith(ABSENT)
    admin.result("CREATE DATABASE samooha_sample_database")
    assert refused(reader, asked).startswith(ABSENT), "one that somebody made is theirs"


def test_what_snowflake_has_in_each_account_and_is_not_here_is_refused_by_name(reader: Client) -> None:
    """cleanrooms/activity-history: "FROM SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY"."""
    told = refused(reader, "SELECT * FROM SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY WHERE QUERY_TAG = 'x'")
    assert "Unsupported feature 'SNOWFLAKE.ACCOUNT_USAGE" in told
    assert refused(reader, "SELECT * FROM SNOWFLAKE.MINE.QUERY_HISTORY").startswith(ABSENT)
