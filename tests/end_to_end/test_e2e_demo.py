"""`cleanroom-ml demo` on the whole real data (issue 2, must show 1)."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from e2e_parties import Party, Person

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module")
def somebody():
    root = Path(tempfile.mkdtemp(prefix="cr-demo-"))
    party = Party(root, Person(root))
    try:
        yield party
    finally:
        party.types("engine", "stop")
        shutil.rmtree(root)


@pytest.fixture(scope="module")
def first(somebody):
    return somebody.types("demo", "--format", "json")


def test_the_demo_ends_with_real_metrics_as_one_json_object(first):
    told = first.json
    assert told["auc"] >= 0.82
    assert told["capture_at_20"] >= 0.55
    assert told["activated_rows"] == 400
    assert set(told["job_ids"]) == {"train", "score"}
    assert told["approval_digest"].startswith("sha256:")
    assert told["isolation"] == "bubblewrap"
    assert told["seconds"] > 0
    assert len(Path(told["audience"]).read_text().splitlines()) == 401
    assert "fold 5/5" in first.err


@pytest.mark.slow
def test_a_second_demo_finds_what_the_first_one_did_and_shuffled_labels_are_chance(somebody, first):
    second = somebody.types("demo", "--shuffle-labels", "--format", "json")
    assert "has ML_DB.PUBLIC.TRANSACTIONS" in second.err
    assert "had approved train_" in second.err
    assert second.json["approval_digest"] == first.json["approval_digest"]
    assert second.json["job_ids"] != first.json["job_ids"]
    assert 0.44 <= second.json["auc"] <= 0.56
