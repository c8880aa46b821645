"""Activation: to a listed destination, once, and nowhere else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rooms_world import World
from test_rooms_runs import VIEW, give, refused

pytestmark = pytest.mark.sandbox

BLOCK = """BEGIN
  CREATE OR REPLACE TABLE cleanroom.activation_data_best AS
    SELECT p.HASHED_EMAIL_SHA256, p.CITY AS TOWN FROM IDENTIFIER({{ source_table[0] }}) AS p;
  RETURN 'best';
END;"""
SPEC = """
api_version: 2.0.0
spec_type: analysis
template: act_v1
template_configuration:
  view_mappings: {{source_tables: [{view}]}}
  activation: {{snowflake_collaborator: {to}, segment_name: {segment}}}
"""


@pytest.fixture
def ready(joined: World) -> World:
    give(joined, BLOCK, name="act", kind="sql_activation")
    return joined


def spec(to: str = "pub", segment: str = "q1") -> str:
    return SPEC.format(view=VIEW, to=to, segment=segment)


def rows(party: Any) -> list[dict[str, Any]]:
    found = party.sql("SELECT * FROM lookalike.activation.segment_records ORDER BY RECORDS::VARCHAR")
    return [{**row, "RECORDS": json.loads(row["RECORDS"])} for row in found]


def test_to_a_partner(ready: World) -> None:
    (answer,) = ready.advertiser.call("RUN", "lookalike", spec())
    assert answer["STATUS"] == "SHARED"
    for party in (ready.publisher, ready.advertiser):
        (row,) = party.call("VIEW_ACTIVATIONS", "lookalike")
        assert (row["SHARED_BY"], row["SHARED_WITH"], row["STATUS"], row["SEGMENT_NAME"]) == (
            "adv",
            "pub",
            "SHARED",
            "q1",
        )
    (done,) = ready.publisher.call("PROCESS_ACTIVATION", "lookalike", "q1")
    assert done == {"TABLE_NAME": "lookalike.activation.segment_records", "SEGMENT_NAME": "q1"}
    assert ready.publisher.call("VIEW_ACTIVATIONS", "lookalike")[0]["STATUS"] == "PROCESSED"
    found = rows(ready.publisher)
    assert [row["RECORDS"] for row in found] == [
        {"HASHED_EMAIL_SHA256": "a" * 64, "TOWN": "Oslo"},
        {"HASHED_EMAIL_SHA256": "b" * 64},
    ]
    assert {(row["BATCH_ID"], row["SEGMENT_NAME"], row["TEMPLATE_ID"], row["SHARED_BY"]) for row in found} == {
        (answer["BATCH_ID"], "q1", "act_v1", "adv")
    }
    assert ready.publisher.call("PROCESS_ACTIVATION", "lookalike") == []
    assert len(rows(ready.publisher)) == 2


def test_what_was_shared_is_what_the_run_made(ready: World) -> None:
    ready.advertiser.call("RUN", "lookalike", spec())
    ready.table("PUBLISHER", "CUSTOMERS", {"EMAIL_HASH": ["c" * 64], "CITY": ["Bergen"], "SECRET": ["s"]})
    ready.advertiser.call("RUN", "lookalike", spec(segment="q2"))
    ready.storage.collect_garbage(0)
    ready.publisher.call("PROCESS_ACTIVATION", "lookalike", "q1")
    assert {row["RECORDS"]["HASHED_EMAIL_SHA256"][0] for row in rows(ready.publisher)} == {"a", "b"}


def test_killed_between_the_rows_and_their_status_they_are_there_once(ready: World) -> None:
    ready.advertiser.call("RUN", "lookalike", spec())
    ready.publisher.call("PROCESS_ACTIVATION", "lookalike")
    with ready.storage.database.transaction() as connection:
        connection.execute("UPDATE room_activations SET status = 'SHARED'")
    ready.publisher.call("PROCESS_ACTIVATION", "lookalike")
    assert len(rows(ready.publisher)) == 2
    assert ready.publisher.call("VIEW_ACTIVATIONS", "lookalike")[0]["STATUS"] == "PROCESSED"


@pytest.mark.attack
@pytest.mark.parametrize("to", ["adv", "nobody"])
def test_who_is_no_destination_gets_nothing(ready: World, to: str) -> None:
    assert refused(ready.advertiser, "RUN", "lookalike", spec(to)).startswith("ActivationError")


@pytest.mark.attack
def test_the_list_of_destinations_is_what_stops_it(ready: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready.rooms.activations, "check_destination", lambda *_: None)
    ready.advertiser.call("RUN", "lookalike", spec("adv"))
    assert len(rows(ready.advertiser)) == 2, "to oneself: immediate"
    assert ready.advertiser.call("VIEW_ACTIVATIONS", "lookalike") == []


def test_only_the_receiver_processes(ready: World) -> None:
    ready.advertiser.call("RUN", "lookalike", spec())
    assert ready.advertiser.call("PROCESS_ACTIVATION", "lookalike") == []
    assert ready.publisher.call("VIEW_ACTIVATIONS", "lookalike")[0]["STATUS"] == "SHARED"


def test_an_activation_needs_a_destination_and_an_analysis_takes_none(ready: World) -> None:
    assert "needs activation" in refused(ready.advertiser, "RUN", "lookalike", "act_v1", [VIEW], [], {})
    give(ready, "SELECT 1 AS X", name="plain")
    message = refused(ready.advertiser, "RUN", "lookalike", spec().replace("act_v1", "plain_v1"))
    assert "cannot be activated" in message


def test_a_name_that_was_not_made_is_refused(joined: World) -> None:
    give(joined, "BEGIN\n  RETURN '../../x';\nEND;", name="act", kind="sql_activation")
    assert "must return the name" in refused(joined.advertiser, "RUN", "lookalike", spec())
    give(joined, "BEGIN\n  RETURN 'missing';\nEND;", name="other", kind="sql_activation")
    assert "made no cleanroom.ACTIVATION_DATA_MISSING" in refused(
        joined.advertiser, "RUN", "lookalike", spec().replace("act_v1", "other_v1")
    )


def test_batches_are_processed_by_their_ids_and_the_table_is_named_again(ready: World) -> None:
    """PROCESS_ACTIVATION(name, [batch ids]); collaboration API reference, PROCESS_ACTIVATION, Returns."""
    first, second = (ready.advertiser.call("RUN", "lookalike", spec(segment=name))[0]["BATCH_ID"] for name in "ab")
    ask = ("PROCESS_ACTIVATION", "lookalike")
    named = [{"TABLE_NAME": "lookalike.activation.segment_records", "SEGMENT_NAME": "a"}]
    assert ready.publisher.call(*ask, ["none"]) == []
    assert ready.publisher.call(*ask, [first]) == named
    states = {row["BATCH_ID"]: row["STATUS"] for row in ready.publisher.call("VIEW_ACTIVATIONS", "lookalike")}
    assert states == {first: "PROCESSED", second: "SHARED"}
    for again in ([first], "a", "A"):
        assert ready.publisher.call(*ask, again) == named, "whoever repeats it learns where the rows are"
    assert len(rows(ready.publisher)) == 2
    for wrong in (7, {"a": 1}, [[first]], [7]):
        assert refused(ready.publisher, *ask, wrong).startswith("SpecValidationError")


@pytest.mark.attack
def test_a_batch_of_somebody_else_is_not_processed_by_its_id(ready: World, monkeypatch: pytest.MonkeyPatch) -> None:
    (sent,) = ready.advertiser.call("RUN", "lookalike", spec())
    assert ready.advertiser.call("PROCESS_ACTIVATION", "lookalike", [sent["BATCH_ID"]]) == []
    assert refused(ready.stranger, "PROCESS_ACTIVATION", "lookalike", [sent["BATCH_ID"]]).startswith("Collaboration")
    assert ready.publisher.call("VIEW_ACTIVATIONS", "lookalike")[0]["STATUS"] == "SHARED"
    with ready.storage.database.transaction() as connection:
        connection.execute("UPDATE room_activations SET shared_with = 'ADVERTISER', shared_by = 'PUBLISHER'")
    assert ready.advertiser.call("PROCESS_ACTIVATION", "lookalike", [sent["BATCH_ID"]]), "were it the advertiser's"


def test_activations_have_the_documented_columns_and_no_other(ready: World) -> None:
    """Collaboration API reference, VIEW_ACTIVATIONS: "Activation requests to send data to yourself are not listed"."""
    ready.advertiser.call("RUN", "lookalike", spec())
    (row,) = ready.publisher.call("VIEW_ACTIVATIONS", "lookalike")
    assert {name.lower() for name in row} == {
        "updated_on", "segment_name", "batch_id", "template_id", "shared_by", "shared_with", "status", "details",
    }  # fmt: skip
