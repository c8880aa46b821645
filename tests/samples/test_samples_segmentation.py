"""segmentation: households that shop alike and who lives in them, from `init --from` to one segment's households."""

from __future__ import annotations

import pandas as pd
import pytest

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]


def test_the_segment_that_spends_most_arrives_under_its_name(start_sample):
    run = start_sample("segmentation")
    finished = run.to_the_end()
    run.check(finished)

    clustered = finished.results["cluster"]
    assert str(clustered["segments"]) == max(clustered["silhouette"], key=clustered["silhouette"].get)
    first = clustered["profiles"][0]
    assert first["spend"] == max(profile["spend"] for profile in clustered["profiles"])
    assert {row["SEGMENT_NAME"] for row in finished.activated} == {first["name"]}

    sales = pd.read_parquet(run.root / "retailer/data/sales.parquet")
    members = [row["HASHED_EMAIL_SHA256"] for row in finished.activated]
    assert len(set(members)) == len(members) == first["households"]
    spend = sales[sales["TRANSACTION_TIMESTAMP"] < "2018-01-01"].groupby("HASHED_EMAIL")["SALES_VALUE"].sum()
    assert spend[members].mean() == pytest.approx(first["spend"], abs=0.5)

    told = finished.results["profile"]
    assert told
    assert min(row["households"] for row in told) >= 20
    panel = pd.read_parquet(run.root / "panel/data/members.parquet")
    (shown,) = [row for row in told if (row["segment"], row["attribute"], row["band"]) == (1, "age", "45-54")]
    assert shown["households"] == (panel[panel["HASHED_EMAIL"].isin(members)]["AGE"] == "45-54").sum()
