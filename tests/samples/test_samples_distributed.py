"""distributed-training: three trainers on two nodes, from `init --from` to the audience."""

from __future__ import annotations

import pandas as pd
import pytest

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.runtime]


def test_three_trainers_on_two_nodes_find_who_orders(start_sample):
    run = start_sample("distributed-training")
    finished = run.to_the_end()
    run.check(finished)

    auc = finished.results["train"]["auc"]
    assert finished.results["train"]["best"] == max(auc, key=auc.__getitem__)
    ordered = set(pd.read_parquet(run.root / "shop/data/orders.parquet")["HASHED_EMAIL"])
    assert not ordered & {row["HASHED_EMAIL_SHA256"] for row in finished.activated}
