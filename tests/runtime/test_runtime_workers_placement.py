"""Who is placed where, and what a job says about its nodes."""

from __future__ import annotations

import pytest
from runtime_job_file import a_job

from cleanroom_ml.runtime import job_file
from cleanroom_ml.runtime.workers import job
from cleanroom_ml.runtime.workers.placement import placements

ADDRESSES = ["10.0.0.1", "10.0.0.2", "10.0.0.3"]


def table(workers, per_node):
    return [(p.rank, p.node_rank, p.local_rank, p.local_world_size) for p in placements(workers, ADDRESSES, per_node)]


def test_ranks_are_contiguous_on_a_node():
    assert table(4, 2) == [(0, 0, 0, 2), (1, 0, 1, 2), (2, 1, 0, 2), (3, 1, 1, 2)]
    assert table(4, None) == [(0, 0, 0, 2), (1, 0, 1, 2), (2, 1, 0, 1), (3, 2, 0, 1)]
    assert table(2, None) == [(0, 0, 0, 1), (1, 1, 0, 1)]
    last = placements(4, ADDRESSES, 2)[-1]
    assert (last.node_address, last.node_count, last.world_size) == ("10.0.0.2", 2, 4)


@pytest.mark.parametrize(("workers", "per_node"), [(0, None), (3, 2), (8, 2), (4, 0), (4, -1)])
def test_what_cannot_be_placed_is_refused(workers, per_node):
    with pytest.raises(ValueError):
        placements(workers, ADDRESSES, per_node)


def test_a_job_of_one_node(monkeypatch, tmp_path):
    monkeypatch.delenv(job.NODES_VARIABLE, raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    about = tmp_path / "job.json"
    about.write_text(a_job(node_cpus=6, cpus=2, memory_bytes=1 << 30).to_json())
    monkeypatch.setenv(job_file.VARIABLE, str(about))
    job_file.this_job.cache_clear()
    try:
        assert job.cluster_nodes() == [job.ClusterNode("node-0", "127.0.0.1", 6, 1, 1 << 30)]
        assert (job.node_count(), job.total_cpus(), job.real_cpus()) == (1, 6, 2)
    finally:
        job_file.this_job.cache_clear()


def test_a_job_of_several_nodes_tells_them_to_all_its_processes(monkeypatch):
    nodes = [job.ClusterNode(f"node-{rank}", "127.0.0.1", 3, 0, 1 << 30) for rank in range(2)]
    monkeypatch.setenv(job.NODES_VARIABLE, "")
    job.publish(nodes)
    assert job.cluster_nodes() == nodes
    assert (job.node_count(), job.total_cpus()) == (2, 6)


def test_free_ports_are_free():
    assert 0 < job.free_port() < 65536
