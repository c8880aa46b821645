"""Which role may call which procedure of the clean room: docs.snowflake.com, cleanrooms/collaboration-api-reference
("Access management procedures") and cleanrooms/manage-access; what is refused how: service-behaviour.
"""

from __future__ import annotations

import secrets

import pytest
from rooms_roles import BESIDE, ON_ACCOUNT, ON_COLLABORATION, admin, lesser, opened, refused
from rooms_world import ADVERTISED, CODE_SPEC, COLLABORATION, OFFERING, SQL_TEMPLATE, World
from test_rooms_activation import BLOCK, spec
from test_rooms_runs import give

from cleanroom_ml.engine.assembly.procedures import DATABASE, PROCEDURES
from cleanroom_ml.engine.rooms import activation, code_specs, offerings, privileges
from cleanroom_ml.engine.rooms.role_checks import RoleChecks, collaboration
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.storage.rights import Rights

# The page's table of GRANT_PRIVILEGE_ON_OBJECT_TO_ROLE, as it stands there: privilege → procedures enabled.


@pytest.mark.attack
@pytest.mark.sandbox
def test_each_privilege_opens_its_procedures_and_no_other(joined: World, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = lesser(joined, "ADVERTISER")
    own = joined.advertiser
    assert opened(joined, worker.session) == set(), "a role that was granted nothing may call nothing"
    wrong = {}
    for privilege, enabled in ON_COLLABORATION.items():
        admin(own, "GRANT_PRIVILEGE_ON_OBJECT_TO_ROLE", privilege, "COLLABORATION", "lookalike", "worker")
        if (found := opened(joined, worker.session)) != set(enabled.split()):
            wrong[privilege] = found ^ set(enabled.split())
        admin(own, "REVOKE_PRIVILEGE_ON_OBJECT_FROM_ROLE", privilege, "COLLABORATION", "lookalike", "worker")
    for text in BESIDE:
        own.sql(f"GRANT {text} ON ACCOUNT TO ROLE worker")
    for privilege, enabled in ON_ACCOUNT.items():
        admin(own, "GRANT_PRIVILEGE_ON_ACCOUNT_TO_ROLE", privilege.lower(), "WORKER")
        if (found := opened(joined, worker.session)) != set(enabled.split()):
            wrong[privilege] = found ^ set(enabled.split())
        admin(own, "REVOKE_PRIVILEGE_ON_ACCOUNT_FROM_ROLE", privilege, "worker")
    assert wrong == {}
    assert opened(joined, worker.session) == set()
    assert set(ON_COLLABORATION) == privileges.ON_OBJECT["COLLABORATION"]
    assert set(ON_ACCOUNT) == privileges.ON_ACCOUNT
    # Without the control the role calls what it likes.
    monkeypatch.setattr(RoleChecks, "check", lambda self, session, schema, procedure, args: args)
    assert worker.call("GET_STATUS", "lookalike") != []


@pytest.mark.attack
@pytest.mark.sandbox
def test_a_procedure_that_nobody_has_thought_of_is_not_for_every_role(
    joined: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = lesser(joined, "ADVERTISER")
    for privilege in ON_COLLABORATION:
        admin(joined.advertiser, "GRANT_PRIVILEGE_ON_OBJECT_TO_ROLE", privilege, "COLLABORATION", "lookalike", "worker")
    checks = joined.rooms.role_checks
    for schema in ("COLLABORATION", "CLEANROOM_ML.JOBS", "CLEANROOM_ML.APPROVALS"):
        with pytest.raises(SqlError, match="Insufficient privileges: BRAND_NEW needs the role SAMOOHA_APP_ROLE"):
            checks.check(worker.session, schema, "BRAND_NEW", ("lookalike",))
        app = lesser(joined, "ADVERTISER", "SAMOOHA_APP_ROLE2", "GRANT ROLE samooha_app_role TO ROLE samooha_app_role2")
        with pytest.raises(SqlError, match="CollaborationNotFoundException"):
            checks.check(app.session, schema, "BRAND_NEW", ("lookalike",))
        checks.check(app.session, schema, "BRAND_NEW", ("no_such",))
    for schema in ("ADMIN", "LIBRARY", "REGISTRY", "NO_SUCH"):
        with pytest.raises(SqlError, match="Insufficient privileges"):
            checks.check(worker.session, schema, "BRAND_NEW", ("x",))
    # Without the control a role with any privilege on the collaboration calls it.
    monkeypatch.setattr(RoleChecks, "_check_collaboration", lambda self, *_: None)
    assert checks.check(worker.session, "COLLABORATION", "BRAND_NEW", ("lookalike",)) == ("lookalike",)


@pytest.mark.attack
@pytest.mark.sandbox
def test_a_collaboration_is_there_for_its_role_alone(joined: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """service-behaviour, "Session": who joins owns SFDCR_<name>; another role sees an empty list, not an error."""
    own = joined.advertiser
    other = lesser(joined, "ADVERTISER", "OTHER")
    assert other.call("VIEW_COLLABORATIONS") == []
    assert other.sql("SHOW APPLICATIONS") == []
    assert own.sql("SHOW APPLICATIONS") != []
    with pytest.raises(SqlError, match="does not exist or not authorized"):
        other.sql("DESCRIBE APPLICATION sfdcr_lookalike")
    absent = "collaboration 'lookalike' does not exist or you are not part of it."
    app = lesser(joined, "ADVERTISER", "APP", "GRANT ROLE samooha_app_role TO ROLE app")
    for party in (other, app):
        for procedure, *args in (
            ("GET_STATUS", "lookalike"),
            ("RUN", "lookalike", "count_v1", [], [], {}),
            ("VIEW_TEMPLATES", "lookalike"),
            ("JOIN", "lookalike"),
        ):
            assert absent in refused(party, procedure, *args), procedure
    admin(own, "GRANT_PRIVILEGE_ON_OBJECT_TO_ROLE", "GET STATUS", "COLLABORATION", "lookalike", "other")
    assert [row["SOURCE_NAME"] for row in other.call("VIEW_COLLABORATIONS")] == ["lookalike"]
    assert other.call("GET_STATUS", "lookalike") != []
    said = refused(other, "VIEW_TEMPLATES", "lookalike")
    assert "Insufficient privileges: VIEW_TEMPLATES needs the role SAMOOHA_APP_ROLE, or one of: " in said
    assert "GRANT_PRIVILEGE_ON_OBJECT_TO_ROLE('VIEW TEMPLATES', 'COLLABORATION', 'lookalike', 'OTHER')" in said
    with pytest.raises(SqlError, match="another role's"):
        admin(other, "GRANT_PRIVILEGE_ON_OBJECT_TO_ROLE", "RUN", "COLLABORATION", "lookalike", "other")
    with pytest.raises(SqlError, match="needs the role ACCOUNTADMIN"):
        admin(other, "GRANT_PRIVILEGE_ON_ACCOUNT_TO_ROLE", "JOIN COLLABORATION", "other")
    # Without the control every role of the account sees what the account has joined.
    third = lesser(joined, "ADVERTISER", "THIRD")
    assert third.call("VIEW_COLLABORATIONS") == []
    monkeypatch.setattr(RoleChecks, "sees", lambda self, rights, member: True)
    assert [row["SOURCE_NAME"] for row in third.call("VIEW_COLLABORATIONS")] == ["lookalike"]
    assert third.sql("SHOW APPLICATIONS") != []


@pytest.mark.sandbox
def test_the_role_that_reviews_is_the_one_that_joins(world: World) -> None:
    world.publisher.call("INITIALIZE", COLLABORATION, "COMPUTE_WH")
    joiner = lesser(world, "ADVERTISER", "JOINER")
    own = world.advertiser
    assert joiner.call("VIEW_COLLABORATIONS") == []
    assert "CollaborationNotFoundException" in refused(joiner, "REVIEW", "lookalike", "LOCAL.PUBLISHER")
    admin(own, "GRANT_PRIVILEGE_ON_ACCOUNT_TO_ROLE", "JOIN COLLABORATION", "joiner")
    assert len(joiner.call("VIEW_COLLABORATIONS")) == 1, "an invitation is there for who may join"
    joiner.call("REVIEW", "lookalike", "LOCAL.PUBLISHER")
    assert "JOIN needs APPLY ROW ACCESS POLICY" in refused(joiner, "JOIN", "lookalike")
    for text in BESIDE:
        own.sql(f"GRANT {text} ON ACCOUNT TO ROLE joiner")
    # cleanrooms/collaboration-api-reference, JOIN: of an analysis runner that can activate data.
    said = refused(joiner, "JOIN", "lookalike")
    assert "GRANT_PRIVILEGE_ON_ACCOUNT_TO_ROLE('REGISTER DATA OFFERING', 'JOINER')" in said
    assert {row["STATUS"] for row in joiner.call("GET_STATUS", "lookalike")} == {"JOINED", "IN_REVIEW"}
    admin(own, "GRANT_PRIVILEGE_ON_ACCOUNT_TO_ROLE", "REGISTER DATA OFFERING", "joiner")
    joiner.call("JOIN", "lookalike")
    assert joiner.call("GET_STATUS", "lookalike") != []
    second = lesser(world, "ADVERTISER", "SECOND")
    admin(own, "GRANT_PRIVILEGE_ON_ACCOUNT_TO_ROLE", "JOIN COLLABORATION", "second")
    assert second.call("VIEW_COLLABORATIONS") == []
    assert "CollaborationNotFoundException" in refused(second, "REVIEW", "lookalike", "LOCAL.PUBLISHER")
    admin(joiner, "GRANT_PRIVILEGE_ON_OBJECT_TO_ROLE", "READ", "COLLABORATION", "lookalike", "second")
    assert second.call("GET_STATUS", "lookalike") != []


@pytest.mark.sandbox
def test_secondary_roles_must_be_off_where_it_says_so(world: World) -> None:
    """service-behaviour, "Session" and the text of SecondaryRolesNotSupported."""
    world.table("PUBLISHER", "CUSTOMERS", {"EMAIL_HASH": ["a" * 64], "CITY": ["Oslo"]})
    own = world.publisher
    own.sql("USE SECONDARY ROLES ALL")
    for procedure, *args in (
        ("REGISTER_DATA_OFFERING", OFFERING),
        ("JOIN", "lookalike"),
        ("LINK_DATA_OFFERING", "lookalike", "sales_v1", ["adv"]),
        ("LINK_LOCAL_DATA_OFFERING", "lookalike", "sales_v1"),
    ):
        assert refused(own, procedure, *args) == (
            "SecondaryRolesNotSupported: Secondary roles must be disabled before calling this procedure. "
            "Run 'USE SECONDARY ROLES NONE' and try again."
        ), procedure
    own.sql("USE SECONDARY ROLES NONE")
    own.call("REGISTER_DATA_OFFERING", OFFERING)


@pytest.mark.attack
@pytest.mark.sandbox
def test_data_is_offered_by_who_may_share_it(joined: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """service-behaviour, "Data grants": REFERENCE_USAGE … WITH GRANT OPTION, 003102, ReferenceUsageGrantMissing…."""
    own = joined.publisher
    analyst = lesser(joined, "PUBLISHER", "ANALYST", "GRANT ROLE samooha_app_role TO ROLE analyst")
    with joined.storage.database.read() as connection:
        (room,) = connection.execute("SELECT uid FROM room_collaborations").fetchone()
    joined.storage.grants.own("PUBLISHER", collaboration(room), "ANALYST")
    offering = OFFERING.replace("name: sales", "name: mine")
    assert "does not exist or not authorized" in refused(analyst, "REGISTER_DATA_OFFERING", offering)
    for text in (
        "GRANT USAGE ON DATABASE data TO ROLE analyst",
        "GRANT USAGE ON SCHEMA data.public TO ROLE analyst",
        "GRANT SELECT ON TABLE data.public.customers TO ROLE analyst",
    ):
        own.sql(text)
    said = refused(analyst, "REGISTER_DATA_OFFERING", offering)
    assert said.startswith("DatasetReferenceUsageWithGrantOptionMissingError: The current role 'ANALYST' does not have")
    assert "GRANT REFERENCE_USAGE ON DATABASE DATA TO ROLE ANALYST WITH GRANT OPTION" in said
    with monkeypatch.context() as patch:  # without the controls it offers, and shares, what it may only read
        for control in ("require_offered", "require_shareable", "require_reference_usage"):
            patch.setattr(offerings, control, lambda *_: None)
        analyst.call("REGISTER_DATA_OFFERING", OFFERING.replace("name: sales", "name: taken"))
        analyst.call("LINK_DATA_OFFERING", "lookalike", "taken_v1", ["adv"])
    own.sql("GRANT REFERENCE_USAGE ON DATABASE data TO ROLE analyst WITH GRANT OPTION")
    analyst.call("REGISTER_DATA_OFFERING", offering)
    link = ("LINK_DATA_OFFERING", "lookalike", "mine_v1", ["adv"])
    for text in (
        "GRANT USAGE ON DATABASE data TO ROLE analyst WITH GRANT OPTION",
        "GRANT USAGE ON SCHEMA data.public TO ROLE analyst WITH GRANT OPTION",
        "GRANT SELECT ON TABLE data.public.customers TO ROLE analyst WITH GRANT OPTION",
    ):
        assert refused(analyst, *link).startswith("Grant not executed: Insufficient privileges.")
        own.sql(text)
    said = refused(analyst, *link)
    assert said.startswith("ReferenceUsageGrantMissingException: ")
    assert "databases: ['DATA']" in said
    statement = said.partition("Run: ")[2].rstrip(";")
    assert statement == "GRANT REFERENCE_USAGE ON DATABASE DATA TO SHARE SCO_DATA_OFFERINGS_LOOKALIKE"
    analyst.sql(statement)
    analyst.call(*link)


@pytest.mark.attack
@pytest.mark.sandbox
def test_a_view_that_is_offered_reads_what_its_owner_may(joined: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was taken from a role is no more to be had by a view that the role made before, offered to a clean room."""
    own = joined.publisher
    analyst = lesser(
        joined,
        "PUBLISHER",
        "ANALYST",
        "GRANT USAGE ON DATABASE data TO ROLE analyst",
        "GRANT USAGE, CREATE VIEW ON SCHEMA data.public TO ROLE analyst",
        "GRANT SELECT ON TABLE data.public.customers TO ROLE analyst",
    )
    analyst.sql("CREATE VIEW data.public.peek AS SELECT email_hash, city FROM data.public.customers")
    offering = OFFERING.replace("name: sales", "name: peek").replace("PUBLIC.CUSTOMERS", "PUBLIC.PEEK")
    own.call("REGISTER_DATA_OFFERING", offering)
    own.sql("REVOKE SELECT ON TABLE data.public.customers FROM ROLE analyst")
    again = offering.replace("version: v1", "version: v2")
    assert "does not exist or not authorized" in refused(own, "REGISTER_DATA_OFFERING", again)
    monkeypatch.setattr(Rights, "reaches", lambda self, privilege, thing: True)
    own.call("REGISTER_DATA_OFFERING", again)


@pytest.mark.attack
@pytest.mark.sandbox
def test_code_is_registered_from_stages_that_one_may_read(joined: World, monkeypatch: pytest.MonkeyPatch) -> None:
    joined.stage("PUBLISHER", {"model/train.py": "print(1)\n"})
    coder = lesser(
        joined,
        "PUBLISHER",
        "CODER",
        "GRANT USAGE ON DATABASE data TO ROLE coder",
        "GRANT USAGE ON SCHEMA data.public TO ROLE coder",
    )
    admin(joined.publisher, "GRANT_PRIVILEGE_ON_ACCOUNT_TO_ROLE", "REGISTER CODE SPEC", "coder")
    plain = CODE_SPEC.replace("    pip_requirements: [pandas, xgboost]\n", "")
    assert refused(coder, "REGISTER_CODE_SPEC", plain) == (
        "CodeSpecStageNotAccessibleError: the stage of @DATA.PUBLIC.CODE/model does not exist or is not authorized."
    )
    with monkeypatch.context() as patch:  # without the control it registers, and may then run, what it may not read
        patch.setattr(code_specs, "require_stages", lambda *_: None)
        coder.call("REGISTER_CODE_SPEC", plain.replace("version: v1", "version: taken"))
    joined.publisher.sql("GRANT READ ON STAGE data.public.code TO ROLE coder")
    coder.call("REGISTER_CODE_SPEC", plain)


@pytest.mark.attack
@pytest.mark.sandbox
def test_a_registry_is_its_makers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """cleanrooms/registries, manage-access: READ and REGISTER on a custom registry."""
    own = world.publisher
    maker, reader = lesser(world, "PUBLISHER", "MAKER"), lesser(world, "PUBLISHER", "READER")
    template = SQL_TEMPLATE
    assert "CREATE_REGISTRY needs" in refused(maker, "CREATE_REGISTRY", "eu", "TEMPLATE")
    admin(own, "GRANT_PRIVILEGE_ON_ACCOUNT_TO_ROLE", "CREATE REGISTRY", "maker")
    maker.call("CREATE_REGISTRY", "eu", "TEMPLATE")
    maker.call("REGISTER_TEMPLATE", "eu", template)
    own.call("REGISTER_TEMPLATE", template.replace("name: count", "name: default_one"))
    assert [row["NAME"] for row in maker.call("VIEW_REGISTERED_TEMPLATES")] == ["count"], "not those of DEFAULT"
    assert "VIEW_REGISTERED_TEMPLATES needs" in refused(reader, "VIEW_REGISTERED_TEMPLATES")
    admin(own, "GRANT_PRIVILEGE_ON_ACCOUNT_TO_ROLE", "VIEW REGISTERED TEMPLATES", "reader")
    for asked in ((), (["eu"],), (["default", "eu"],)):
        found = {row["NAME"] for row in reader.call("VIEW_REGISTERED_TEMPLATES", *asked)}
        assert found == ({"default_one"} if asked != (["eu"],) else set()), asked
    assert "you have no registry 'EU'" in refused(reader, "REGISTER_TEMPLATE", "eu", template)
    admin(maker, "GRANT_PRIVILEGE_ON_OBJECT_TO_ROLE", "READ", "REGISTRY", "eu", "reader")
    assert {row["NAME"] for row in reader.call("VIEW_REGISTERED_TEMPLATES")} == {"count", "default_one"}
    assert [row["REGISTRY_NAME"] for row in reader.call("VIEW_REGISTRIES")] == ["default", "eu"]
    assert "REGISTER on registry EU is needed" in refused(reader, "REGISTER_TEMPLATE", "eu", template)
    assert "REGISTER on registry EU is needed" in refused(reader, "UNREGISTER_TEMPLATE", "count_v1")
    with monkeypatch.context() as patch:  # without the control who may only read in it registers in it
        patch.setattr(RoleChecks, "_check_registry", lambda self, *_: None)
        reader.call("REGISTER_TEMPLATE", "eu", template.replace("name: count", "name: slipped_in"))
    with pytest.raises(SqlError, match="another role's"):
        admin(reader, "GRANT_PRIVILEGE_ON_OBJECT_TO_ROLE", "REGISTER", "REGISTRY", "eu", "reader")
    admin(maker, "GRANT_PRIVILEGE_ON_OBJECT_TO_ROLE", "REGISTER", "REGISTRY", "eu", "reader")
    reader.call("UNREGISTER_TEMPLATE", "count_v1")


@pytest.mark.sandbox
def test_what_one_can_ask_of_privileges(world: World) -> None:
    """CHECK_PRIVILEGES and CHECK_MOUNT_STATUS as public consoles read them: PRIVILEGE, HAS_PRIVILEGE; true."""
    worker = lesser(world, "PUBLISHER")
    admin(world.publisher, "GRANT_PRIVILEGE_ON_ACCOUNT_TO_ROLE", "REGISTER TEMPLATE", "worker")
    rows = admin(worker, "CHECK_PRIVILEGES", ["CREATE COLLABORATION", "REGISTER TEMPLATE"])
    assert [(row["PRIVILEGE"], row["HAS_PRIVILEGE"]) for row in rows] == [
        ("CREATE COLLABORATION", False),
        ("REGISTER TEMPLATE", True),
    ]
    assert all(row["HAS_PRIVILEGE"] for row in admin(world.publisher, "CHECK_PRIVILEGES", ["JOIN COLLABORATION"]))
    nobody = lesser(world, "PUBLISHER", "NOBODY")
    call = "CALL samooha_by_snowflake_local_db.library.check_mount_status()"
    assert [party.sql(call)[0]["CHECK_MOUNT_STATUS"] for party in (world.publisher, worker, nobody)] == [
        True, True, False
    ]  # fmt: skip
    for args in (("NO SUCH", "worker"), ("READ", "worker"), ("JOIN COLLABORATION", "no_such")):
        with pytest.raises(SqlError, match=r"is no privilege on the account|Role 'NO_SUCH' does not exist"):
            admin(world.publisher, "GRANT_PRIVILEGE_ON_ACCOUNT_TO_ROLE", *args)


@pytest.mark.sandbox
def test_updating_the_clean_rooms_is_the_app_roles_to_ask(world: World) -> None:
    """docs.snowflake.com, cleanrooms/managing-updates: both in the role SAMOOHA_APP_ROLE; they take no arguments."""
    nobody = lesser(world, "PUBLISHER", "NOBODY")
    for name in ("library.enable_local_db_auto_upgrades", "library.apply_patch"):
        call = f"CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.{name}()"
        assert "is installed" in world.publisher.sql(call)[0][name.partition(".")[2].upper()]
        with pytest.raises(SqlError, match=r"[Ii]nsufficient privileges"):
            nobody.sql(call)


@pytest.mark.parametrize("call", ["ADMIN.ENABLE_EXTERNAL_TABLE_ANALYSIS_FOR_COLLABORATION('x')",
                                  "REGISTRY.REGISTER_STANDARD_DCR_TEMPLATES()"])  # fmt: skip
@pytest.mark.sandbox
def test_what_is_documented_and_not_here_is_refused_by_name(world: World, call: str) -> None:
    """cleanrooms/collaboration-api-reference; cleanrooms/collab-overlap-and-activation, "Prerequisites"."""
    with pytest.raises(SqlError, match=rf"does not support {call.partition('(')[0]}: ") as refused:
        world.publisher.sql(f"CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.{call}")
    assert refused.value.sqlstate == "0A000"


@pytest.mark.sandbox
def test_what_can_be_called_is_shown(world: World) -> None:
    rows = world.publisher.sql("SHOW PROCEDURES IN DATABASE samooha_by_snowflake_local_db")
    shown = {(row["catalog_name"], row["schema_name"], row["name"]) for row in rows}
    assert shown == {(DATABASE, schema, name) for schema, names in PROCEDURES.items() for name in names}
    assert {row["catalog_name"] for row in world.publisher.sql("SHOW PROCEDURES")} == {DATABASE, "CLEANROOM_ML"}
    (run,) = world.publisher.sql(f"SHOW PROCEDURES LIKE 'run' IN SCHEMA {DATABASE}.collaboration")
    assert (run["min_num_arguments"], run["max_num_arguments"]) == (2, 5)
    described = world.publisher.sql(f"DESCRIBE PROCEDURE {DATABASE}.collaboration.join(VARCHAR)")
    assert described[0] == {"property": "signature", "value": "(VARIANT)"}
    with pytest.raises(SqlError, match=r"Procedure .* does not exist or not authorized"):
        world.publisher.sql(f"DESCRIBE PROCEDURE {DATABASE}.collaboration.no_such(VARCHAR)")


@pytest.mark.attack
@pytest.mark.sandbox
def test_a_lesser_role_reaches_no_data_by_a_run(joined: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A role that may RUN reads what was linked, by approved templates; not the account's tables."""
    worker = lesser(joined, "ADVERTISER")
    admin(joined.advertiser, "GRANT_PRIVILEGE_ON_OBJECT_TO_ROLE", "RUN", "COLLABORATION", "lookalike", "worker")
    for text in (
        "SELECT * FROM data.public.customers",
        "SELECT * FROM IDENTIFIER('data.public.customers')",
        "CREATE TEMPORARY TABLE data.public.x AS SELECT * FROM data.public.customers",
        "SELECT * FROM sfdcr_lookalike.cleanroom.x",
    ):
        with pytest.raises(SqlError, match="does not exist or not authorized"):
            worker.executor.execute(worker.session, text, query_id=secrets.token_hex(8))
    assert "Insufficient privileges" in refused(worker, "REGISTER_DATA_OFFERING", ADVERTISED.replace("v1", "v9"))
    assert "Insufficient privileges" in refused(worker, "LINK_LOCAL_DATA_OFFERING", "lookalike", "redeemers_v1")
    # Without the control its session has whatever the account has.
    everything = frozenset({"ACCOUNTADMIN"})
    monkeypatch.setattr(
        Rights,
        "of_session",
        classmethod(lambda cls, storage, session: cls(storage, session.account, everything, "ACCOUNTADMIN")),
    )
    assert worker.sql("SELECT COUNT(*) AS N FROM data.public.customers") == [{"N": 2}]
    worker.call("REGISTER_DATA_OFFERING", ADVERTISED.replace("v1", "v9"))


@pytest.mark.attack
@pytest.mark.sandbox
def test_activated_rows_do_not_land_in_another_roles_table(joined: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A role that makes the table beforehand would own what the collaboration's role receives."""
    give(joined, BLOCK, name="act", kind="sql_activation")
    joined.advertiser.call("RUN", "lookalike", spec())
    waiting = lesser(joined, "PUBLISHER", "WAITING", "GRANT CREATE DATABASE ON ACCOUNT TO ROLE waiting")
    for text in (
        "CREATE DATABASE lookalike",
        "CREATE SCHEMA activation",
        "CREATE TABLE segment_records (batch_id VARCHAR, segment_name VARCHAR, template_id VARCHAR, shared_by VARCHAR,"
        " updated_on TIMESTAMP_NTZ, records VARIANT)",
    ):
        waiting.sql(text)
    assert "is another role's than the collaboration" in refused(
        joined.publisher, "PROCESS_ACTIVATION", "lookalike", "q1"
    )
    assert waiting.sql("SELECT count(*) AS N FROM lookalike.activation.segment_records") == [{"N": 0}]
    monkeypatch.setattr(activation, "receive", lambda *_: True)
    joined.publisher.call("PROCESS_ACTIVATION", "lookalike", "q1")
    assert waiting.sql("SELECT count(*) AS N FROM lookalike.activation.segment_records") != [{"N": 0}]
