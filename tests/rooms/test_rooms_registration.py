"""What can be registered, by whom, and what registration checks."""

from __future__ import annotations

from typing import Any

import pytest
from rooms_world import CODE_SPEC, JOB_TEMPLATE, OFFERING, SQL_TEMPLATE, World
from test_rooms_runs import refused

pytestmark = pytest.mark.sandbox


def customers(world: World, **columns: list[Any]) -> None:
    world.table("PUBLISHER", "CUSTOMERS", {"EMAIL_HASH": ["a" * 64], "CITY": ["Oslo"], **columns})


def test_an_offering_is_registered_once_and_never_overwritten(world: World) -> None:
    customers(world)
    assert world.publisher.value("REGISTER_DATA_OFFERING", OFFERING) == "sales_v1"
    assert "AlreadyExists" in refused(world.publisher, "REGISTER_DATA_OFFERING", OFFERING)
    assert world.publisher.value("REGISTER_DATA_OFFERING", OFFERING.replace("version: v1", "version: v2")) == "sales_v2"
    assert [row["DATA_OFFERING_ID"] for row in world.publisher.call("VIEW_REGISTERED_DATA_OFFERINGS")] == [
        "sales_v1",
        "sales_v2",
    ]
    assert world.advertiser.call("VIEW_REGISTERED_DATA_OFFERINGS") == []


@pytest.mark.parametrize("values", [["not a hash"], ["a" * 63], ["a" * 64, "x"]])
def test_values_must_have_the_format_of_their_column_type(world: World, values: list[str]) -> None:
    customers(world, EMAIL_HASH=values, CITY=["Oslo"] * len(values))
    message = refused(world.publisher, "REGISTER_DATA_OFFERING", OFFERING)
    assert "1 values of EMAIL_HASH are no hashed_email_sha256" in message
    assert "look like" not in message
    assert "not a hash" not in message, "never a value out of the data"


def test_values_of_another_form_of_the_same_thing_are_told_what_they_look_like(world: World) -> None:
    """Base64 of a hash, as the sample tables have it, was only told to be no hexadecimal."""
    customers(world, EMAIL_HASH=["A" * 43 + "=", None], CITY=["Oslo"] * 2)
    message = refused(world.publisher, "REGISTER_DATA_OFFERING", OFFERING)
    assert "1 values of EMAIL_HASH are no hashed_email_sha256: they look like hashed_email_b64_encoded" in message


def test_nulls_are_no_values(world: World) -> None:
    customers(world, EMAIL_HASH=["a" * 64, None], CITY=["Oslo", None])
    world.publisher.call("REGISTER_DATA_OFFERING", OFFERING)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("      city: ", "      town: ", "column TOWN is not in DATA.PUBLIC.CUSTOMERS"),
        ("DATA.PUBLIC.CUSTOMERS", "DATA.PUBLIC.NOTHING", "does not exist or not authorized"),
        ("category: passthrough", "category: anything", "SpecValidationError"),
    ],
)
def test_a_bad_offering_is_refused(world: World, old: str, new: str, says: str) -> None:
    customers(world)
    assert says in refused(world.publisher, "REGISTER_DATA_OFFERING", OFFERING.replace(old, new))


@pytest.mark.attack
def test_another_accounts_table_cannot_be_offered(world: World) -> None:
    customers(world)
    assert "does not exist or not authorized" in refused(world.stranger, "REGISTER_DATA_OFFERING", OFFERING)


@pytest.mark.attack
def test_the_rooms_own_tables_cannot_be_offered(joined: World) -> None:
    fqn = OFFERING.replace("DATA.PUBLIC.CUSTOMERS", "SFDCR_LOOKALIKE.CLEANROOM.SCORES").replace(
        "name: sales", "name: leak"
    )
    assert "does not exist or not authorized" in refused(joined.advertiser, "REGISTER_DATA_OFFERING", fqn)


def test_what_is_linked_cannot_be_unregistered(joined: World) -> None:
    message = refused(joined.publisher, "UNREGISTER_DATA_OFFERING", "sales_v1")
    assert "used in: lookalike" in message
    joined.publisher.call("UNLINK_DATA_OFFERING", "lookalike", "sales_v1", ["adv"])
    joined.publisher.call("UNREGISTER_DATA_OFFERING", "sales_v1")


def test_linking_is_for_ones_own_offerings_and_runners(joined: World) -> None:
    assert "have not registered" in refused(
        joined.publisher, "LINK_DATA_OFFERING", "lookalike", "redeemers_v1", ["adv"]
    )
    assert "ProviderNotServingAnalysisRunner" in refused(
        joined.publisher, "LINK_DATA_OFFERING", "lookalike", "sales_v1", ["pub"]
    )
    assert "AlreadyLinked" in refused(joined.publisher, "LINK_DATA_OFFERING", "lookalike", "sales_v1", ["adv"])


def test_offerings_are_seen_by_runner_and_provider(joined: World) -> None:
    names = [row["TEMPLATE_VIEW_NAME"] for row in joined.advertiser.call("VIEW_DATA_OFFERINGS", "lookalike")]
    assert names == ["adv.redeemers_v1.people", "pub.sales_v1.customers"]
    (row,) = joined.publisher.call("VIEW_DATA_OFFERINGS", "lookalike")
    assert row["TEMPLATE_JOIN_COLUMNS"] == row["ACTIVATION_ALLOWED_COLUMNS"] == ["HASHED_EMAIL_SHA256"]
    assert row["ANALYSIS_ALLOWED_COLUMNS"] == ["CITY"]


def test_registries_hold_one_kind(world: World) -> None:
    world.publisher.call("CREATE_REGISTRY", "mine", "TEMPLATE")
    world.publisher.call("REGISTER_TEMPLATE", "mine", SQL_TEMPLATE)
    assert world.publisher.call("VIEW_REGISTERED_TEMPLATES", ["default", "unknown"]) == []
    assert [row["TEMPLATE_ID"] for row in world.publisher.call("VIEW_REGISTERED_TEMPLATES", ["MINE"])] == ["count_v1"]
    customers(world)
    assert "holds TEMPLATE" in refused(world.publisher, "REGISTER_DATA_OFFERING", "mine", OFFERING)


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("CODE/model", "NOWHERE/model", "CodeSpecStageNotAccessibleError"),
        ("CODE/model", "CODE/other", "CodeSpecArtifactNotFoundAtStageError"),
        ("train.py", "main.py", "CodeSpecArtifactNotFoundAtStageError"),
        ("xgboost]", "no_such_package]", "RequirementNotSatisfiedError"),
        ("xgboost]", "'pandas<1']", "RequirementNotSatisfiedError"),
        ("xgboost]", "'x @ https://evil.example/x.whl']", "SpecValidationError"),
    ],
)
def test_a_code_spec_that_cannot_run_is_refused(world: World, old: str, new: str, name: str) -> None:
    world.stage("PUBLISHER", {"model/train.py": "print(1)\n"})
    assert refused(world.publisher, "REGISTER_CODE_SPEC", CODE_SPEC.replace(old, new)).startswith(f"{name}:")


def test_a_stage_must_have_a_directory_that_was_refreshed(world: World) -> None:
    key = world.stage("PUBLISHER", {"model/train.py": "print(1)\n"})
    world.stage("PUBLISHER", {"model/new.py": ""}, refresh=False)
    assert "REFRESH" in refused(world.publisher, "REGISTER_CODE_SPEC", CODE_SPEC)
    world.storage.stages.set_directory(key, False)
    assert refused(world.publisher, "REGISTER_CODE_SPEC", CODE_SPEC).startswith("StageDirectoryNotEnabledError")


@pytest.mark.attack
def test_another_accounts_stage_is_not_accessible(world: World) -> None:
    world.stage("PUBLISHER", {"model/train.py": "print(1)\n"})
    assert refused(world.stranger, "REGISTER_CODE_SPEC", CODE_SPEC).startswith("CodeSpecStageNotAccessibleError")


def test_too_many_files(world: World) -> None:
    world.stage("PUBLISHER", {"model/train.py": "", **{f"model/f{n}.txt": "" for n in range(500)}})
    assert "at most 500 files" in refused(world.publisher, "REGISTER_CODE_SPEC", CODE_SPEC)


def test_registered_code_outlives_its_stage(world: World) -> None:
    key = world.stage("PUBLISHER", {"model/train.py": "print(1)\n"})
    world.publisher.call("REGISTER_CODE_SPEC", CODE_SPEC)
    (row,) = world.publisher.call("VIEW_REGISTERED_CODE_SPECS")
    assert "content_manifest" in row["CODE_SPEC"]
    world.storage.stages.drop(key)
    world.storage.collect_garbage(0)
    resource = world.rooms.registries.find("PUBLISHER", "CODE SPEC", "model_v1")
    assert resource is not None
    world.rooms.code_specs.check_pinned(resource.detail["ml_jobs"])


def test_templates_name_code_specs_that_are_registered(world: World) -> None:
    assert refused(world.publisher, "REGISTER_TEMPLATE", JOB_TEMPLATE).startswith("CodeSpecNotFoundForOwnerException")
    world.stage("PUBLISHER", {"model/train.py": "print(1)\n"})
    world.publisher.call("REGISTER_CODE_SPEC", CODE_SPEC)
    other = JOB_TEMPLATE.replace("model$train", "model$score")
    assert "unknown code spec callables: 'model$score'" in refused(world.publisher, "REGISTER_TEMPLATE", other)
    by_id = JOB_TEMPLATE.replace("model$train", "model_v1$train")
    assert "looks like a code spec ID" in refused(world.publisher, "REGISTER_TEMPLATE", by_id)
    assert world.publisher.value("REGISTER_TEMPLATE", JOB_TEMPLATE) == "train_v1"
