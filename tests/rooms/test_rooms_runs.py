"""RUN: what a template can read, who can run it, and how a job is started and asked about."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rooms_world import SQL_TEMPLATE, World, request_id, told

from cleanroom_ml.engine.rooms import catalog as room_catalog
from cleanroom_ml.engine.sql.errors import SqlError

pytestmark = pytest.mark.sandbox

VIEW = "pub.sales_v1.customers"
BODY = SQL_TEMPLATE[SQL_TEMPLATE.index("template: |") :].rstrip("\n")
JOB = ["train_v1", [VIEW], [], {"compute_pool": "ml_pool"}]


def refused(party: Any, name: str, *args: Any) -> str:
    with pytest.raises(SqlError) as caught:
        party.call(name, *args)
    return caught.value.message


def give(world: World, body: str, *, name: str = "t", kind: str = "sql_analysis") -> None:
    """Registers, submits and approves a template with this body for the advertiser."""
    spec = SQL_TEMPLATE.replace(BODY, "template: |\n" + "\n".join(f"  {line}" for line in body.split("\n")))
    spec = spec.replace("name: count", f"name: {name}").replace("sql_analysis", kind)
    world.publisher.call("REGISTER_TEMPLATE", spec)
    world.publisher.call("ADD_TEMPLATE_REQUEST", "lookalike", f"{name}_v1", ["adv"])
    world.advertiser.call("APPROVE_UPDATE_REQUEST", "lookalike", request_id(world.advertiser))


def run(world: World, *views: str, name: str = "t_v1", **arguments: Any) -> list[dict[str, Any]]:
    return world.advertiser.call("RUN", "lookalike", name, list(views), [], arguments)


def action(job_id: str, what: str) -> str:
    return f"api_version: 2.0.0\nspec_type: ml_job_action\njob_id: {job_id}\naction: {what}\n"


@pytest.fixture
def approved(submitted: World) -> World:
    submitted.advertiser.call("APPROVE_UPDATE_REQUEST", "lookalike", request_id(submitted.advertiser))
    submitted.storage.warehouses.grant_usage("ADVERTISER", "COMPUTE POOL", "ML_POOL", "SFDCR_LOOKALIKE")
    submitted.storage.warehouses.grant_usage("ADVERTISER", "WAREHOUSE", "COMPUTE_WH", "SFDCR_LOOKALIKE")
    return submitted


def test_a_query_sees_renamed_columns_of_the_other_party(joined: World) -> None:
    give(
        joined, "SELECT HASHED_EMAIL_SHA256 AS H FROM IDENTIFIER({{ source_table[0] }}) AS p WHERE p.city = {{ city }}"
    )
    assert [list(row.values()) for row in run(joined, VIEW, city="Oslo")] == [["a" * 64]]


@pytest.mark.attack
def test_an_argument_is_a_value_and_nothing_else(joined: World) -> None:
    give(joined, "SELECT COUNT(*) AS N FROM IDENTIFIER({{ source_table[0] }}) AS p WHERE p.city = {{ city }}")
    assert run(joined, VIEW, city="' OR '1'='1") == [{"N": 0}]
    give(
        joined,
        "SELECT COUNT(*) AS N FROM IDENTIFIER({{ source_table[0] }}) AS p WHERE p.city = '{{ city | sqlsafe }}'",
        name="u",
    )
    assert run(joined, VIEW, name="u_v1", city="' OR '1'='1") == [{"N": 2}], "spliced, as its author wrote it"


@pytest.mark.attack
@pytest.mark.parametrize(
    "name",
    [
        "DATA.PUBLIC.CUSTOMERS",
        "pub.sales_v1.nothing",
        "sfdcr_lookalike.cleanroom.other",
        "samooha_by_snowflake_local_db.registry.code_specs",
        "information_schema.tables",
        "adv.redeemers_v1.people",
    ],
)
def test_a_template_reads_the_tables_of_its_run_and_no_others(joined: World, name: str) -> None:
    give(joined, "SELECT * FROM IDENTIFIER({{ t }})")
    with pytest.raises(SqlError, match="does not exist or not authorized"):
        run(joined, VIEW, t=name)


@pytest.mark.attack
@pytest.mark.parametrize("column", ["SECRET", "EMAIL_HASH"])
def test_a_column_that_is_not_listed_does_not_exist(
    joined: World, column: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(joined, "SELECT MIN({{ c | sqlsafe }}) AS M FROM IDENTIFIER({{ source_table[0] }}) AS p")
    with pytest.raises(SqlError, match="invalid identifier"):
        run(joined, VIEW, c=column)
    monkeypatch.setattr(room_catalog, "view_text", lambda detail: 'SELECT * FROM "DATA"."PUBLIC"."CUSTOMERS"')
    assert run(joined, VIEW, c=column)[0]["M"] in ("s1", "a" * 64)


@pytest.mark.attack
@pytest.mark.parametrize(
    "view", ["pub.sales_v1.nothing", "pub.other_v1.customers", "who.sales_v1.customers", "sales_v1.customers"]
)
def test_views_that_are_not_shared_cannot_be_mapped(joined: World, view: str) -> None:
    give(joined, "SELECT 1 AS X")
    message = refused(joined.advertiser, "RUN", "lookalike", "t_v1", [view], [], {})
    names = ("DataProviderWithoutDataOffering", "CollaboratorAliasNot", "DatasetNotFound", "SpecValidationError")
    assert message.startswith(names)


@pytest.mark.attack
def test_unlinking_takes_it_away_even_from_a_run_under_way(joined: World, monkeypatch: pytest.MonkeyPatch) -> None:
    give(joined, "SELECT COUNT(*) AS N FROM IDENTIFIER({{ source_table[0] }}) AS p")
    assert run(joined, VIEW) == [{"N": 2}]
    with joined.storage.database.read() as connection:
        member = joined.rooms.requests and connection.execute("SELECT collaboration FROM room_members").fetchone()[0]
    view = room_catalog.ScopeView(("PUB", "SALES_V1", "CUSTOMERS"), "PUBLISHER", "PUB", "SALES_V1", "CUSTOMERS")
    scope = room_catalog.RoomScope(member, "lookalike", "adv", "ADV", "ADVERTISER", "SFDCR_LOOKALIKE", (view,))
    again = room_catalog.RoomScope.from_json(json.loads(json.dumps(scope.to_json())))
    assert again == scope
    names = room_catalog.RoomCatalog(joined.storage, again, joined.advertiser.session)
    assert names.source(view.name) is not None
    joined.publisher.call("UNLINK_DATA_OFFERING", "lookalike", "sales_v1", ["adv"])
    assert names.source(view.name) is None
    assert "is not shared with adv" in refused(joined.advertiser, "RUN", "lookalike", "t_v1", [VIEW], [], {})
    monkeypatch.setattr(room_catalog, "is_linked", lambda *_: True)
    assert names.source(view.name) is not None


@pytest.mark.parametrize(
    "body", ["DROP DATABASE DATA", "GRANT USAGE ON WAREHOUSE X TO APPLICATION Y", "CREATE TABLE cleanroom.x (a INT)"]
)
def test_a_template_is_a_query_a_block_or_a_job(joined: World, body: str) -> None:
    give(joined, body)
    assert "must be one SELECT" in refused(joined.advertiser, "RUN", "lookalike", "t_v1", [], [], {})


def test_internal_tables_are_the_runners_and_out_of_every_session(joined: World) -> None:
    give(joined, "BEGIN\n  CREATE OR REPLACE TABLE cleanroom.kept AS SELECT 7 AS N;\n  RETURN 'kept';\nEND;")
    give(joined, "SELECT N FROM cleanroom.kept", name="reader")
    assert [list(row.values()) for row in run(joined)] == [["kept"]]
    assert run(joined, name="reader_v1") == [{"N": 7}]
    for party in (joined.advertiser, joined.publisher):
        for name in ("SFDCR_LOOKALIKE.CLEANROOM.KEPT", "CLEANROOM.KEPT"):
            with pytest.raises(SqlError):
                party.sql(f"SELECT * FROM {name}")


def test_only_runners_run_and_only_what_was_given_to_them(joined: World) -> None:
    give(joined, "SELECT 1 AS X")
    assert refused(joined.publisher, "RUN", "lookalike", "t_v1", [], [], {}).startswith("PermissionDeniedException")
    assert "no template 'x_v1' was shared with adv" in refused(
        joined.advertiser, "RUN", "lookalike", "x_v1", [], [], {}
    )


@pytest.mark.parametrize("name", ["preset_tables", "source_table", "MY_TABLE"])
def test_reserved_arguments_are_refused(joined: World, name: str) -> None:
    give(joined, "SELECT 1 AS X")
    assert "cannot be passed" in refused(joined.advertiser, "RUN", "lookalike", "t_v1", [VIEW], [], {name: ["x"]})


def test_a_job_gets_exactly_what_was_approved(approved: World) -> None:
    job_id = approved.advertiser.value("RUN", "lookalike", *JOB)
    job = approved.jobs.requests[job_id]
    assert (job.account, job.runner, job.pool, job.nodes, job.warehouse) == (
        "ADVERTISER",
        "adv",
        "ML_POOL",
        1,
        "COMPUTE_WH",
    )
    assert (job.code_spec_id, job.job.name, job.job.entrypoint, job.job.image) == (
        "model_v1",
        "train",
        "train.py",
        "local",
    )
    assert json.loads(job.args_json) == {"source_table": [VIEW]}
    assert [file.path for file in job.files] == ["lib/util.py", "train.py"]
    spec = told(approved.advertiser)
    assert job.approval_digest == spec["approval_digest"]
    assert [view["name"] for view in job.scope["views"]] == [("PUB", "SALES_V1", "CUSTOMERS")]


def test_pool_and_warehouse_must_be_granted(approved: World) -> None:
    approved.storage.warehouses.revoke_all("ADVERTISER", "COMPUTE POOL", "ML_POOL")
    message = refused(approved.advertiser, "RUN", "lookalike", *JOB)
    assert "GRANT USAGE ON COMPUTE POOL ML_POOL TO APPLICATION SFDCR_LOOKALIKE" in message
    assert message.startswith("ComputePoolError")


def test_missing_arguments_are_named(approved: World) -> None:
    assert "requires the argument 'compute_pool'" in refused(
        approved.advertiser, "RUN", "lookalike", "train_v1", [VIEW], [], {}
    )


def test_history_is_full_for_the_runner_and_redacted_for_the_provider(joined: World) -> None:
    give(joined, "SELECT * FROM IDENTIFIER({{ source_table[0] }}) WHERE nothing = {{ secret }}")
    with pytest.raises(SqlError):
        run(joined, VIEW, secret="hush")
    (mine,) = joined.advertiser.call("VIEW_ACTIVITY_HISTORY", "lookalike")
    (theirs,) = joined.publisher.call("VIEW_ACTIVITY_HISTORY", "lookalike")
    assert mine["STATUS"] == theirs["STATUS"] == "ERROR"
    assert "invalid identifier" in mine["FAILURE_REASON"]
    assert "invalid identifier" not in theirs["FAILURE_REASON"]
    assert "hush" in json.dumps(mine["ACTIVITY_INFO"])
    assert "hush" not in json.dumps(theirs["ACTIVITY_INFO"])


INFO_KEYS = {"data_offering_ids", "request_parameters"}
PARAMETERS = {"template_id", "source_tables", "local_tables", "arguments", "activation_destination"}


def test_history_has_the_documented_columns_and_keys_and_no_other(approved: World) -> None:
    """Page "Monitor analysis activity in collaborations", "Result columns": nothing there tells which job a run was."""
    job_id = approved.advertiser.value("RUN", "lookalike", *JOB)
    give(approved, "SELECT 1 AS X")
    run(approved)  # nothing of the publisher's, but the publisher's template
    mine = approved.advertiser.call("VIEW_ACTIVITY_HISTORY", "lookalike")
    theirs = approved.publisher.call("VIEW_ACTIVITY_HISTORY", "lookalike")
    assert len(mine) == len(theirs) == 2
    for row in (*mine, *theirs):
        assert set(row) == {
            "ACTIVITY_ID", "ANALYSIS_RUNNER_ALIAS", "START_TS", "TOTAL_DURATION", "STATUS", "FAILURE_REASON",
            "ACTIVITY_TYPE", "ACTIVITY_INFO",
        }  # fmt: skip
        info = json.loads(row["ACTIVITY_INFO"]) if isinstance(row["ACTIVITY_INFO"], str) else row["ACTIVITY_INFO"]
        assert set(info) <= INFO_KEYS
        assert set(info["request_parameters"]) <= PARAMETERS
        assert job_id not in json.dumps(info)
        assert (row["STATUS"], row["ACTIVITY_TYPE"]) == ("SUCCESS", "RUN")
    told = [row["ACTIVITY_INFO"] for row in theirs]
    assert told[0]["request_parameters"]["source_tables"], "its data"
    assert "arguments" not in told[0]["request_parameters"]
    assert "data_offering_ids" not in told[1], "its template alone"
    assert set(told[1]["request_parameters"]) == {"template_id", "activation_destination"}
    # "Also added as a Query Tag into the underlying query": in the history of queries of the runner's account alone.
    approved.storage.queries.start("asked", approved.advertiser.session.id, None, "hash", query_tag="mine")
    asked = ("SAMOOHA_BY_SNOWFLAKE_LOCAL_DB", "COLLABORATION", "RUN"), ("lookalike", "t_v1", [], [], {})
    approved.advertiser.procedures.call(approved.advertiser.session, *asked, query_id="asked")
    approved.storage.queries.finish("asked", "{}")
    activity = approved.advertiser.call("VIEW_ACTIVITY_HISTORY", "lookalike")[-1]["ACTIVITY_ID"]
    recorded = {each.tag: each for each in approved.storage.query_history.list("ADVERTISER")}
    assert set(recorded) == {"mine", f'{{"activity_id": "{activity}"}}'}
    assert len({each.query_id for each in recorded.values()}) == 2
    assert approved.storage.query_history.list("PUBLISHER") == []
