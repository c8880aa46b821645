"""A report of a job that has everything: boosting with an evaluation set, a search, importances, usage, a log."""

from __future__ import annotations

import math
import random
from typing import Any

from cleanroom_ml.services.approval_log import Decision
from cleanroom_ml.services.jobs import JobStatus
from cleanroom_ml.services.progress import Progress
from cleanroom_ml.services.reports.gathered import Approval, Log, Report, Result
from cleanroom_ml.services.telemetry import JobUsage, UsagePoint

GIB = 1 << 30
DIGEST = "sha256:8fbf28fd4cdd0a0ae2f1c0d6cbb1f3e2a9c5d47e6b8093f1d2a4c6e8f0b1d3a5"
BEGAN = 1_790_000_000.0
FEATURES = (
    "SPEND_26W", "TRIPS_26W", "COUPONS_BEFORE", "DEPT_GROCERY", "DEPT_DRUG_GM", "BASKET_MEAN", "DISCOUNT_SHARE",
    "WEEKS_SINCE_LAST", "DEPT_PRODUCE", "DEPT_MEAT", "PRIVATE_LABEL_SHARE", "DEPT_NUTRITION", "QUANTITY_MEAN",
    "WEEKEND_SHARE", "DEPT_PASTRY", "DEPT_DELI", "DEPT_SEAFOOD", "DEPT_FLORAL", "EVENING_SHARE", "STORES",
    "DEPT_GARDEN", "DEPT_TRAVEL",
)  # fmt: skip


def told_events(trials: int = 20, rounds: int = 120) -> list[dict[str, Any]]:
    """The events of one search and of the training of its best model."""
    dice = random.Random(7)
    events: list[dict[str, Any]] = [
        {"t": BEGAN, "kind": "nodes", "nodes": [{"address": "127.0.0.1", "cpus": 2, "memory": GIB}]},
        {"t": BEGAN, "kind": "stage", "name": "read", "seconds": 1.2, "rows": 2393},
    ]
    for number in range(1, trials + 1):
        eta, depth, subsample = 10 ** dice.uniform(-2.5, -0.3), dice.randint(2, 9), dice.uniform(0.5, 1)
        params = {
            "learning_rate": eta,
            "max_depth": depth,
            "subsample": subsample,
            "booster": dice.choice(["gbtree", "dart"]),
            "min_child_weight": dice.randint(1, 20),
        }
        auc = 0.87 - 0.03 * (math.log10(eta) + 1.2) ** 2 - 0.002 * (depth - 4) ** 2 + dice.gauss(0, 0.004)
        trial = {"t": BEGAN + number, "kind": "trial", "number": number, "total": trials, "params": params}
        if number == 13:
            events.append(
                trial | {"state": "failed", "metrics": {}, "seconds": 0.4, "error": "XGBoostError: bad booster"}
            )
        else:
            done = {"state": "done", "metrics": {"auc": auc, "logloss": 0.4 - auc / 10}, "seconds": 2 + depth / 3}
            events.append(trial | done | {"metric": "auc", "mode": "max"})
    for iteration in range(rounds):
        falling = math.exp(-iteration / 25)
        metrics = {
            "train-auc": 0.95 - 0.22 * falling,
            "eval-auc": 0.872 - 0.16 * falling - iteration * 0.00004 + dice.gauss(0, 0.0012),
            "train-logloss": 0.2 + 0.3 * falling,
            "eval-logloss": 0.31 + 0.24 * falling + iteration * 0.0002 + dice.gauss(0, 0.002),
        }
        told = {"trainer": "xgboost", "iteration": iteration, "total": rounds, "metrics": metrics}
        events.append({"t": BEGAN + 30 + iteration / 10, "kind": "round", **told})
    gains = {name: 900 * math.exp(-index / 5) for index, name in enumerate(FEATURES)}
    return [*events, {"t": BEGAN + 42, "kind": "importance", "trainer": "xgboost", "values": gains}]


def status(**changes: Any) -> JobStatus:
    """A job that ended well."""
    details = {
        "job_id": "MLJOB_6C5098219278A0EF",
        "status": "DONE",
        "reason": "none",
        "message": "",
        "exit_code": 0,
        "created_on": "2026-09-21T13:46:38.000Z",
        "started_on": "2026-09-21T13:46:40.500Z",
        "ended_on": "2026-09-21T13:47:31.000Z",
        "pool": "ML_POOL",
        "nodes": 1,
        "template_id": "train_V1",
        "code_spec_id": "lookalike_code_V1",
        "job_name": "train",
        "approval_digest": DIGEST,
        "isolation": "bubblewrap",
        "memory_enforced_by": "cgroup_v2",
        "peak_memory_bytes": 1_288_490_188,
        "account": "LOCAL.ADVERTISER",
        "collaboration": "LOOKALIKE",
        "runner": "advertiser",
        **changes,
    }
    return JobStatus(details["job_id"], details["status"], details)


def usage(seconds: int = 51) -> JobUsage:
    """A curve that grows while the data is read, and works on two cores."""
    dice = random.Random(3)
    points, cpu = [], 0.0
    for second in range(seconds):
        used = 0.12 + 0.75 / (1 + math.exp(-(second - 9) / 2)) + 0.1 * math.sin(second / 5) ** 2 + dice.uniform(0, 0.04)
        cpu += min(2.0, max(0.1, 1.75 - 1.6 * math.exp(-second / 4) + dice.gauss(0, 0.12)))
        points.append(UsagePoint(BEGAN + second, int(used * 1.5 * GIB), round(cpu, 2)))
    return JobUsage(tuple(points), 2 * GIB, 2)


def report(**changes: Any) -> Report:
    """Everything of it; `changes` replace whole parts."""
    lines = [f"trial {number}/20  auc {0.84 + number / 1000:.4f}  (2.1 s)" for number in range(1, 21)]
    lines = ["2,393 households, 37 features, 338 redeemed a coupon", *lines, "5-fold AUC 0.8637"]
    parts: dict[str, Any] = {
        "job_id": "MLJOB_6C5098219278A0EF",
        "collaboration": "lookalike",
        "target": "embedded engine, account LOCAL.ADVERTISER",
        "gathered_on": "2026-09-21T13:50:00.000000Z",
        "status": status(),
        "approval": Approval(
            "request_1f0c",
            DIGEST,
            "publisher",
            (
                Decision("publisher", "APPROVED", "the sender's own", "2026-09-21T12:01:10.000000Z"),
                Decision("advertiser", "APPROVED", "", "2026-09-21T12:20:42.000000Z"),
            ),
        ),
        "usage": usage(),
        "progress": Progress.of(told_events()),
        "log": Log(tuple(lines), 22),
        "result": Result({"auc": 0.8637, "capture_in_best_20_percent": 0.6361, "households": 2393, "redeemers": 338}),
        **changes,
    }
    return Report(**parts)
