"""Roles, privileges and grants, as docs.snowflake.com has them: security-access-control-overview (what roles need) and
-privileges (which privilege is for what), sql-reference/sql/grant-privilege, -/grant-ownership, -/use-secondary-roles,
-/show-grants, sql-reference/functions/current_secondary_roles and -/is_role_in_session.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from statements_client import Client
from statements_foreign import ABSENT, FOREIGN, INSIDE, OPEN, OWN, refused

from cleanroom_ml.engine.sql.binds import NO_BINDS
from cleanroom_ml.engine.sql.read.classify import classify
from cleanroom_ml.engine.sql.read.comment import Comment
from cleanroom_ml.engine.statements import policy
from cleanroom_ml.engine.statements.kind import Roles
from cleanroom_ml.engine.statements.kinds import role
from cleanroom_ml.engine.statements.registry import object_kinds, statement_kinds
from cleanroom_ml.engine.storage import samples
from cleanroom_ml.engine.storage.rights import Rights
from cleanroom_ml.engine.storage.roles import Roles as StoredRoles
from cleanroom_ml.engine.storage.storage import Storage


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
    # Policies have a role's test of their own (test_statements_policies.py).
    assert {node.__name__ for node in asking - tried} == {"Call", "Undrop", "CreatePolicy", "AlterPolicy"}
    for verb, field in (("DROP", "drop"), ("DESCRIBE", "describe"), ("ALTER", "alter")):
        kinds = {name for name, kind in object_kinds().items() if getattr(kind, field) is not None}
        of_others = {"COMPUTE POOL", "APPLICATION", *(name for name in kinds if name.endswith(" POLICY"))}
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
        # The sample tables are everybody's (test_statements_samples.py).
        listed = [row for row in reader.rows(f"SHOW {what} IN ACCOUNT") if samples.DATABASE not in row]
        assert listed == [], what
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
    monkeypatch.setattr(role, "require_not_above", lambda work, name: None)
    reader.result("GRANT ROLE accountadmin TO ROLE mine")


@pytest.mark.attack
def test_nobody_gives_a_role_that_has_more_than_he_has(
    reader: Client, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who owns a role, or manages grants, has not what the role was granted: ACCOUNTADMIN stays ACCOUNTADMIN's."""
    admin.result("GRANT CREATE ROLE ON ACCOUNT TO ROLE reader")
    reader.result("CREATE ROLE mine")
    admin.result("CREATE ROLE above")
    admin.result("GRANT ROLE accountadmin TO ROLE above")
    admin.result("GRANT ROLE above TO ROLE mine")
    ways = (
        "GRANT ROLE mine TO USER bob",
        "GRANT ROLE mine TO ROLE other",
        "GRANT OWNERSHIP ON ROLE mine TO ROLE reader",
    )
    managed = ("GRANT ROLE above TO USER bob", "GRANT OWNERSHIP ON TABLE t TO ROLE above COPY CURRENT GRANTS")
    for text in ways:
        assert "which is ACCOUNTADMIN's to give" in refused(reader, text), text
    admin.result("USE ROLE securityadmin")
    for text in (*ways, *managed):
        said = refused(admin, text.replace("TABLE t", "TABLE alpha_db.public.t"))
        assert "which is ACCOUNTADMIN's to give" in said, text
    admin.result("USE ROLE accountadmin")
    assert {row["grantee_name"] for row in admin.dicts("SHOW GRANTS OF ROLE above")} == {"MINE"}
    admin.result("GRANT ROLE above TO USER bob")
    monkeypatch.setattr(role, "require_not_above", lambda work, name: None)
    for text in ways:
        reader.result(text)


def test_a_role_becomes_another_roles(reader: Client, admin: Client) -> None:
    """sql-reference/sql/grant-ownership: of a role too; grants of it do not block that, and stay, are copied or go."""
    for text in (
        "CREATE ROLE kept",
        "CREATE ROLE third",
        "GRANT ROLE third TO ROLE kept WITH GRANT OPTION",
        "GRANT ROLE kept TO USER bob",
    ):
        admin.result(text)

    def given(name: str) -> set[tuple[str, str]]:
        return {(row["grantee_name"], row["granted_by"]) for row in admin.dicts(f"SHOW GRANTS OF ROLE {name}")}

    for text in (
        "GRANT OWNERSHIP ON ROLE kept TO ROLE reader",  # which is not its to give
        "GRANT OWNERSHIP ON ROLE sysadmin TO ROLE reader",
    ):
        assert "nsufficient privileges" in refused(reader, text), text
    admin.result("GRANT OWNERSHIP ON ROLE kept TO ROLE reader")
    (shown,) = admin.dicts("SHOW GRANTS ON ROLE kept")
    assert (shown["privilege"], shown["grantee_name"], shown["granted_by"]) == ("OWNERSHIP", "READER", "READER")
    assert (given("kept"), given("third")) == ({("BOB", "ACCOUNTADMIN")}, {("KEPT", "ACCOUNTADMIN")})
    # Its new owner's to give, and to hand on to a role that it has, and to no other one.
    reader.result("GRANT ROLE kept TO USER alpha_user")
    assert "nsufficient privileges" in refused(reader, "GRANT OWNERSHIP ON ROLE kept TO ROLE other")
    assert "nsufficient privileges" in refused(admin, "GRANT OWNERSHIP ON ROLE accountadmin TO ROLE reader")
    admin.result("USE ROLE securityadmin")
    admin.result("GRANT OWNERSHIP ON ROLE kept TO ROLE other COPY CURRENT GRANTS")
    admin.result("USE ROLE accountadmin")
    assert (given("kept"), given("third")) == ({("BOB", "OTHER"), ("ALPHA_USER", "OTHER")}, {("KEPT", "OTHER")})
    assert "nsufficient privileges" in refused(reader, "GRANT ROLE kept TO ROLE third")
    admin.result("GRANT OWNERSHIP ON ROLE kept TO ROLE reader REVOKE CURRENT GRANTS")
    assert (given("kept"), given("third")) == (set(), set())
    assert refused(admin, "GRANT OWNERSHIP ON ROLE nobody TO ROLE reader").startswith(ABSENT)
    assert "OWNERSHIP" in refused(admin, "REVOKE OWNERSHIP ON ROLE kept FROM ROLE reader")


@pytest.mark.attack
def test_a_role_is_granted_by_who_manages_grants_owns_it_or_was_given_it_to_pass_on(
    reader: Client, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """sql-reference/sql/grant-role, -/revoke-role: OWNERSHIP of the role, MANAGE GRANTS (SECURITYADMIN and higher), or
    WITH GRANT OPTION, for other roles only.
    """
    for text in ("CREATE ROLE third", "CREATE ROLE fourth"):
        admin.result(text)
    for text in (
        "GRANT ROLE samooha_app_role TO USER bob",
        "GRANT ROLE other TO ROLE third",
        "REVOKE ROLE reader FROM USER alpha_user",
    ):
        assert "MANAGE GRANTS on the account. USE ROLE SECURITYADMIN" in refused(reader, text), text
    # A user who has a role that may has it beside any other role (-/use-secondary-roles).
    reader.result("USE SECONDARY ROLES ALL")
    reader.result("GRANT ROLE samooha_app_role TO USER bob")
    reader.result("USE SECONDARY ROLES NONE")
    admin.result("USE ROLE securityadmin")
    admin.result("REVOKE ROLE samooha_app_role FROM USER bob")
    assert "nsufficient privileges" in refused(admin, "GRANT ROLE accountadmin TO USER bob")
    admin.result("GRANT ROLE other TO ROLE reader WITH GRANT OPTION")
    admin.result("USE ROLE accountadmin")
    assert "GRANT OPTION of a role that is granted to a user" in refused(
        admin, "GRANT ROLE other TO USER bob WITH GRANT OPTION"
    )
    reader.result("GRANT ROLE other TO ROLE third")
    admin.result("GRANT ROLE other TO ROLE fourth")
    for text in ("GRANT ROLE other TO USER bob", "REVOKE ROLE other FROM USER bob", "DROP ROLE other"):
        assert "nsufficient privileges" in refused(reader, text), text
    reader.result("REVOKE ROLE other FROM ROLE fourth")  # which it did not grant

    def members() -> set[tuple[str, str]]:
        return {(row["grantee_name"], row["granted_by"]) for row in admin.dicts("SHOW GRANTS OF ROLE other")}

    assert members() == {("READER", "ACCOUNTADMIN"), ("THIRD", "READER"), ("FOURTH", "ACCOUNTADMIN")}
    (shown,) = (row for row in admin.dicts("SHOW GRANTS TO ROLE reader") if row["name"] == "OTHER")
    assert (shown["privilege"], shown["grant_option"]) == ("USAGE", "true")
    for way in ("ROLE other FROM ROLE reader", "GRANT OPTION FOR ROLE other FROM ROLE reader RESTRICT"):
        assert refused(admin, f"REVOKE {way}").startswith("003036 SQL execution error: Dependent grant"), way
    admin.result("REVOKE GRANT OPTION FOR ROLE other FROM ROLE reader CASCADE")
    assert members() == {("READER", "ACCOUNTADMIN"), ("FOURTH", "ACCOUNTADMIN")}
    assert "nsufficient privileges" in refused(reader, "GRANT ROLE other TO ROLE third")
    monkeypatch.setattr(StoredRoles, "passing_on", lambda self, account, role: frozenset({"READER"}))
    reader.result("GRANT ROLE other TO ROLE third")


def test_a_new_database_is_its_makers(reader: Client, admin: Client) -> None:
    admin.result("GRANT CREATE DATABASE ON ACCOUNT TO ROLE reader")
    reader.result("CREATE DATABASE mine")
    reader.result("CREATE TABLE t (a INT)")
    reader.result("GRANT USAGE ON DATABASE mine TO ROLE public")
    owners = {row["name"]: row["owner"] for row in admin.dicts("SHOW DATABASES")}
    assert owners["MINE"] == "READER"
    assert refused(reader, "CREATE OR REPLACE DATABASE alpha_db").endswith("operate on database 'ALPHA_DB'")
    assert reader.session.database == "MINE"
