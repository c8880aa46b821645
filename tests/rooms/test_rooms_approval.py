"""Who decides, what is hashed again, and that nothing that was said can be unsaid (docs/api-digest.md §4)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rooms_world import CODE_SPEC, JOB_TEMPLATE, SQL_TEMPLATE, World, request_id, told

from cleanroom_ml.engine.rooms.request_answers import seen_status
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.evidence.approval_digest import approval_digest
from cleanroom_ml.evidence.approval_subject import approval_subject

pytestmark = pytest.mark.sandbox

RUN = """
api_version: 2.0.0
spec_type: analysis
template: train_v1
template_configuration:
  view_mappings: {source_tables: [pub.sales_v1.customers]}
  arguments: {compute_pool: ML_POOL}
"""


def refused(party: Any, name: str, *args: Any) -> str:
    with pytest.raises(SqlError) as caught:
        party.call(name, *args)
    return caught.value.message


def seen(party: Any) -> dict[str, Any]:
    return party.call("VIEW_UPDATE_REQUESTS", "lookalike")[-1]


def test_the_sender_has_approved_and_the_runner_has_not(submitted: World) -> None:
    # The sender is shown REQUESTED: release notes of 27 August 2026, version 17.8.
    assert seen(submitted.publisher)["STATUS"] == "REQUESTED"
    row = seen(submitted.advertiser)
    assert row["STATUS"] == "PENDING_MY_APPROVAL"
    (entry,) = json.loads(row["APPROVAL_LOG"])
    assert (entry["collaborator"], entry["decision"]) == ("pub", "APPROVED")
    decided = {entry["COLLABORATOR"]: entry for entry in submitted.advertiser.own("VIEW_DECISIONS", "lookalike")}
    assert (decided["pub"]["DECISION"], decided["pub"]["BY_USER"]) == ("APPROVED", "ANN")
    assert decided["adv"] == {
        "REQUEST_ID": row["ID"],
        "APPROVAL_DIGEST": told(submitted.advertiser)["approval_digest"],
        "COLLABORATOR": "adv",
        "ACCOUNT": "LOCAL.ADVERTISER",
        "DECISION": "PENDING",
        "REASON": "",
        "DECIDED_ON": None,
        "BY_USER": None,
        "ATTESTED_BY": "engine",
    }


def test_the_spec_is_all_that_a_reviewer_needs(submitted: World) -> None:
    spec = told(submitted.advertiser)
    (code,) = spec["code_specs"]
    (job,) = code["ml_jobs"]
    assert [file["path"] for file in job["content_manifest"]] == ["lib/util.py", "train.py"]
    assert code["spec"] == CODE_SPEC
    assert spec["template"] == JOB_TEMPLATE
    lock = spec["dependency_lock"]["model_v1$train"]
    assert lock["provided"].keys() >= {"pandas"}
    assert (lock["image"]["tag"], lock["packages"]) == ("local", [])
    assert spec["previous"] is None
    assert approval_digest(approval_subject(spec)) == spec["approval_digest"]


def test_approval_by_all_completes_it(submitted: World) -> None:
    submitted.advertiser.call("APPROVE_UPDATE_REQUEST", "lookalike", request_id(submitted.advertiser))
    assert seen(submitted.publisher)["STATUS"] == seen(submitted.advertiser)["STATUS"] == "COMPLETED"
    (row,) = submitted.advertiser.call("VIEW_TEMPLATES", "lookalike")
    assert (row["TEMPLATE_ID"], row["SHARED_BY"], row["SHARED_WITH"]) == ("train_v1", "pub", ["adv"])
    assert submitted.advertiser.call("VIEW_CODE_SPECS", "lookalike")[0]["CODE_SPEC_ID"] == "model_v1"


def test_before_approval_run_says_who_is_missing(submitted: World) -> None:
    message = refused(submitted.advertiser, "RUN", "lookalike", RUN)
    assert message.startswith("TemplateNotApprovedException:")
    assert message.endswith("approval of: adv.")


def test_rejected_stays_rejected(submitted: World) -> None:
    request = request_id(submitted.advertiser)
    submitted.advertiser.call("REJECT_UPDATE_REQUEST", "lookalike", request, "not convinced")
    assert seen(submitted.publisher)["STATUS"] == "REJECTED"
    assert "not convinced" in seen(submitted.publisher)["APPROVAL_LOG"]
    assert "UpdateRequestStateException" in refused(
        submitted.advertiser, "APPROVE_UPDATE_REQUEST", "lookalike", request
    )
    assert "UpdateRequestStateException" in refused(
        submitted.publisher, "REJECT_UPDATE_REQUEST", "lookalike", request, ""
    )
    assert "was rejected by adv" in refused(submitted.advertiser, "RUN", "lookalike", RUN)


def test_approving_twice_and_rejecting_afterwards_are_refused(submitted: World) -> None:
    request = request_id(submitted.advertiser)
    submitted.advertiser.call("APPROVE_UPDATE_REQUEST", "lookalike", request)
    assert "UpdateRequestStateException" in refused(
        submitted.advertiser, "APPROVE_UPDATE_REQUEST", "lookalike", request
    )
    assert "UpdateRequestStateException" in refused(
        submitted.advertiser, "REJECT_UPDATE_REQUEST", "lookalike", request, ""
    )
    assert seen(submitted.advertiser)["STATUS"] == "COMPLETED"


@pytest.mark.attack
@pytest.mark.parametrize("procedure", ["APPROVE_UPDATE_REQUEST", "REJECT_UPDATE_REQUEST"])
def test_who_is_no_part_of_it_learns_nothing(submitted: World, procedure: str) -> None:
    extra = ("no",) if procedure.startswith("REJECT") else ()
    real = refused(submitted.stranger, procedure, "lookalike", request_id(submitted.publisher), *extra)
    none = refused(submitted.stranger, procedure, "no_such_thing", "request_x", *extra)
    assert real.replace("lookalike", "?") == none.replace("no_such_thing", "?")
    assert submitted.stranger.call("VIEW_COLLABORATIONS") == []
    assert seen(submitted.advertiser)["STATUS"] == "PENDING_MY_APPROVAL"


@pytest.mark.attack
def test_a_request_of_another_collaboration_cannot_be_decided_through_mine(submitted: World) -> None:
    spec = """
api_version: 2.0.0
spec_type: collaboration
name: mine
owner: me
collaborator_identifier_aliases: {me: LOCAL.STRANGER}
analysis_runners: {me: {data_providers: {me: {data_offerings: []}}}}
"""
    submitted.stranger.call("INITIALIZE", spec, "COMPUTE_WH")
    message = refused(submitted.stranger, "APPROVE_UPDATE_REQUEST", "mine", request_id(submitted.publisher))
    assert message.startswith("UpdateRequestNotFoundException")


@pytest.mark.parametrize("change", ["changed", "added", "removed"])
def test_other_files_on_the_stage_than_registered_fail_the_request(joined: World, change: str) -> None:
    key = joined.stage("PUBLISHER", {"model/train.py": "print(1)\n", "model/lib/util.py": "x = 1\n"})
    joined.publisher.call("REGISTER_CODE_SPEC", CODE_SPEC)
    joined.publisher.call("REGISTER_TEMPLATE", JOB_TEMPLATE)
    if change == "removed":
        joined.storage.stages.remove(key, "model/lib/util.py")
    else:
        joined.stage("PUBLISHER", {"model/lib/util.py" if change == "changed" else "model/lib/evil.py": "x = 2\n"})
    message = refused(joined.publisher, "ADD_TEMPLATE_REQUEST", "lookalike", "train_v1", ["adv"])
    assert message.startswith("ContentHashMismatchError:")
    assert f"{change}: lib/{'evil' if change == 'added' else 'util'}.py" in message
    assert seen(joined.advertiser)["TYPE"] == "Link Data Offering"


@pytest.mark.attack
def test_pinned_bytes_changed_on_disk_cannot_be_approved(submitted: World, monkeypatch: pytest.MonkeyPatch) -> None:
    job = told(submitted.advertiser)["code_specs"][0]["ml_jobs"][0]
    sha = next(file["sha256"] for file in job["content_manifest"] if file["path"] == "train.py")
    path = submitted.storage.objects.path(sha)
    path.chmod(0o600)
    path.write_text("print(666)\n")
    request = request_id(submitted.advertiser)
    message = refused(submitted.advertiser, "APPROVE_UPDATE_REQUEST", "lookalike", request)
    assert message.startswith("ContentHashMismatchError:")
    assert "changed: train.py" in message
    assert seen(submitted.advertiser)["STATUS"] == "PENDING_MY_APPROVAL"
    # Without the control the same request goes through.
    monkeypatch.setattr(type(submitted.rooms.code_specs), "check_pinned", lambda self, jobs, artifacts=(): None)
    submitted.advertiser.call("APPROVE_UPDATE_REQUEST", "lookalike", request)
    assert seen(submitted.advertiser)["STATUS"] == "COMPLETED"


@pytest.mark.attack
def test_a_request_changed_in_the_catalog_cannot_be_approved(submitted: World) -> None:
    request = request_id(submitted.advertiser)
    with submitted.storage.database.transaction() as connection:
        connection.execute(
            "UPDATE room_requests SET payload = replace(payload, ?, ?) WHERE id = ?",
            ('"image": "local"', '"image": "evil"', request),
        )
    message = refused(submitted.advertiser, "APPROVE_UPDATE_REQUEST", "lookalike", request)
    assert message.startswith("ContentHashMismatchError:")


def test_auto_approval_is_of_the_caller_alone_and_for_later_requests(submitted: World) -> None:
    submitted.advertiser.call("SET_CONFIGURATION", "lookalike", "TEMPLATE_AUTO_APPROVAL", "true")
    assert seen(submitted.advertiser)["STATUS"] == "PENDING_MY_APPROVAL"
    submitted.publisher.call("REGISTER_TEMPLATE", SQL_TEMPLATE)
    submitted.publisher.call("ADD_TEMPLATE_REQUEST", "lookalike", "count_v1", ["adv"])
    assert seen(submitted.advertiser)["STATUS"] == "COMPLETED"
    values = {row["CONFIGURATION"]: row["VALUE"] for row in submitted.publisher.call("GET_CONFIGURATION", "lookalike")}
    assert values["TEMPLATE_AUTO_APPROVAL"] == "false"


def test_the_next_version_shows_what_was_approved_before(submitted: World) -> None:
    submitted.advertiser.call("APPROVE_UPDATE_REQUEST", "lookalike", request_id(submitted.advertiser))
    submitted.stage("PUBLISHER", {"model/train.py": "print(2)\n"})
    submitted.publisher.call("REGISTER_CODE_SPEC", CODE_SPEC.replace("version: v1", "version: v2"))
    submitted.publisher.call("REGISTER_TEMPLATE", JOB_TEMPLATE.replace("v1", "v2"))
    submitted.publisher.call("ADD_TEMPLATE_REQUEST", "lookalike", "train_v2", ["adv"])
    spec = told(submitted.advertiser)
    assert spec["previous"]["template_id"] == "train_v1"
    assert "previous" not in spec["previous"]
    assert "still needs the approval of: adv" in refused(
        submitted.advertiser, "RUN", "lookalike", RUN.replace("v1\n", "v2\n", 1)
    )


def test_an_open_or_granted_template_is_not_asked_for_twice(submitted: World) -> None:
    again = ("ADD_TEMPLATE_REQUEST", "lookalike", "train_v1", ["adv"])
    assert "waits for approval already" in refused(submitted.publisher, *again)
    submitted.advertiser.call("APPROVE_UPDATE_REQUEST", "lookalike", request_id(submitted.advertiser))
    assert "is shared already" in refused(submitted.publisher, *again)


def test_one_alias_that_is_no_runner_fails_them_all(submitted: World) -> None:
    submitted.publisher.call("REGISTER_TEMPLATE", SQL_TEMPLATE)
    assert "no analysis runner" in refused(
        submitted.publisher, "ADD_TEMPLATE_REQUEST", "lookalike", "count_v1", ["adv", "pub"]
    )
    assert json.loads(seen(submitted.advertiser)["DETAILS"])["template_id"] == "train_v1"


def test_what_everybody_approved_is_applied_after_a_crash(submitted: World) -> None:
    request = request_id(submitted.advertiser)
    with submitted.storage.database.transaction() as connection:
        connection.execute("UPDATE room_decisions SET decision = 'APPROVED' WHERE request = ?", (request,))
        connection.execute("UPDATE room_requests SET status = 'APPROVED' WHERE id = ?", (request,))
    assert "is APPROVED: it is not ready" in refused(submitted.advertiser, "RUN", "lookalike", RUN)
    submitted.rooms.recover()
    submitted.rooms.recover()
    assert seen(submitted.advertiser)["STATUS"] == "COMPLETED"


@pytest.mark.parametrize(
    ("status", "mine", "shown"),
    [
        ("REQUESTED", "PENDING", "PENDING_MY_APPROVAL"),
        ("REQUESTED", "APPROVED", "PENDING_PARTNER_APPROVAL"),
        ("REQUESTED", None, "REQUESTED"),
        ("REJECTED", "APPROVED", "REJECTED"),
        ("COMPLETED", None, "COMPLETED"),
    ],
)
def test_status_as_one_party_sees_it(status: str, mine: str | None, shown: str) -> None:
    assert seen_status(status, mine) == shown
    assert seen_status(status, mine, sent=True) == status


def test_who_has_got_a_say_since_is_asked_although_a_request_is_completed() -> None:
    """About its own data: a late provider's decision, beside those that were there before."""
    assert (
        seen_status("COMPLETED", "PENDING") == seen_status("COMPLETED", "PENDING", sent=True) == "PENDING_MY_APPROVAL"
    )
