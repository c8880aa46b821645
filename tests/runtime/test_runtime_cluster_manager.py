"""`snowflake.ml.runtime_cluster` in a job, and the size of what Ray has there."""

from __future__ import annotations

import resource

import pytest

from cleanroom_ml.runtime.cluster import manager
from cleanroom_ml.runtime.cluster.sizes import LEAST_STORE, node_size
from cleanroom_ml.runtime.workers import job

GIB = 1 << 30


@pytest.fixture
def two_nodes(monkeypatch):
    monkeypatch.setenv(job.NODES_VARIABLE, "")
    job.publish([job.ClusterNode(f"node-{rank}", "127.0.0.1", 3, 1, GIB) for rank in range(2)])


@pytest.mark.usefixtures("two_nodes")
@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ((2,), {}),
        ((), {"expected_cluster_size": 2}),
        (("NOTEBOOK", 2), {}),
        ((2,), {"is_async": True, "options": {"block_until_min_cluster_size": 1}, "notebook_name": "N"}),
    ],
)
def test_the_size_that_the_job_has_is_fine(capfd, arguments, options):
    assert manager.scale_cluster(*arguments, **options) is True
    assert "has that many nodes already" in capfd.readouterr().err


@pytest.mark.usefixtures("two_nodes")
def test_another_size_is_refused_with_what_helps():
    with pytest.raises(RuntimeError, match=r"2 node\(s\).*num_instances=4.*--nodes 4"):
        manager.scale_cluster(4)
    with pytest.raises(TypeError, match="number of nodes"):
        manager.scale_cluster("four")


@pytest.mark.usefixtures("two_nodes")
def test_what_there_is():
    assert manager.get_nodes() == [{"name": f"node-{rank}", "cpus": 3, "gpus": 1} for rank in range(2)]
    assert (manager.get_cluster_size(), manager.get_num_cpus_per_node()) == (2, 3)
    assert (manager.get_available_cpu(), manager.get_available_gpu()) == (6, 2)


@pytest.mark.parametrize("ask", [manager.get_ray_dashboard_url, manager.get_grafana_dashboard_url])
def test_there_is_no_dashboard(ask):
    with pytest.raises(RuntimeError, match="nothing leaves its sandbox"):
        ask()


def test_stores_fit_into_the_share_of_memory_and_into_a_file(monkeypatch):
    one, four = node_size(1, 3, 4, 4 * GIB), node_size(4, 3, 4, 4 * GIB)
    assert (one.cpus, one.gpus, four.gpus) == (3, 4, 1)
    assert one.store_bytes <= GIB
    assert one.store_bytes + one.memory_bytes == 4 * GIB
    assert LEAST_STORE <= four.store_bytes <= GIB // 4
    monkeypatch.setattr(resource, "getrlimit", lambda which: (100 << 20, 100 << 20))
    assert LEAST_STORE <= node_size(1, 3, 0, 4 * GIB).store_bytes < 100 << 20
