"""Both roles on a target that has nothing but what is documented: the engine, with its own database out of sight.

Source of what is there without it: API reference, VIEW_UPDATE_REQUESTS, VIEW_CODE_SPECS, VIEW_REGISTERED_CODE_SPECS.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from e2e_parties import Party

from cleanroom_ml.connection import capabilities

NAMES = ("train", "score", "activate")


@dataclass(frozen=True)
class Told:
    """Both parties, and what the reviews said while the engine's own database could be seen."""

    publisher: Party
    advertiser: Party
    reviews: dict[str, dict[str, Any]]
    own: dict[str, Any]


@pytest.fixture(scope="module")
def pair(new_project) -> Iterator[Told]:
    made = new_project("documented")
    made.meet()
    made.submit()
    reviews = {name: made.advertiser.quickly("review", name, "--format", "json").json for name in NAMES}
    own = made.publisher.quickly("review", "train", "--format", "json").json
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(capabilities, "OWN_DATABASE", "NOT_THERE")
        yield Told(made.publisher, made.advertiser, reviews, own)


def test_the_portable_digest_is_the_same_on_both(pair: Told) -> None:
    """Of a template without code for who decides; of one with code for who sent it, who is shown the hashes."""
    for party, name, engines in (
        (pair.advertiser, "activate", pair.reviews["activate"]),
        (pair.publisher, "train", pair.own),
    ):
        told = party.quickly("review", name, "--format", "json").json
        assert told["approval_digest"] == told["portable"] == engines["portable"]
        assert engines["approval_digest"].startswith("sha256:")
        assert told["unverified"] == []


def test_what_is_not_shown_is_named_and_approved_knowingly(pair: Told) -> None:
    assert "train_documented1" in pair.advertiser.quickly("requests").out
    review = pair.advertiser.quickly("review", "train", "--reviewed", "reviewed_code/").out
    assert "NOT VERIFIED: code spec lookalike_code_documented1: not shown by this account" in review
    approve = ("approve", "train", "--yes", "--reviewed", "reviewed_code/")
    refused = pair.advertiser.quickly(*approve, code=2)
    assert "--unverified-ok" in refused.err
    digest = pair.advertiser.quickly("review", "train", "--format", "json").json["portable"]
    assert (
        "--unverified-ok" in pair.advertiser.quickly("approve", "train", "--yes", "--expect-digest", digest, code=2).err
    )
    engines = pair.reviews["train"]["approval_digest"]
    pair.advertiser.quickly("approve", "train", "--yes", "--unverified-ok", "--expect-digest", engines, code=11)
    assert "COMPLETED" in pair.advertiser.quickly(*approve, "--unverified-ok").out
    listed = pair.advertiser.quickly("code", "list", "--format", "json").json
    assert {row["content_digest"][:7] for row in listed} == {"sha256:"}


def test_what_has_no_code_needs_no_such_word(pair: Told) -> None:
    digest = pair.reviews["activate"]["portable"]
    done = pair.advertiser.quickly("approve", "activate", "--yes", "--expect-digest", digest)
    assert "approved activate_documented1: COMPLETED" in done.out
    assert (
        "was approved before" in pair.advertiser.quickly("approve", "activate", "--yes", "--expect-digest", digest).out
    )


def test_a_provider_withdraws_removes_and_sends_again(pair: Told) -> None:
    assert (
        "train_documented1 for advertiser: COMPLETED (sent before)" in pair.publisher.quickly("template", "submit").out
    )
    assert "withdrawn" in pair.publisher.quickly("requests", "withdraw", "score", "--yes").out
    pair.advertiser.quickly("template", "remove", "train_documented1", "--from-collaboration", "--yes", code=12)
    removed = pair.publisher.quickly("template", "remove", "train_documented1", "--from-collaboration", "--yes")
    assert "removed for advertiser" in removed.out
    refused = pair.publisher.quickly("template", "remove", "activate_documented1", code=5)
    assert "documented" in refused.err, "UNREGISTER_TEMPLATE lists the collaborations that use it"
    assert "train_documented1" not in pair.advertiser.quickly("template", "list").out
    sent = pair.publisher.quickly("template", "submit").out
    assert "train_documented1 for advertiser: REQUESTED\n" in sent
    assert "score_documented1 for advertiser: REQUESTED\n" in sent
    assert "activate_documented1 for advertiser: COMPLETED (sent before)" in sent
