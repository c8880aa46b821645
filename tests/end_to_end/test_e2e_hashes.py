"""Bytes are what was registered, reviewed and pinned, or nothing happens (issue 2, must show 4)."""

from __future__ import annotations

import hashlib

import pytest


def _one_byte_changed(party, name):
    """Change the last byte of a file that ends with a line end: the size stays, and so does what it does."""
    path = party.directory / name
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b" ")
    return path


@pytest.fixture(scope="module")
def pair(new_project):
    made = new_project("bytes")
    made.meet()
    made.publisher.quickly("stage")
    made.publisher.quickly("spec", "register")
    return made


@pytest.fixture(scope="module")
def asked(pair):
    """`train` and `score` are asked for, `activate` is not."""
    pair.publisher.quickly("template", "submit", "train.yaml", "score.yaml")
    return pair


def test_a_changed_reviewed_copy_is_refused_and_named(asked):
    reviewed = asked.advertiser.directory / "reviewed_code/features.py"
    before = reviewed.read_bytes()
    _one_byte_changed(asked.advertiser, "reviewed_code/features.py")
    try:
        refused = asked.advertiser.quickly("approve", "train", "--yes", "--reviewed", "reviewed_code/", code=11)
        as_data = asked.advertiser.quickly(
            "approve", "train", "--yes", "--reviewed", "reviewed_code/", "--format", "json", code=11
        )
    finally:
        reviewed.write_bytes(before)
    assert "features.py" in refused.err.partition("why: ")[2]
    assert "train.py" not in refused.err.partition("why: ")[2]
    assert as_data.json["error"]["exit_code"] == 11
    assert any("features.py" in line for line in as_data.json["error"]["differences"])
    waiting = asked.advertiser.quickly("requests", "--format", "json").json
    assert [row["status"] for row in waiting if row["template_id"] == "train_bytes1"] == ["PENDING_MY_APPROVAL"]


def test_a_file_staged_anew_after_registration_is_found_by_the_command(new_project):
    pair = new_project("restaged")
    pair.meet()
    pair.publisher.quickly("stage")
    pair.publisher.quickly("spec", "register")
    _one_byte_changed(pair.publisher, "code/train.py")
    not_staged = pair.publisher.quickly("template", "submit", code=11)
    assert "train.py" in not_staged.err
    assert "fix: cleanroom-ml stage" in not_staged.err
    pair.publisher.quickly("stage")
    conflict = pair.publisher.quickly("template", "submit", code=1)
    assert "train.py" in conflict.err
    assert "--bump" in conflict.err


def test_a_file_staged_anew_after_registration_fails_the_request_at_the_server(asked):
    """The command's own check is taken away: the project no longer says which directory the code is."""
    publisher = asked.publisher
    code = publisher.directory / "code/train.py"
    before, project = code.read_bytes(), (publisher.directory / "cleanroom.yaml").read_text()
    _one_byte_changed(publisher, "code/train.py")
    publisher.quickly("stage")
    publisher.edit("cleanroom.yaml", "code: code/\n", "")
    publisher.edit("train.yaml", "version: bytes1", "version: other1")
    try:
        refused = publisher.quickly("template", "submit", "train.yaml", code=11)
        assert "ContentHashMismatchError" in refused.err
        assert "train.py" in refused.err
        assert "score.py" not in refused.err
        asked_for = publisher.quickly("requests", "--all", "--format", "json").json
        assert {row["status"] for row in asked_for if row["template_id"] == "train_other1"} <= {"FAILED"}
    finally:
        code.write_bytes(before)
        (publisher.directory / "cleanroom.yaml").write_text(project)
        publisher.quickly("stage")
    # The same bytes again: the same request is accepted.
    sent = publisher.quickly("template", "submit", "train.yaml")
    assert ": REQUESTED" in sent.out
    publisher.edit("train.yaml", "version: other1", "version: bytes1")


@pytest.mark.sandbox
def test_an_object_changed_on_disk_after_approval_stops_the_job(new_project):
    pair = new_project("ondisk")
    pair.meet()
    pair.submit()
    pair.approve("train", "score")
    pair.advertiser.quickly("pool", "create")
    digest = hashlib.sha256((pair.publisher.directory / "code/features.py").read_bytes()).hexdigest()
    (stored,) = (pair.person.home / "objects").rglob(f"*{digest}*")
    content = stored.read_bytes()
    stored.chmod(0o600)
    stored.write_bytes(content[:-1] + b" ")
    try:
        ended = pair.advertiser.quickly("run", "train", "--wait", "--format", "json", code=20)
    finally:
        stored.write_bytes(content)
        stored.chmod(0o444)
    assert ended.json["status"] == "FAILED"
    assert ended.json["details"]["reason"] == "refused"
    assert "features.py" in ended.json["details"]["message"]
    assert "trained" not in pair.advertiser.quickly("logs", ended.json["job_id"]).out
    assert pair.advertiser.quickly("run", "train", "--wait", "--format", "json").json["status"] == "DONE"


def _template_swapped(publisher):
    publisher.edit("train.yaml", "'shuffle_labels', {{", "'shuffled', {{")
    publisher.edit("train.yaml", "version: swap1", "version: swap2")


def _requirements_swapped(publisher):
    publisher.edit("code_spec.yaml", "      - scikit-learn\n", "")
    publisher.quickly("spec", "register", "--bump")


def _entrypoint_swapped(publisher):
    publisher.edit("code_spec.yaml", "entrypoint: train.py", "entrypoint: score.py")
    publisher.quickly("spec", "register", "--bump")


def test_what_is_swapped_after_its_digest_was_noted_is_not_approved(new_project):
    """One request after the other, each pinned to the digest of the one before."""
    pair = new_project("swap")
    pair.meet()
    pair.submit()
    noted = pair.digest("train")
    for swap in (_template_swapped, _requirements_swapped, _entrypoint_swapped):
        swap(pair.publisher)
        pair.publisher.quickly("template", "withdraw", "train", "--yes")
        pair.publisher.quickly("template", "submit")
        refused = pair.advertiser.quickly("approve", "train", "--yes", "--expect-digest", noted, code=11)
        assert noted in refused.err.partition("why: ")[2], swap.__name__
        now = pair.digest("train")
        assert now != noted
        noted = now
    done = pair.advertiser.quickly("approve", "train", "--yes", "--expect-digest", noted)
    assert "approved train_swap" in done.out
