"""What the procedures of a collaboration's life answer, and what older homes are brought to.

Sources: user-guide/cleanrooms/collaboration-api-reference (INITIALIZE, GET_STATUS, VIEW_COLLABORATIONS,
GET_CONFIGURATION, VIEW_REGISTRIES, VIEW_REGISTERED_TEMPLATES), user-guide/cleanrooms/registries,
sql-reference/sql/desc-application, sql-reference/sql/show-applications.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rooms_world import COLLABORATION, SQL_TEMPLATE, World
from test_rooms_runs import refused

from cleanroom_ml.engine.rooms.configuration import Configuration
from cleanroom_ml.engine.rooms.schema import SCHEMA
from cleanroom_ml.engine.storage.storage import Storage

pytestmark = pytest.mark.sandbox

STATUS = "UPDATED_ON COLLABORATOR_ACCOUNT COLLABORATOR_NAME ROLES STATUS DETAILS REGION"
REGISTERED = "TEMPLATE_ID NAME VERSION TEMPLATE_SPEC REGISTRY CREATED_ON"
APPLICATION = (
    "name source_organization source_account source_type source version version_label patch created_on "
    "last_upgraded_on upgrade_state upgrade_failure_reason comment"
)


def settings(party: Any) -> dict[str, tuple[str, str]]:
    rows = party.call("GET_CONFIGURATION", "lookalike")
    return {row["CONFIGURATION"]: (row["VALUE"], row["STATUS"]) for row in rows}


def test_columns_are_the_documented_ones(world: World) -> None:
    (row,) = world.publisher.call("INITIALIZE", COLLABORATION, "COMPUTE_WH")
    assert list(row) == ["COLLABORATION_NAME", "MESSAGE", "AUTO_JOIN_TASK"]
    rows = world.publisher.call("GET_STATUS", "lookalike")
    assert list(rows[0]) == STATUS.split()
    assert [(row["COLLABORATOR_NAME"], row["ROLES"]) for row in rows] == [
        ("pub", ["owner", "data_provider"]),
        ("adv", ["data_provider", "analysis_runner"]),
    ]
    (row,) = world.publisher.call("VIEW_COLLABORATIONS")
    assert list(row) == ["SOURCE_NAME", "COLLABORATION_NAME", "OWNER_ACCOUNT", "UPDATED_ON", "COLLABORATION_SPEC"]


def test_a_setting_is_pending_until_it_holds(joined: World, monkeypatch: pytest.MonkeyPatch) -> None:
    change = ("SET_CONFIGURATION", "lookalike", "ALLOW_ML_JOBS_MONITORING", "false")
    with monkeypatch.context() as patch:  # the engine is killed as soon as it is on disk
        patch.setattr(Configuration, "apply_pending", lambda self: None)
        joined.publisher.call(*change)
        joined.advertiser.call("SET_CONFIGURATION", "lookalike", "TEMPLATE_AUTO_APPROVAL", "true")
    assert settings(joined.publisher) == {
        "TEMPLATE_AUTO_APPROVAL": ("false", "ACTIVE"),
        "ALLOW_ML_JOBS_MONITORING": ("true", "PENDING"),
    }
    assert settings(joined.advertiser)["TEMPLATE_AUTO_APPROVAL"] == ("false", "PENDING")
    joined.rooms.recover()
    assert settings(joined.advertiser) == {
        "TEMPLATE_AUTO_APPROVAL": ("true", "ACTIVE"),
        "ALLOW_ML_JOBS_MONITORING": ("false", "ACTIVE"),
    }


def test_registries_hold_one_type_each_and_the_default_one_any(world: World) -> None:
    party = world.publisher
    party.call("CREATE_REGISTRY", "Sales", "TEMPLATE")
    party.call("CREATE_REGISTRY", "Data", "DATA OFFERING")
    assert [row["REGISTRY_NAME"] for row in party.call("VIEW_REGISTRIES")] == ["default", "Data", "Sales"]
    assert "RegistryAlreadyExistsException" in refused(party, "CREATE_REGISTRY", "SALES", "TEMPLATE")
    assert "RegistryAlreadyExistsException" in refused(party, "CREATE_REGISTRY", "default", "TEMPLATE")
    for kind in ("CODE SPEC", "ANYTHING", None):
        assert "one type" in refused(party, "CREATE_REGISTRY", "x", kind)
    assert "holds DATA OFFERING" in refused(party, "REGISTER_TEMPLATE", "data", SQL_TEMPLATE)
    assert "RegistryNotFoundException" in refused(party, "REGISTER_TEMPLATE", "nowhere", SQL_TEMPLATE)
    party.call("REGISTER_TEMPLATE", "sales", SQL_TEMPLATE)
    party.call("REGISTER_TEMPLATE", SQL_TEMPLATE.replace("name: count", "name: other"))
    assert "TemplateAlreadyExistsException" in refused(party, "REGISTER_TEMPLATE", SQL_TEMPLATE), "in any registry"
    (row,) = party.call("VIEW_REGISTERED_TEMPLATES", ["SALES", "nowhere"])
    assert list(row) == REGISTERED.split()
    assert (row["TEMPLATE_ID"], row["REGISTRY"]) == ("count_v1", "Sales")
    (row,) = party.call("VIEW_REGISTERED_TEMPLATES", ["Default"])
    assert (row["TEMPLATE_ID"], row["REGISTRY"]) == ("other_v1", "default")
    assert [row["REGISTRY_NAME"] for row in world.advertiser.call("VIEW_REGISTRIES")] == ["default"], "an account's own"


def test_unregistering_lists_the_collaborations_by_their_names_here(joined: World) -> None:
    said = refused(joined.advertiser, "UNREGISTER_DATA_OFFERING", "redeemers_v1")
    assert "ResourceInUseException" in said
    assert "lookalike" in said
    joined.advertiser.call("UNLINK_DATA_OFFERING", "lookalike", "redeemers_v1", ["adv"])
    joined.advertiser.call("LINK_LOCAL_DATA_OFFERING", "lookalike", "redeemers_v1")
    assert "lookalike" in refused(joined.advertiser, "UNREGISTER_DATA_OFFERING", "redeemers_v1")
    joined.advertiser.call("LEAVE", "lookalike")
    joined.advertiser.call("UNREGISTER_DATA_OFFERING", "redeemers_v1")
    assert "ResourceNotFoundException" in refused(joined.stranger, "UNREGISTER_DATA_OFFERING", "sales_v1")


def test_an_application_is_told_of_as_documented(joined: World) -> None:
    told = dict(joined.rooms.describe_application(joined.advertiser.session, "SFDCR_LOOKALIKE").rows)
    assert set(told) >= set(APPLICATION.split())
    assert (told["source"], told["source_account"], told["upgrade_state"]) == ("lookalike", "PUBLISHER", "COMPLETE")
    (row,) = joined.advertiser.sql("SHOW APPLICATIONS LIKE 'sfdcr_%'")
    assert (row["name"], row["upgrade_state"], row["type"]) == ("SFDCR_LOOKALIKE", "COMPLETE", "NATIVE")
    assert joined.stranger.sql("SHOW APPLICATIONS") == []
    joined.advertiser.call("LEAVE", "lookalike")
    joined.advertiser.call("LEAVE", "lookalike")
    assert joined.advertiser.sql("SHOW APPLICATIONS") == []


def test_a_home_of_before_is_brought_to_this_version(tmp_path: Path) -> None:
    storage = Storage.open(tmp_path / "home", [SCHEMA])
    with storage.database.transaction() as connection:
        for table in ("room_reviews", "room_pending_settings", "room_request_runners"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("CREATE INDEX room_requests_open ON room_requests (collaboration)")
        connection.execute("UPDATE schema_versions SET version = 1 WHERE name = 'rooms'")
    storage.close()
    storage = Storage.open(tmp_path / "home", [SCHEMA])
    with storage.database.read() as connection:
        assert connection.execute("SELECT * FROM room_reviews").fetchall() == []
        assert connection.execute("SELECT * FROM room_pending_settings").fetchall() == []
    storage.close()
