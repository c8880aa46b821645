"""Nothing runs that somebody has not approved, and a rejection stays (issue 2, must show 5)."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def pair(new_project):
    made = new_project("deciding")
    made.meet()
    made.submit()
    made.advertiser.quickly("pool", "create")
    return made


def test_before_everybody_approved_a_run_says_who_is_missing(pair):
    refused = pair.advertiser.quickly("run", "train", code=10)
    assert "advertiser has not decided" in refused.err
    assert "fix: cleanroom-ml approve train_deciding1" in refused.err
    assert refused.out == ""
    assert pair.advertiser.quickly("run", "train", "--format", "json", code=10).json["error"]["exit_code"] == 10


def test_an_approval_that_nobody_looked_at_is_refused(pair):
    refused = pair.advertiser.quickly("approve", "train", "--yes", code=2)
    assert "--reviewed DIR" in refused.err
    without_terminal = pair.advertiser.quickly("approve", "train", "--reviewed", "reviewed_code/", code=2)
    assert "--yes" in without_terminal.err
    assert "train_deciding1" in pair.advertiser.quickly("requests").out


def test_a_rejection_is_final(pair):
    asks = pair.advertiser.quickly("reject", "score", "--reason", "prints ids", code=2)
    assert "--yes" in asks.err
    rejected = pair.advertiser.quickly("reject", "score", "--yes", "--reason", "prints ids")
    assert "rejected score_deciding1" in rejected.out
    for words in (("run", "score"), ("approve", "score", "--yes", "--reviewed", "reviewed_code/"), ("run", "score")):
        refused = pair.advertiser.quickly(*words, code=10)
        assert "rejected" in refused.err
    assert "prints ids" in pair.advertiser.quickly("run", "score", code=10).err
    assert "(before)" in pair.advertiser.quickly("reject", "score", "--yes").out
    told = pair.publisher.quickly("requests", "--all", "--format", "json").json
    assert [row["status"] for row in told if row["template_id"] == "score_deciding1"] == ["REJECTED"]
    # Sending the same template again does not ask again.
    sent = pair.publisher.quickly("template", "submit")
    assert "score_deciding1 for advertiser: REJECTED (sent before)" in sent.out
    pair.advertiser.quickly("run", "score", code=10)


def test_an_approval_cannot_become_a_rejection(pair):
    pair.approve("train")
    refused = pair.advertiser.quickly("reject", "train", "--yes", code=1)
    assert "an approval cannot become a rejection" in refused.err


def test_what_waits_is_withdrawn_and_sent_again(pair):
    """And `approve NAME` means the one that waits, not the one that has ended."""
    asks = pair.publisher.quickly("template", "withdraw", "activate", code=2)
    assert "--yes" in asks.err
    refused = pair.advertiser.quickly("template", "withdraw", "activate", "--yes", code=2)
    assert "only its sender" in refused.err
    withdrawn = pair.publisher.quickly("template", "withdraw", "activate", "--yes", "--reason", "wrong columns")
    assert "activate_deciding1: withdrawn" in withdrawn.out
    assert "withdrawn before" in pair.publisher.quickly("template", "withdraw", "activate", "--yes").out
    ended = pair.advertiser.quickly("approve", "activate", "--yes", "--expect-digest", "sha256:" + "0" * 64, code=11)
    assert "is not the expected one" in ended.err
    digest = pair.digest("activate")
    ended = pair.advertiser.quickly("approve", "activate", "--yes", "--expect-digest", digest, code=10)
    assert "was withdrawn by publisher" in ended.err
    assert "was withdrawn by publisher" in pair.advertiser.quickly("activate", "--yes", code=10).err
    sent = pair.publisher.quickly("template", "submit")
    assert "activate_deciding1 for advertiser: REQUESTED\n" in sent.out + "\n"
    rows = pair.advertiser.quickly("requests", "--all", "--format", "json").json
    old, new = [row["id"] for row in rows if row["template_id"] == "activate_deciding1"]
    approved = pair.advertiser.quickly("approve", "activate", "--yes", "--expect-digest", digest, "--format", "json")
    assert approved.json["request_id"] == new != old
    assert "next: cleanroom-ml activate activate_deciding1" in approved.err
    assert "is COMPLETED already" in pair.publisher.quickly("template", "withdraw", "activate", "--yes", code=1).err
