"""incrementality: what a campaign added, and whom it moved, with the truth at hand."""

from __future__ import annotations

import re

import pandas as pd
import pytest

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.runtime]


def test_the_effect_is_found_and_the_audience_is_the_persuadable(start_sample):
    run = start_sample("incrementality")
    finished = run.to_the_end()
    run.check(finished)

    truth = pd.read_csv(run.root / "truth.csv").set_index("hashed_email")["uplift"]
    train = finished.results["train"]
    assert abs(train["effect"] - truth.mean()) < train["effect_interval"]
    assert "trial 12/12" in finished.logs["train"]

    received = [row["HASHED_EMAIL_SHA256"] for row in finished.activated]
    assert truth[received].mean() > 1.3 * truth.mean()
    assert not any(re.search("[0-9a-f]{64}", log) for log in finished.logs.values())
