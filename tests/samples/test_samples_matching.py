"""transaction-matching: payments and orders on a Ray cluster of two nodes, compared with the truth."""

from __future__ import annotations

import pandas as pd
import pytest

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.runtime]


def test_nearly_all_that_is_matched_is_right_and_nearly_all_is_found(start_sample):
    run = start_sample("transaction-matching")
    finished = run.to_the_end()
    run.check(finished)

    matched = pd.DataFrame(finished.activated)
    assert not matched["ORDER_ID"].duplicated().any()
    assert not matched["PAYMENT_REFERENCE"].duplicated().any()
    truth = pd.read_csv(run.root / "truth.csv").rename(columns=str.upper)
    right = len(matched.merge(truth))
    assert right / len(matched) >= 0.98
    assert right / len(truth) >= 0.93
    # The expectation comes from the pairs alone: it may be modest, not boastful.
    assert finished.results["match"]["expected_precision"] <= right / len(matched) + 0.01
