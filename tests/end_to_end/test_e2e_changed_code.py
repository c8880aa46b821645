"""The loop of somebody whose code has changed: stage, bump, submit, and the difference in front of the approver."""

from __future__ import annotations

import shutil

import pytest


@pytest.mark.sandbox
@pytest.mark.slow
def test_code_that_changed_becomes_the_next_version(new_project):
    pair = new_project("edited")
    publisher, advertiser = pair.publisher, pair.advertiser
    pair.meet()
    pair.submit()
    pair.approve("train", "score")
    publisher.edit("train.yaml", "spec_type: template\n", "spec_type: template  # reviewed with legal in May\n")
    publisher.edit("code/train.py", "'auc': 0.5", "'auc': 0.6")

    not_staged = publisher.quickly("spec", "register", code=11)
    assert "staged with other content: train.py" in not_staged.err
    assert "fix: cleanroom-ml stage" in not_staged.err
    staged = publisher.quickly("stage")
    assert "uploaded  train.py" in staged.out
    assert "unchanged 2" in staged.out

    conflict = publisher.quickly("spec", "register", code=1)
    assert "lookalike_code_edited1 is registered with other content" in conflict.err
    assert "train.py" in conflict.err
    assert "score.py" not in conflict.err
    assert "fix: cleanroom-ml spec register --bump" in conflict.err
    assert "train.py" in publisher.quickly("spec", "diff").out

    bumped = publisher.quickly("spec", "register", "--bump")
    assert "lookalike_code_edited2: registered" in bumped.out
    for name in ("code_spec.yaml", "train.yaml", "score.yaml"):
        assert f"edited {name}" in bumped.out
    train = (publisher.directory / "train.yaml").read_text()
    assert "version: edited2\n" in train
    assert "  - lookalike_code_edited2\n" in train
    assert "# reviewed with legal in May" in train
    assert "version: edited1" in (publisher.directory / "activate.yaml").read_text()
    assert "unchanged" in publisher.quickly("spec", "register").out

    sent = publisher.quickly("template", "submit")
    assert "train_edited2 for advertiser: REQUESTED" in sent.out
    # The version approved before still runs; the new one waits.
    advertiser.quickly("run", "train_edited2", code=10)

    stale = advertiser.quickly("approve", "train", "--yes", "--reviewed", "reviewed_code/", code=11)
    shown, _, refused = stale.err.partition("error: ")
    changes = shown.partition("changes since train_edited1")[2]
    assert "train.py" in changes
    assert "features.py" not in changes
    assert "train.py" in refused
    shutil.copy(publisher.directory / "code/train.py", advertiser.directory / "reviewed_code/train.py")
    approved = advertiser.quickly("approve", "train", "--yes", "--reviewed", "reviewed_code/")
    assert "approved train_edited2" in approved.out

    advertiser.quickly("pool", "create")
    ended = advertiser.quickly("run", "train", "--wait", "--format", "json").json
    assert ended["details"]["template_id"] == "train_edited2"
    assert advertiser.quickly("result", ended["job_id"], "--format", "json").json["result"] == {"auc": 0.6}
