"""Approving and submitting on a target that shows what is documented, and nothing of the engine's own.

Sources: API reference (VIEW_UPDATE_REQUESTS, VIEW_CODE_SPECS, ADD_TEMPLATE_REQUEST, REMOVE_TEMPLATE), and release
notes of 27 August 2026 (the sender is shown REQUESTED). The form of a content manifest is documented nowhere.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from services_any_target import ENTRIES, HASHES, PLAIN, code, reviewed, row, target
from services_requests import CALL, CODE_SPEC, FILES, manifest, spec
from services_targets import COLLABORATION, Account, unknown

from cleanroom_ml.cli.review_text import change_text, review_text
from cleanroom_ml.errors import (
    CleanroomError,
    CommunicationError,
    HashMismatchError,
    NotApprovedError,
    UsageError,
    WrongPartyError,
)
from cleanroom_ml.evidence.pinned_job import PinnedJob
from cleanroom_ml.services import approvals, subjects
from cleanroom_ml.services.change_review import review_change, verify_change
from cleanroom_ml.services.review import verify_digest
from cleanroom_ml.services.update_requests import list_requests
from cleanroom_ml.services.verification import check_seen, verify_reviewed


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for path, data in FILES.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(data)
    return tmp_path


def test_a_target_is_asked_once_what_it_has() -> None:
    listed = {"name": "VIEW_DECISIONS", "schema_name": "APPROVALS", "catalog_name": "CLEANROOM_ML"}
    account = Account({"SHOW": [listed]})
    assert account.capabilities.has_procedure("APPROVALS.VIEW_DECISIONS")
    assert not account.capabilities.has_procedure("APPROVALS.DESCRIBE_REQUEST")
    assert account.sent == ["SHOW PROCEDURES IN DATABASE CLEANROOM_ML"]
    other = {"name": "VIEW_DECISIONS", "schema_name": "APPROVALS", "catalog_name": "SOMEBODYS"}
    for answer in ([other], [], unknown("Database 'CLEANROOM_ML'")):
        assert not Account({"SHOW": answer}).capabilities.has_procedure("APPROVALS.VIEW_DECISIONS")
    with pytest.raises(CommunicationError):
        Account({"SHOW": CommunicationError("broke")}).capabilities.has_procedure("APPROVALS.VIEW_DECISIONS")


def test_a_template_without_code_is_approved_from_documented_columns() -> None:
    account = target(row(PLAIN))
    request, review = reviewed(account)
    assert review.unverified == ()
    assert [(each.account, each.roles) for each in review.parties] == [
        ("ACME.PUBLISHER", ("owner", "requester", "data_provider")),
        ("ACME.ADVERTISER", ("analysis_runner",)),
    ]
    assert "select {{ compute_pool }}" in review_text(review)
    done = approvals.approve(account, "lookalike", request, review)
    assert (done.changed, done.decision) == (True, "approved")
    (sent,) = [sql for sql in account.sent if "APPROVE" in sql]
    assert sent.endswith("APPROVE_UPDATE_REQUEST('lookalike', 'request_1')")


@pytest.mark.parametrize(
    "content",
    [
        ENTRIES,
        json.dumps(ENTRIES),
        HASHES,
        {"files": ENTRIES},
        [{"path": path, "hash": sha256} for path, sha256 in HASHES.items()],
        [{"PATH": path, "CONTENT_HASH": "sha256:" + sha256.upper()} for path, sha256 in HASHES.items()],
        [{"file": f"code/{path}", "checksum": sha256} for path, sha256 in HASHES.items()],
        {f"@DB.PUBLIC.ST/code/{each['path']}": each for each in ENTRIES},
    ],
)
def test_a_manifest_in_each_form_proves_the_directory(content: object, directory: Path) -> None:
    account = target(row(), codes=[code(content)])
    request, review = reviewed(account)
    assert review.unverified == ()
    assert verify_reviewed(review, directory, account).complete
    check_seen(review, unverified_ok=False)
    assert all(sha256 in review_text(review) for sha256 in HASHES.values())
    (directory / "train.py").write_bytes(b"print(2)\n")
    with pytest.raises(HashMismatchError) as caught:
        verify_reviewed(review, directory, account)
    assert caught.value.differences == ("code_V1$train: changed: train.py",)
    assert approvals.approve(account, "lookalike", request, review).changed


@pytest.mark.attack
@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        "e3b0c442",
        "yes",
        7,
        [1],
        [{"path": "train.py"}],
        [{"path": "train.py", "md5": "0" * 32}],
        [*ENTRIES, {"path": "evil.py"}],
        [{"path": "../evil.py", "sha256": "0" * 64}],
        {"train.py": "0" * 63},
        "[" * 5_000,
        json.dumps([{"path": f"f{number}", "sha256": "0" * 64} for number in range(1_001)]),
    ],
)
def test_any_other_manifest_is_not_shown_and_needs_a_word(content: object, directory: Path) -> None:
    account = target(row(), codes=[code(content)], LIST=unknown("Stage"))
    request, review = reviewed(account)
    (line,) = review.unverified
    assert "code_V1$train: the hashes of its files are not shown by this account" in line
    assert f"NOT VERIFIED: {line}" in review_text(review)
    compared = verify_reviewed(review, directory, account)
    assert not compared.complete
    assert "nothing was compared" in compared.lines[0]
    with pytest.raises(UsageError, match="not all of the request request_1 can be verified") as caught:
        approvals.approve(account, "lookalike", request, review)
    assert "--unverified-ok" in str(caught.value.fix)
    assert not [sql for sql in account.sent if "APPROVE" in sql]
    assert approvals.approve(account, "lookalike", request, review, unverified_ok=True).changed
    # Without the control it would have been approved.
    assert approvals.approve(account, "lookalike", request, replace(review, unverified=())).changed


def test_staged_files_are_compared_by_name_and_size_and_that_is_said(directory: Path) -> None:
    listed = [{"name": f"st/code/{each.path}", "size": each.size, "md5": "x"} for each in manifest(FILES).files]
    account = Account({"COLLABORATION.VIEW_UPDATE_REQUESTS": [row()], "COLLABORATION.VIEW_CODE_SPECS": [code(None)]})
    account.answers["LIST"] = listed
    _, review = reviewed(account)
    compared = verify_reviewed(review, directory, account)
    assert not compared.complete
    assert "names and sizes" in compared.lines[0]
    assert "content was not compared" in compared.lines[0]
    account.answers["LIST"] = [*listed, {"name": "st/code/evil.py", "size": 1, "md5": "x"}]
    with pytest.raises(HashMismatchError) as caught:
        verify_reviewed(review, directory, account)
    assert caught.value.differences == (f"code_V1$train: would run, and is not in {directory}: evil.py",)


@pytest.mark.attack
@pytest.mark.parametrize(
    "answers",
    [
        {"COLLABORATION.VIEW_CODE_SPECS": []},
        {"COLLABORATION.VIEW_CODE_SPECS": unknown("VIEW_CODE_SPECS")},
        {"COLLABORATION.VIEW_CODE_SPECS": [code(ENTRIES, shared_by="agency")]},
        {"COLLABORATION.VIEW_CODE_SPECS": [code(ENTRIES, shared_by=None)]},
        {"REGISTRY.VIEW_REGISTERED_CODE_SPECS": [code(ENTRIES, shared_by="publisher")]},
    ],
)
def test_the_code_of_another_account_under_the_same_id_proves_nothing(
    answers: dict[str, Any], directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = Account({"COLLABORATION.VIEW_UPDATE_REQUESTS": [row()], **answers})
    _, review = reviewed(account)
    assert review.unverified == ("code spec code_V1: not shown by this account; what it would run is not known",)
    with pytest.raises(UsageError):
        check_seen(review, unverified_ok=False)
    monkeypatch.setattr(subjects, "_shown_code_specs", lambda *_: {"CODE_V1": code(ENTRIES)["code_spec"]})
    assert reviewed(account)[1].unverified == ()


def test_ones_own_code_specs_are_read_from_ones_own_registry() -> None:
    own = {"REGISTRY.VIEW_REGISTERED_CODE_SPECS": [code(ENTRIES, shared_by=None)]}
    account = Account({"COLLABORATION.VIEW_UPDATE_REQUESTS": [row(status="REQUESTED")], **own}, "ACME-PUBLISHER")
    assert reviewed(account)[1].unverified == ()


def test_what_a_spec_says_of_a_job_that_is_pinned_reaches_who_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """A field that jobs get later, too: else the default would be shown of it where only the spec is."""
    text = CODE_SPEC.replace("    entrypoint:", "    description: reads the network\n    entrypoint:")
    names = PinnedJob.names()
    monkeypatch.setattr(PinnedJob, "names", lambda: names | {"description"})
    account = target(row(), codes=[code(None, code_spec=text)])
    (request,) = list_requests(account, "lookalike")
    (job,) = subjects.subject_of(account, "lookalike", request).body["code_specs"][0]["ml_jobs"]
    assert job["description"] == "reads the network"
    assert job["entrypoint"] == "train.py"


def test_functions_of_a_code_spec_and_what_a_target_adds_are_shown() -> None:
    function = {"name": "f", "type": "UDF", "language": "PYTHON", "handler": "f", "returns": "FLOAT"}
    artifact = {"alias": "a", "stage_path": "@D.S.T/a.zip"}
    shown = yaml.safe_load(CODE_SPEC) | {"functions": [function | {"code_body": "evil"}], "artifacts": [artifact]}
    account = target(row(spec()["template"] + "secret_key: 1\n"), codes=[code(None, code_spec=json.dumps(shown))])
    _, review = reviewed(account)
    text = review_text(review)
    assert "evil" in text
    assert "also approved: template.secret_key" in text
    assert "artifact code_V1.a: its content is not shown by this account" in review.unverified


@pytest.mark.attack
def test_a_room_that_is_another_owners_is_refused() -> None:
    account = target(row(PLAIN))
    request, review = reviewed(account)
    monkey = replace(review, parties=tuple(replace(each, account=f"EVIL.{each.alias}") for each in review.parties))
    with pytest.raises(WrongPartyError):
        approvals.approve(account, "lookalike", request, monkey)
    other = {"source_name": "other", "owner_account": "ACME.PUBLISHER", "collaboration_spec": COLLABORATION}
    for rows in ([], [other]):
        with pytest.raises(HashMismatchError, match="does not tell whose collaboration"):
            reviewed(target(row(PLAIN), VIEW_COLLABORATIONS=rows))
    stolen = {"source_name": "lookalike", "owner_account": "ACME.MALLORY", "collaboration_spec": COLLABORATION}
    with pytest.raises(HashMismatchError, match="does not name one owner"):
        reviewed(target(row(PLAIN), VIEW_COLLABORATIONS=[stolen]))


@pytest.mark.parametrize(
    "change",
    [
        {"details": {"share_with": ["agency"]}},
        {"details": {"share_with": ["advertiser", "agency"]}},
        {"details": {"template_id": "other_V1"}},
        {"spec": spec(CALL + " -- x")["template"]},
        {"content": HASHES | {"train.py": "0" * 64}},
        {"content": None},
    ],
)
def test_the_portable_digest_is_of_all_that_is_shown(change: dict[str, Any]) -> None:
    def digest(content: object = ENTRIES, **changes: Any) -> str:
        if "details" in changes:
            changes["details"] = json.dumps(json.loads(row()["details"]) | changes["details"])
        return reviewed(target(row(**changes), codes=[code(content)]))[1].approval_digest

    assert digest().startswith("portable:sha256:")
    assert digest(**change) != digest()


def test_the_portable_digest_does_not_depend_on_the_form() -> None:
    forms = [
        target(row(), codes=[code(ENTRIES)]),
        target(row(details=json.loads(row()["details"])), codes=[code(HASHES)]),
        target(row(json.dumps(yaml.safe_load(spec()["template"]))), codes=[code(json.dumps(ENTRIES))]),
        target(row(spec()["template"] + "description: null\n\n"), codes=[code({"files": ENTRIES})]),
    ]
    digests = {reviewed(each)[1].portable for each in forms}
    # Sizes are not in a content digest.
    assert len(digests) == 1
    review = reviewed(forms[0])[1]
    verify_digest(review, digests.pop())
    with pytest.raises(HashMismatchError, match="is not the expected one"):
        verify_digest(review, "portable:sha256:" + "0" * 64)


def test_what_was_pinned_before_the_code_was_shown_is_known_afterwards() -> None:
    """Repeated, an approval failed: the code is shown once it is approved, and is in the digest then."""
    pinned = reviewed(target(row()))[1].portable
    completed = reviewed(target(row(status="COMPLETED"), codes=[code(ENTRIES)]))[1]
    assert completed.portable != pinned
    verify_digest(completed, pinned)
    verify_digest(completed, completed.portable)
    other = reviewed(target(row(spec(CALL + " -- x")["template"])))[1].portable
    # What waits is pinned as it is shown, and another request's digest is never this one's.
    for review, digest in ((completed, other), (reviewed(target(row(), codes=[code(ENTRIES)]))[1], pinned)):
        with pytest.raises(HashMismatchError, match="is not the expected one"):
            verify_digest(review, digest)


@pytest.mark.parametrize(
    ("status", "raised"),
    [("REJECTED", NotApprovedError), ("FAILED", NotApprovedError), ("ON HOLD", NotApprovedError), ("COMPLETED", None)],
)
def test_what_does_not_wait_is_not_approved(status: str, raised: type[CleanroomError] | None) -> None:
    details = json.loads(row(PLAIN)["details"]) | {"failure_reason": "the upgrade failed"}
    account = target(row(PLAIN, status=status, details=details))
    request, review = reviewed(account)
    if raised is None:
        assert not approvals.approve(account, "lookalike", request, review).changed
    else:
        with pytest.raises(raised) as caught:
            approvals.approve(account, "lookalike", request, review)
        assert status != "FAILED" or caught.value.why == "the upgrade failed"
    assert not [sql for sql in account.sent if "APPROVE" in sql]


def test_the_sender_is_shown_requested_and_has_approved_already() -> None:
    account = target(row(PLAIN, status="REQUESTED"))
    account.target = replace(account.target, settings=Account({}, "ACME-PUBLISHER").target.settings)
    request, review = reviewed(account)
    assert not approvals.approve(account, "lookalike", request, review).changed
    assert approvals.withdraw(account, "lookalike", request, "mine").decision == "withdrawn"
    other = target(row(PLAIN, status="REQUESTED"))
    with pytest.raises(UsageError, match="was sent by publisher"):
        approvals.withdraw(other, "lookalike", request, "not mine")


@pytest.mark.attack
def test_the_room_that_is_installed_is_meant_and_not_an_invitation_of_its_name() -> None:
    mine = {"source_name": "lookalike", "collaboration_name": "LOOKALIKE", "owner_account": "ACME.PUBLISHER"}
    theirs = {"source_name": "lookalike", "collaboration_name": None, "owner_account": "EVIL.MALLORY"}
    spoken = {"collaboration_spec": COLLABORATION}
    for rows in ([theirs | spoken, mine | spoken], [mine | spoken, theirs | spoken]):
        review = reviewed(target(row(PLAIN), VIEW_COLLABORATIONS=rows))[1]
        assert review.account_of("owner") == "ACME.PUBLISHER"
    two = [theirs | spoken, theirs | spoken | {"owner_account": "ACME.PUBLISHER"}]
    with pytest.raises(HashMismatchError, match="does not tell whose"):
        reviewed(target(row(PLAIN), VIEW_COLLABORATIONS=two))


EDIT = {
    "operations": [
        {"operation_type": "ADD_COLLABORATOR", "alias": "carol", "account": "EVIL.CAROL", "status": "PENDING"}
    ],
    "requested_by": "publisher",
}


def test_a_change_that_is_no_template_is_shown_whole_and_approved() -> None:
    """API reference, EDIT: one request, `Edit Collaboration`, whose details hold an operation each."""
    account = target(row(COLLABORATION, type="Edit Collaboration", details=json.dumps(EDIT)))
    (request,) = list_requests(account, "lookalike")
    change = review_change(account, "lookalike", request)
    text = change_text(change)
    assert "publisher asks: Edit Collaboration" in text
    assert "EVIL.CAROL" in text
    assert "owner: publisher" in text
    verify_change(change, change.approval_digest)
    assert approvals.approve(account, "lookalike", request, change).changed
    # What became of an operation is not what was asked for; what is asked for is.
    done = json.loads(json.dumps(EDIT).replace('"PENDING"', '"COMPLETED"'))
    other = json.loads(json.dumps(EDIT).replace("CAROL", "DAVE"))
    for details, same in ((done, True), (other, False)):
        again = target(row(COLLABORATION, type="Edit Collaboration", details=details))
        digest = review_change(again, "lookalike", list_requests(again, "lookalike")[0]).approval_digest
        assert (digest == change.approval_digest) is same
    with pytest.raises(HashMismatchError, match="is not the expected one"):
        verify_change(change, "portable:sha256:" + "0" * 64)


def test_rejecting_from_documented_columns() -> None:
    account = target(row())
    done = approvals.reject(account, "lookalike", list_requests(account, "lookalike")[0], "it's no")
    assert done.changed
    assert any("REJECT_UPDATE_REQUEST('lookalike', 'request_1', " in sql for sql in account.sent)
