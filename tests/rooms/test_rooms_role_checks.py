"""The corners of who may do what in a clean room: cleanrooms/manage-access, cleanrooms/registries."""

from __future__ import annotations

import pytest
from rooms_roles import admin, lesser, refused
from rooms_world import COLLABORATION, SQL_TEMPLATE, World
from snowflake.connector.errors import ProgrammingError

from cleanroom_ml.connection.errors import from_connector
from cleanroom_ml.engine.rooms import privileges, role_checks
from cleanroom_ml.engine.rooms.access import Member, key_of
from cleanroom_ml.engine.rooms.caller_rights import require_stages
from cleanroom_ml.engine.rooms.column_guard import ColumnGuard
from cleanroom_ml.engine.rooms.policies import Use
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.storage.rights import Rights


@pytest.mark.parametrize(
    ("procedure", "privilege"),
    [
        ("VIEW_TEMPLATES", "VIEW TEMPLATES"),
        ("VIEW_UPDATE_REQUESTS", "VIEW UPDATE REQUESTS"),
        ("RUN", "RUN"),
        ("JOIN", "JOIN COLLABORATION"),
        ("REVIEW", "REVIEW COLLABORATION"),
        ("INITIALIZE", "CREATE COLLABORATION"),
    ],
)
def test_who_may_not_is_told_the_command_that_grants_the_least(procedure: str, privilege: str) -> None:
    error = role_checks.refused(procedure, "ANALYST", privileges.COLLABORATION[procedure], "lookalike")
    fix = from_connector(ProgrammingError(msg=error.message, errno=error.code)).fix
    assert fix == f'cleanroom-ml grant "{privilege}" --to ANALYST'


@pytest.mark.sandbox
def test_registries_and_collaborations_of_lesser_roles(world: World) -> None:
    own = world.publisher
    maker, writer = lesser(world, "PUBLISHER", "MAKER"), lesser(world, "PUBLISHER", "WRITER")
    admin(own, "GRANT_PRIVILEGE_ON_ACCOUNT_TO_ROLE", "CREATE REGISTRY", "maker")
    maker.call("CREATE_REGISTRY", "eu", "TEMPLATE")
    maker.call("REGISTER_TEMPLATE", "eu", SQL_TEMPLATE)
    checks, rights = world.rooms.role_checks, lambda: Rights.of_session(world.storage, writer.session)
    with pytest.raises(SqlError, match="you have no registry"):
        checks._check_registry(rights(), writer.session, key_of("eu", "registry"), "READ")
    admin(maker, "GRANT_PRIVILEGE_ON_OBJECT_TO_ROLE", "REGISTER", "REGISTRY", "eu", "writer")
    checks._check_registry(rights(), writer.session, key_of("eu", "registry"), "READ")  # REGISTER reads too
    assert "REGISTER_TEMPLATE needs" in refused(writer, "REGISTER_TEMPLATE", "default", SQL_TEMPLATE)
    assert "must be" in refused(writer, "VIEW_REGISTERED_TEMPLATES", 7)
    # A path that names no stage is for registration to refuse; it opens none.
    require_stages(world.storage, writer.session, {"stage_path": "@1 2.3/x", "more": [{"stage_code_dir": "@x/y"}]})
    with pytest.raises(SqlError, match="does not exist or is not authorized"):
        require_stages(world.storage, writer.session, {"artifacts": [{"stage_path": "@d.s.code/main.py"}]})
    # Who owns a collaboration gives privileges on it as long as it may create or join some.
    own.call("INITIALIZE", COLLABORATION, "COMPUTE_WH")
    joiner = lesser(world, "ADVERTISER", "JOINER")
    lesser(world, "ADVERTISER", "OTHER")
    admin(world.advertiser, "GRANT_PRIVILEGE_ON_ACCOUNT_TO_ROLE", "JOIN COLLABORATION", "joiner")
    joiner.call("REVIEW", "lookalike", "LOCAL.PUBLISHER")
    given = ("GET STATUS", "COLLABORATION", "lookalike", "other")
    admin(joiner, "GRANT_PRIVILEGE_ON_OBJECT_TO_ROLE", *given)
    admin(world.advertiser, "REVOKE_PRIVILEGE_ON_ACCOUNT_FROM_ROLE", "JOIN COLLABORATION", "joiner")
    with pytest.raises(SqlError, match="it needs CREATE COLLABORATION or JOIN COLLABORATION"):
        admin(joiner, "GRANT_PRIVILEGE_ON_OBJECT_TO_ROLE", *given)
    # What one has nothing on is not there, and what is asked of it is a list of privileges.
    nobody = lesser(world, "ADVERTISER", "NOBODY")
    for kind, name, said in (
        ("COLLABORATION", "lookalike", "does not exist or you are not part of it"),
        ("REGISTRY", "eu", "you have no registry"),
        ("TABLE", "t", "must be COLLABORATION or REGISTRY"),
        (7, "t", "must be COLLABORATION or REGISTRY"),
    ):
        with pytest.raises(SqlError, match=said):
            admin(nobody, "GRANT_PRIVILEGE_ON_OBJECT_TO_ROLE", "READ", kind, name, "other")
    for asked in (7, [], ["READ"] * 101):
        with pytest.raises(SqlError, match="array of 1 to 100 names"):
            admin(nobody, "CHECK_PRIVILEGES", asked)


@pytest.mark.parametrize("name", [7, None, "a" * 601, "not a name"])
def test_what_is_no_name_is_refused(name: object) -> None:
    with pytest.raises(SqlError, match="must be a name"):
        key_of(name, "collaboration name")


def test_a_collaboration_that_is_not_installed_has_no_application() -> None:
    member = Member("uid", "room", "OWNER", "ALPHA", "a", "A", False, None, None, "INVITED")
    with pytest.raises(ValueError, match="not installed"):
        assert member.application


def test_a_job_may_use_what_no_view_forbids() -> None:
    allowed = Use("join_policy", "p", "EMAIL", forbidden=False, vouched=True)
    ColumnGuard([allowed], [], "ALPHA").refuse_all()
    with pytest.raises(SqlError, match="every view that the job can read"):
        ColumnGuard([allowed, allowed._replace(forbidden=True)], [], "ALPHA").refuse_all()
