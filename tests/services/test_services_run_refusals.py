"""What a refusal names to correct: the key of the project file, the file that was sent, the policy or the table.

The messages are the engine's own and, for names that were published, the service's (docs/api-digest.md §7).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from services_targets import Account

from cleanroom_ml.errors import ServerError, UsageError
from cleanroom_ml.services.jobs import JobRun, run
from cleanroom_ml.services.registration import register_file
from cleanroom_ml.services.run_refusals import explained

VIEWS = "COLLABORATION.VIEW_DATA_OFFERINGS"
SHARED = [
    {"template_view_name": "pub.orders_v1.orders", "shared_with": '["adv"]', "data_offering_id": "orders_v1"},
    {"template_view_name": "LOCAL.crm_v1.people", "shared_with": '["LOCAL"]', "data_offering_id": "crm_v1"},
]
NO_TABLE = "DataProviderWithoutDataOffering: 'pub.order_v1.orders' is not shared with adv."
OFFERING = """
api_version: 2.0.0
spec_type: data_offering
name: orders
version: v1
datasets:
  - alias: orders
    data_object_fqn: shop.public.orders
    allowed_analyses: template_and_freeform_sql
    schema_and_template_policies: {ID: {category: passthrough}}
"""


def refused(
    message: str, offerings: Any = SHARED, *, key: str = "runs.train", **tables: tuple[str, ...]
) -> ServerError:
    error = ServerError(message, fix="the target's")
    account: Any = Account({VIEWS: offerings})
    with pytest.raises(ServerError) as caught, explained(account, "room", "runs.train", tables):
        raise error
    assert caught.value is error
    return error


@pytest.mark.parametrize("name", ["Data", "Dataset", "Alias"])
def test_a_wrong_name_of_a_table_is_the_run_s_to_correct(name: str) -> None:
    message = {
        "Data": NO_TABLE,
        "Dataset": "DatasetNotFoundInDataOfferingException: 'pub.order_v1.orders': the offering has no such dataset.",
        "Alias": "CollaboratorAliasNotFoundInCollaboration: 'pub.order_v1.orders': no collaborator has this alias.",
    }[name]
    error = refused(message, tables=("pub.order_v1.orders",), my_tables=())
    assert str(error.why).startswith("did you mean 'pub.orders_v1.orders'? there are: ")
    assert error.fix == "correct --table, or runs.train.tables in cleanroom.yaml: cleanroom-ml offering list"


def test_a_wrong_name_of_one_s_own_table_is_told_one_s_own() -> None:
    message = NO_TABLE.replace("pub.order_v1.orders", "LOCAL.crm.people")
    error = refused(message, tables=("pub.orders_v1.orders",), my_tables=("LOCAL.crm.people",))
    assert error.why == "did you mean 'LOCAL.crm_v1.people'? there are: LOCAL.crm_v1.people"
    assert error.fix == "correct runs.train.my_tables in cleanroom.yaml: cleanroom-ml offering list"


def test_a_name_that_is_shown_and_refused_is_the_provider_s_to_share() -> None:
    error = refused(NO_TABLE.replace("order_v1", "orders_v1"), tables=("pub.orders_v1.orders",))
    assert (error.why, error.fix) == (None, "the target's")


def test_where_the_names_are_not_this_role_s_to_see_the_refusal_is_as_it_was() -> None:
    error = refused(NO_TABLE, ServerError("Insufficient privileges"), tables=("pub.order_v1.orders",))
    assert (error.what, error.why, error.fix) == (NO_TABLE, None, "the target's")


def test_an_argument_is_corrected_where_the_run_has_it() -> None:
    message = "SpecValidationError: the template takes no argument 'epoch'; it takes: epochs."
    error = ServerError(message, fix="correct --arg, or args of the run in cleanroom.yaml")
    account: Any = Account({})
    with pytest.raises(ServerError), explained(account, "room", "runs.train", {}):
        raise error
    assert error.fix == "correct --arg, or runs.train.args in cleanroom.yaml"


NO_POOL = (
    "ComputePoolError: compute pool {0} does not exist, or the application may not use it: "
    "GRANT USAGE ON COMPUTE POOL {0} TO APPLICATION SFDCR_ROOM"
)


def _pool(name: str, application: str) -> dict[str, Any]:
    sizes = {"instance_family": "CPU_X64_S", "min_nodes": 1, "max_nodes": 2}
    return {"name": name, "state": "IDLE", "application": application, **sizes}


POOLS = [_pool("THEIRS", "SFDCR_OTHER"), _pool("MINE", "SFDCR_ROOM"), _pool("NEW", "SFDCR_ROOM")]


@pytest.mark.parametrize(
    ("pool", "own", "pools", "why", "fix"),
    [
        ("theirs", "mine", POOLS, "THEIRS serves SFDCR_OTHER alone", "cleanroom-ml run --pool mine"),
        ("theirs", "gone", POOLS, "THEIRS serves", "cleanroom-ml pool create, then run without --pool"),
        ("theirs", None, POOLS, "THEIRS serves", "cleanroom-ml run --pool MINE"),
        ("theirs", "theirs", POOLS[:1], "THEIRS serves", "another name: cleanroom-ml pool create NAME --family "),
        ("their", "mine", POOLS, "there are: MINE, NEW, THEIRS", "cleanroom-ml pool create their --family CPU_X64_S"),
        ("gone", "gone", POOLS, "there are: MINE, NEW, THEIRS", "cleanroom-ml pool create"),
        ("gone", "mine", [], "there are none", "cleanroom-ml pool create gone --family CPU_X64_S"),
        ("new", "mine", POOLS, "NEW is there", "cleanroom-ml pool create new --family CPU_X64_S --min-nodes 1 "),
        ("gone", "mine", ServerError("Insufficient privileges"), "None", "the target's"),
    ],
)
def test_a_pool_is_told_whose_it_is(pool: str, own: str | None, pools: Any, why: str, fix: str | None) -> None:
    """`run --pool` of another room's was told to create it, then its family, then to drop the other room's pool."""
    error = ServerError(NO_POOL.format(pool.upper()), fix="the target's")
    account: Any = Account({"SHOW": pools})
    with pytest.raises(ServerError), explained(account, "room", "runs.train", {}, pool=pool, own_pool=own):
        raise error
    assert str(error.why).startswith(why)
    assert str(error.fix).startswith(str(fix))
    assert "drop" not in str(error.fix)


@pytest.mark.parametrize(
    ("name", "why", "fix"),
    [
        ("trian", "did you mean 'train'?", "cleanroom-ml run train"),
        ("xyz", "runs of cleanroom.yaml: train; approved templates: none", "the template provider sends it: "),
    ],
)
def test_a_run_that_is_misspelt_is_looked_for_among_the_project_s(name: str, why: str, fix: str) -> None:
    account: Any = Account({"COLLABORATION.VIEW_TEMPLATES": []})
    with pytest.raises(UsageError) as caught:
        run(account, JobRun("room", name, runs=("train",)))
    assert caught.value.why == why
    assert str(caught.value.fix).startswith(fix)


def test_a_role_is_told_all_that_a_run_needs() -> None:
    denied = ServerError("no", fix='cleanroom-ml grant "VIEW TEMPLATES" --to ANALYST')
    account: Any = Account({"COLLABORATION.VIEW_TEMPLATES": denied})
    with pytest.raises(ServerError) as caught:
        run(account, JobRun("room", "train"))
    assert caught.value.fix == "cleanroom-ml grant RUN --to ANALYST && cleanroom-ml grant VIEW-TEMPLATES --to ANALYST"


MISSING = "SQL compilation error:\n{} does not exist or not authorized."


@pytest.mark.parametrize(
    ("message", "code", "fix"),
    [
        (
            MISSING.format("Aggregation policy 'SHOP.PUBLIC.FIVE'"),
            2003,
            "CREATE AGGREGATION POLICY SHOP.PUBLIC.FIVE AS …, or another name in freeform_sql_policies of orders.yaml",
        ),
        (
            MISSING.format("Row access policy 'SHOP.PUBLIC.NORTH'"),
            2003,
            "CREATE ROW ACCESS POLICY SHOP.PUBLIC.NORTH AS …, or another name in freeform_sql_policies of orders.yaml",
        ),
        *(
            (
                MISSING.format(named),
                2003,
                "cleanroom-ml load FILE --as shop.public.orders, or another name in data_object_fqn",
            )
            for named in ("Object 'SHOP.PUBLIC.ORDERS'", "Database 'SHOP'", "Schema 'SHOP.PUBLIC'")
        ),
        (MISSING.format("Object 'OTHER.PUBLIC.ORDERS'"), 2003, None),
        (
            "SpecValidationError: column EMAIL is not in shop.public.orders; it has: ID",
            100357,
            "correct orders.yaml, then the same command again",
        ),
    ],
)
def test_what_an_offering_names_wrongly_is_corrected_where_it_is(
    tmp_path: Path, message: str, code: int, fix: str | None
) -> None:
    error = ServerError(message)
    error.code = code
    path = tmp_path / "orders.yaml"
    path.write_text(OFFERING)
    account: Any = Account({"REGISTRY.VIEW_REGISTERED_DATA_OFFERINGS": [], "REGISTRY.REGISTER_DATA_OFFERING": error})
    with pytest.raises(ServerError) as caught:
        register_file(account, path)
    assert caught.value.fix == fix
