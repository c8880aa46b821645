"""custom-workflow: a private wheel and a model trained elsewhere, both approved by their hashes."""

from __future__ import annotations

import pandas as pd
import pytest
from samples_run import Finished

pytestmark = pytest.mark.sandbox


def test_the_private_library_runs_in_the_room_once_its_reviewer_has_the_same_bytes(start_sample):
    run = start_sample("custom-workflow")
    run.meet()
    run.submit()

    wheel = next((run.root / "grocer/reviewed_code/wheels").glob("*.whl"))
    read = wheel.read_bytes()
    wheel.write_bytes(read + b"\n")
    refused = run.parties["grocer"].quickly(
        "approve", "custom_profile", "--yes", "--reviewed", "reviewed_code", code=11
    )
    assert wheel.name in refused.err
    wheel.write_bytes(read)

    for name in run.parties:
        run.approve(name)
    results, logs = run.run_all()
    finished = Finished(results, logs, run.activate())
    run.check(finished)

    assert "dietscore 1.2.0" in finished.logs["profile"]
    members = set(pd.read_parquet(run.root / "wellness/data/members.parquet")["HASHED_EMAIL"])
    assert {row["HASHED_EMAIL_SHA256"] for row in finished.activated} <= members
    assert all(float(row["CHANGE"]) < 0 for row in finished.activated)
