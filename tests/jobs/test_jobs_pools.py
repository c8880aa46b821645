from __future__ import annotations

import pytest

from cleanroom_ml.engine.contracts.job import JobRequest
from cleanroom_ml.engine.jobs.errors import ComputePoolError
from cleanroom_ml.engine.jobs.gpu import Gpus
from cleanroom_ml.engine.jobs.pools import ComputePools
from cleanroom_ml.engine.jobs.store import SCHEMA, JobStore
from cleanroom_ml.engine.storage.database import Database
from cleanroom_ml.evidence.pinned_job import PinnedJob

SMALL = {"MIN_NODES": 1, "MAX_NODES": 2, "INSTANCE_FAMILY": "CPU_X64_XS"}


@pytest.fixture
def store(tmp_path):
    database = Database.open(tmp_path / "catalog.sqlite", [SCHEMA])
    yield JobStore(database)
    database.close()


@pytest.fixture
def pools(store):
    return ComputePools(store._database, store, gpus=Gpus)


def request(pool="P", nodes=1, account="ACME"):
    return JobRequest(
        account,
        "ANA",
        "C",
        "acme",
        "SFDCR_C",
        "t_v1",
        "c_v1",
        PinnedJob("job", "a.py", allow_monitoring=True),
        (),
        "{}",
        pool,
        nodes,
        "WH",
        "",
        10,
    )


def shown(listing):
    names = [name for name, _ in listing.columns]
    return [dict(zip(names, row, strict=True)) for row in listing.rows]


def test_create_show_describe(pools):
    pools.create("ACME", "P", {**SMALL, "AUTO_RESUME": "TRUE", "COMMENT": "ours"}, application="SFDCR_C")
    (row,) = shown(pools.show("ACME"))
    assert row["name"] == "P"
    assert row["state"] == "IDLE"
    assert (row["min_nodes"], row["max_nodes"], row["instance_family"]) == (1, 2, "CPU_X64_XS")
    assert (row["is_exclusive"], row["application"], row["auto_suspend_secs"]) == ("true", "SFDCR_C", 3600)
    assert shown(pools.describe("ACME", "P"))[0]["comment"] == "ours"


def test_like_and_other_accounts(pools):
    for name in ("TRAIN_A", "TRAIN_B", "OTHER"):
        pools.create("ACME", name, SMALL)
    assert [row["name"] for row in shown(pools.show("ACME", "train%"))] == ["TRAIN_A", "TRAIN_B"]
    assert shown(pools.show("BETA")) == []
    with pytest.raises(ComputePoolError, match="does not exist or not authorized"):
        pools.describe("BETA", "TRAIN_A")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"MIN_NODES": 1, "MAX_NODES": 1}, "needs INSTANCE_FAMILY"),
        ({**SMALL, "MIN_NODES": 3}, "MIN_NODES must be at least 1"),
        ({**SMALL, "MIN_NODES": 0}, "MIN_NODES must be at least 1"),
        ({**SMALL, "MAX_NODES": "many"}, "MAX_NODES must be a whole number"),
        ({**SMALL, "MAX_NODES": 10**12}, "out of range"),
        ({**SMALL, "AUTO_RESUME": "PERHAPS"}, "TRUE or FALSE"),
        ({**SMALL, "INSTANCE_FAMILY": "CPU_HUGE"}, "not an instance family"),
        ({**SMALL, "PLACEMENT_GROUP": "A"}, "PLACEMENT_GROUP is not supported"),
    ],
)
def test_bad_options_are_refused(pools, options, message):
    with pytest.raises(ComputePoolError, match=message):
        pools.create("ACME", "P", options)
    assert pools.find("ACME", "P") is None


def test_a_name_that_needs_quotes_is_refused(pools):
    with pytest.raises(ComputePoolError, match="cannot name"):
        pools.create("ACME", "my pool", SMALL)


def test_create_twice(pools):
    assert pools.create("ACME", "P", SMALL)
    assert not pools.create("ACME", "P", SMALL, if_not_exists=True)
    with pytest.raises(ComputePoolError, match="already exists"):
        pools.create("ACME", "P", SMALL)


def test_drop(pools, store):
    pools.create("ACME", "P", SMALL)
    store.add("J", request())
    with pytest.raises(ComputePoolError, match=r"1 job\(s\)"):
        pools.drop("ACME", "P")
    from cleanroom_ml.engine.jobs import endings

    store.end("J", endings.CANCELLED)
    assert pools.drop("ACME", "P")
    assert not pools.drop("ACME", "P", if_exists=True)
    with pytest.raises(ComputePoolError, match="does not exist"):
        pools.drop("ACME", "P")


def test_a_reserved_pool_admits_its_application_only(pools):
    pools.create("ACME", "P", SMALL, application="SFDCR_C")
    pools.admit("ACME", "P", application="SFDCR_C", nodes=1)
    with pytest.raises(ComputePoolError, match="reserved for application SFDCR_C"):
        pools.admit("ACME", "P", application="SFDCR_OTHER", nodes=1)


@pytest.mark.parametrize("nodes", [0, -1, 3])
def test_more_nodes_than_the_pool_has(pools, nodes):
    pools.create("ACME", "P", SMALL)
    with pytest.raises(ComputePoolError, match="at most 2"):
        pools.admit("ACME", "P", application="A", nodes=nodes)


def test_suspend_and_resume(pools):
    pools.create("ACME", "AUTO", SMALL)
    pools.create("ACME", "MANUAL", {**SMALL, "AUTO_RESUME": False, "INITIALLY_SUSPENDED": True})
    pools.suspend("ACME", "AUTO")
    assert shown(pools.describe("ACME", "AUTO"))[0]["state"] == "SUSPENDED"
    pools.admit("ACME", "AUTO", application="A", nodes=1)
    assert not pools.get("ACME", "AUTO").suspended
    with pytest.raises(ComputePoolError, match="is suspended"):
        pools.admit("ACME", "MANUAL", application="A", nodes=1)
    pools.resume("ACME", "MANUAL")
    pools.admit("ACME", "MANUAL", application="A", nodes=1)


def test_set(pools):
    pools.create("ACME", "P", SMALL)
    pools.set("ACME", "P", {"MAX_NODES": 5, "COMMENT": "x"})
    assert pools.get("ACME", "P").max_nodes == 5
    with pytest.raises(ComputePoolError, match="only be changed while it is suspended"):
        pools.set("ACME", "P", {"INSTANCE_FAMILY": "CPU_X64_L"})
    pools.suspend("ACME", "P")
    pools.set("ACME", "P", {"INSTANCE_FAMILY": "CPU_X64_L"})
    with pytest.raises(ComputePoolError, match="MIN_NODES"):
        pools.set("ACME", "P", {"MIN_NODES": 9})
    with pytest.raises(ComputePoolError, match="not supported"):
        pools.set("ACME", "P", {"SUSPENDED": True})
    assert pools.get("ACME", "P").min_nodes == 1


def test_usage_is_shown(pools, store):
    pools.create("ACME", "P", SMALL)
    store.add("J1", request(nodes=2))
    store.add("J2", request())
    store.start("J1", "0" * 64)
    (row,) = shown(pools.describe("ACME", "P"))
    assert (row["state"], row["num_jobs"], row["active_nodes"], row["target_nodes"]) == ("ACTIVE", 1, 2, 2)
    assert row["status_message"] == "1 job(s) wait for nodes or memory"
