"""propensity: who will buy the brand next quarter, from `init --from` to the audience."""

from __future__ import annotations

import re

import pandas as pd
import pytest

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]


def test_probabilities_are_right_and_the_audience_has_not_bought(start_sample):
    run = start_sample("propensity")
    finished = run.to_the_end()
    run.check(finished)

    train = finished.results["train"]
    assert train["brier"] < train["brier_of_base_rate"]
    assert all(abs(group["promised"] - group["real"]) < 0.15 for group in train["reliability"])

    sales = pd.read_parquet(run.root / "retailer/data/transactions.parquet")
    brand = set(pd.read_parquet(run.root / "brand/data/assortment.parquet")["PRODUCT_ID"])
    lately = sales[sales["PRODUCT_ID"].isin(brand) & (sales["TRANSACTION_TIMESTAMP"] >= "2017-10-03")]
    received = {row["HASHED_EMAIL_SHA256"] for row in finished.activated}
    assert received <= set(sales["HASHED_EMAIL"]) - set(lately["HASHED_EMAIL"])
    assert all(float(row["PROBABILITY"]) >= 0.2 for row in finished.activated)
    assert not any(re.search("[0-9a-f]{64}", log) for log in finished.logs.values())
