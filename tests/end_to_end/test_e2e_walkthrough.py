"""Both roles' walkthrough as it is typed, on real data (issue 2, must show 3)."""

from __future__ import annotations

import csv
import json

import pyarrow.parquet as pq
import pytest

pytestmark = pytest.mark.sandbox


@pytest.mark.slow
def test_on_a_machine_without_a_gpu_a_gpu_pool_says_that_its_family_needs_one(approved):
    advertiser = approved.advertiser
    if advertiser.types("doctor", "--format", "json").out.find("NVIDIA") == -1:
        pytest.fail("doctor tells nothing about GPUs")
    made = advertiser.types("pool", "create", "GPU_POOL", "--family", "GPU_NV_S")
    assert "GPU_NV_S" in made.out
    before = advertiser.types("jobs", "--format", "json").json
    refused = advertiser.types("run", "--pool", "GPU_POOL", code=5)
    assert "GPU_POOL (GPU_NV_S) needs an NVIDIA GPU, and this machine has none" in refused.err
    assert refused.err.splitlines()[1].startswith("error: ")
    assert any(line.startswith("fix: ") for line in refused.err.splitlines())
    assert refused.out == ""
    assert advertiser.types("jobs", "--format", "json").json == before


def test_a_followed_run_trains(trained):
    _, ran = trained
    assert ran.json["status"] == "DONE"
    assert "fold 5/5: AUC" in ran.err
    assert "fold" not in ran.out


def test_the_runner_sees_status_log_and_result(trained):
    pair, ran = trained
    job_id, advertiser = ran.json["job_id"], pair.advertiser
    status = advertiser.types("status", job_id, "--format", "json").json
    assert status["status"] == "DONE"
    assert status["details"]["exit_code"] == 0
    assert status["details"]["pool"] == "ML_POOL"
    assert status["details"]["approval_digest"] == pair.digest("train")
    assert "fold 1/5: AUC" in advertiser.types("logs", job_id).out
    result = advertiser.types("result", job_id, "--format", "json").json
    assert result["job_id"] == job_id
    assert 0.6 < result["result"]["auc"] <= 1.0
    assert result["result"]["positives"] > 300


def test_jobs_and_history_tell_what_was_run(trained):
    pair, ran = trained
    listed = pair.advertiser.types("jobs", "--format", "json").json
    (train,) = [row for row in listed if row["job_id"] == ran.json["job_id"]]
    assert (train["status"], train["template_id"]) == ("DONE", "train_V1")
    history = pair.advertiser.types("history", "--format", "json").json
    assert any(ran.json["job_id"] in json.dumps(row) for row in history)
    of_the_partner = pair.publisher.types("history").out
    assert "train_V1" in of_the_partner


def test_the_audience_arrives_as_csv_and_as_parquet(activated):
    publisher = activated.publisher
    (sent,) = publisher.types("activation", "list", "--format", "json").json
    assert (sent["segment_name"], sent["status"]) == ("lookalike_q3", "SHARED")
    early = publisher.types("activation", "export", "--segment", "lookalike_q3", "--output", "audience.csv", code=2)
    assert "activation process --segment lookalike_q3" in early.err
    assert not (publisher.directory / "audience.csv").exists()

    (taken,) = publisher.types("activation", "process", "--segment", "lookalike_q3", "--format", "json").json
    assert taken["status"] == "PROCESSED"
    for name in ("audience.csv", "audience.parquet"):
        wrote = publisher.types("activation", "export", "--segment", "lookalike_q3", "--output", name)
        assert f"{name}: 400 rows" in wrote.out
    with (publisher.directory / "audience.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    table = pq.read_table(publisher.directory / "audience.parquet").to_pylist()
    assert [row["HASHED_EMAIL_SHA256"] for row in table] == [row["HASHED_EMAIL_SHA256"] for row in rows]
    assert len({row["HASHED_EMAIL_SHA256"] for row in rows}) == 400
    assert [row["SCORE"] for row in table] == [float(row["SCORE"]) for row in rows]

    again = publisher.types("activation", "process", "--segment", "lookalike_q3")
    assert "received before" in again.out

    # Activating again is asked for; it is another batch, and until it is taken, the one before is what there is.
    (first,) = publisher.quickly("activation", "list", "--format", "json").json
    refused = activated.advertiser.quickly("activate", "--yes", code=1)
    assert f"was sent before as batch {first['batch_id']}, which is PROCESSED" in refused.err
    assert "cleanroom-ml activate … --again" in refused.err
    activated.advertiser.quickly("activate", "--yes", "--again")
    batches = publisher.quickly("activation", "list", "--format", "json").json
    assert {row["status"] for row in batches} == {"PROCESSED", "SHARED"}
    assert len({row["batch_id"] for row in batches}) == 2
    export = ("activation", "export", "--segment", "lookalike_q3", "--output", "again.csv")
    assert "400 rows" in publisher.quickly(*export).out
    nothing = activated.advertiser.quickly(*export, code=2)
    assert "segment 'lookalike_q3' was sent by this party: its records are with publisher" in nothing.err
    assert "fix: publisher: cleanroom-ml activation process --segment lookalike_q3" in nothing.err
