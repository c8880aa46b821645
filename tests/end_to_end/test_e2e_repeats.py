"""Doing the same again changes nothing, exits 0 and says so (docs/cli-conventions.md, "Safe to repeat")."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.sandbox

PUBLISHER = [
    ("account create publisher", "PUBLISHER: there already"),
    ("connection use publisher", "publisher/ → publisher"),
    ("validate", "no problems"),
    ("collaboration create", "lookalike: there already, JOINED"),
    ("offering link", "features_v1: linked before"),
    ("stage", "unchanged 3"),
    ("spec register", "lookalike_code_V1: unchanged"),
    ("template submit", "train_V1 for advertiser: COMPLETED (sent before)"),
]
ADVERTISER = [
    ("collaboration join", "lookalike: joined before"),
    ("offering link", "seed_v1: linked before"),
    ("approve train --yes --reviewed reviewed_code/", "train_V1 was approved before: COMPLETED"),
    ("pool create", "ML_POOL: CPU_X64_S, 1 node(s), IDLE, for SFDCR_LOOKALIKE (there already)"),
]


@pytest.mark.parametrize(("words", "told"), PUBLISHER)
def test_the_publishers_steps_can_be_repeated(approved, words, told):
    again = approved.publisher.quickly(*words.split())
    assert told in again.out
    assert "uploaded" not in again.out


@pytest.mark.parametrize(("words", "told"), ADVERTISER)
def test_the_advertisers_steps_can_be_repeated(approved, words, told):
    assert told in approved.advertiser.quickly(*words.split()).out


def test_repeating_asks_for_nothing_new(approved):
    before = approved.advertiser.quickly("requests", "--all", "--format", "json").json
    approved.publisher.quickly("template", "submit")
    assert approved.advertiser.quickly("requests", "--all", "--format", "json").json == before
    assert [row["status"] for row in before if row["type"] == "Add Template"] == ["COMPLETED"] * 3
