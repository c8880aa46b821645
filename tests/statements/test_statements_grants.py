"""What grants open, on which things, and how they are passed on."""

from __future__ import annotations

import pytest
from statements_client import Client
from statements_foreign import ABSENT, INSIDE, refused

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.grants import Grants, Thing


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
    shown = [(row["privilege"], row["grantee_name"], row["grant_option"], row["granted_by"]) for row in
             admin.dicts("SHOW GRANTS ON TABLE t")]  # fmt: skip
    assert shown == [
        ("OWNERSHIP", "ACCOUNTADMIN", "true", "ACCOUNTADMIN"),
        ("SELECT", "OTHER", "false", "READER"),
        ("SELECT", "READER", "true", "ACCOUNTADMIN"),
    ]
    # sql-reference/sql/revoke-privilege: RESTRICT is the default; CASCADE takes what was passed on too.
    for restricted in ("", " RESTRICT"):
        said = refused(admin, f"REVOKE GRANT OPTION FOR SELECT ON TABLE t FROM ROLE reader{restricted}")
        assert said.startswith("003036 SQL execution error: Dependent grant of privilege 'SELECT' on securable")
    admin.result("REVOKE GRANT OPTION FOR SELECT ON TABLE t FROM ROLE reader CASCADE")
    assert refused(reader, "REVOKE SELECT ON TABLE t FROM ROLE other").startswith("003102")
    assert [(row["privilege"], row["grantee_name"]) for row in admin.dicts("SHOW GRANTS ON TABLE t")] == [
        ("OWNERSHIP", "ACCOUNTADMIN"), ("SELECT", "READER")
    ]  # fmt: skip


@pytest.mark.attack
def test_a_role_takes_back_what_it_gave_and_nothing_else(
    reader: Client, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """sql-reference/sql/revoke-privilege, "Security requirements": the grantor, or MANAGE GRANTS; who acts by MANAGE
    GRANTS grants as the owner (-/show-grants, "Usage notes").
    """
    admin.result("CREATE ROLE third")
    admin.result("GRANT SELECT, INSERT ON TABLE t TO ROLE reader WITH GRANT OPTION")
    admin.result("GRANT SELECT ON TABLE t TO ROLE other")
    reader.result("GRANT SELECT, INSERT ON TABLE t TO ROLE third")

    def held() -> set[tuple[str, str]]:
        return {(row["grantee_name"], row["privilege"]) for row in admin.dicts("SHOW GRANTS ON TABLE t")
                if row["grantee_name"] in {"OTHER", "THIRD"}}  # fmt: skip

    reader.result("REVOKE SELECT, INSERT ON TABLE t FROM ROLE other")  # nothing of it is the reader's
    reader.result("REVOKE INSERT ON TABLE t FROM ROLE third")
    assert held() == {("OTHER", "SELECT"), ("THIRD", "SELECT")}
    admin.result("GRANT SELECT ON TABLE t TO ROLE third")  # now it is the owner's gift too
    reader.result("REVOKE SELECT ON TABLE t FROM ROLE third")
    assert held() == {("OTHER", "SELECT"), ("THIRD", "SELECT")}
    # The owner takes back what MANAGE GRANTS gave of it, also where it became the owner later.
    admin.result("GRANT OWNERSHIP ON TABLE t TO ROLE reader COPY CURRENT GRANTS")
    reader.result("REVOKE SELECT ON TABLE t FROM ROLE other")
    admin.result("USE ROLE securityadmin")
    admin.result("GRANT SELECT ON TABLE alpha_db.public.t TO ROLE other")
    admin.result("USE ROLE accountadmin")
    assert {row["granted_by"] for row in admin.dicts("SHOW GRANTS ON TABLE t")} == {"READER"}
    reader.result("REVOKE SELECT ON TABLE t FROM ROLE other")
    assert held() == {("THIRD", "SELECT")}
    admin.result("GRANT SELECT ON TABLE u TO ROLE reader WITH GRANT OPTION")
    admin.result("GRANT SELECT ON TABLE u TO ROLE other")
    real = Grants.revoke
    monkeypatch.setattr(Grants, "revoke", lambda self, *given, **named: real(self, *given, **{**named, "by": None}))
    reader.result("REVOKE SELECT ON TABLE u FROM ROLE other")
    assert [row["grantee_name"] for row in admin.dicts("SHOW GRANTS ON TABLE u")] == ["ACCOUNTADMIN", "READER"]


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
    # "In standard schemas, the global MANAGE GRANTS privilege is required": their owner has it not.
    admin.result("CREATE SCHEMA mine")
    admin.result("GRANT OWNERSHIP ON SCHEMA mine TO ROLE reader")
    future = "GRANT SELECT ON FUTURE TABLES IN SCHEMA alpha_db.mine TO ROLE other"
    assert refused(reader, future).startswith("003102")
    admin.result("GRANT MANAGE GRANTS ON ACCOUNT TO ROLE reader")
    reader.result(future)
