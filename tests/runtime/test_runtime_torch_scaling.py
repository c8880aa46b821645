"""What a scaling configuration means in a job of a given size, and what is said where the job has less."""

from __future__ import annotations

import pytest

from cleanroom_ml.runtime import workers
from cleanroom_ml.runtime.distributors.pytorch import PyTorchDistributor, PyTorchScalingConfig, WorkerResourceConfig
from cleanroom_ml.runtime.distributors.pytorch.scaling import scale_of
from cleanroom_ml.runtime.distributors.pytorch.worker import environment
from cleanroom_ml.runtime.workers import Placement
from cleanroom_ml.runtime.workers.job import ClusterNode, publish


@pytest.fixture
def job(monkeypatch):
    """`job(nodes, cpus, gpus)`: as the launcher publishes a cluster; a machine with 4 processors in use."""
    monkeypatch.setattr("cleanroom_ml.runtime.workers.job._cpus_here", lambda: 4)
    monkeypatch.setenv("CLEANROOM_ML_NODES", "")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def make(nodes=1, cpus=4, gpus=0):
        publish([ClusterNode(f"node-{index}", f"127.0.0.{index + 1}", cpus, gpus, 1 << 30) for index in range(nodes)])
        if gpus:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", ",".join(map(str, range(nodes * gpus))))

    return make


def config(nodes, workers_per_node, cpus=0.0, gpus=0.0):
    return PyTorchScalingConfig(
        num_nodes=nodes,
        num_workers_per_node=workers_per_node,
        resource_requirements_per_worker=WorkerResourceConfig(num_cpus=cpus, num_gpus=gpus),
    )


@pytest.mark.parametrize(
    ("nodes", "gpus", "world", "threads", "told"),
    [
        (1, 0, 1, 4, "1 worker (1 node × 1), 4 threads each"),
        (2, 0, 2, 2, "2 workers (2 nodes × 1), 2 threads each"),
        (1, 4, 4, 1, "4 workers (1 node × 4), 1 thread each, 4 GPUs a node"),
        (2, 1, 2, 2, "2 workers (2 nodes × 1), 2 threads each, 1 GPU a node"),
    ],
)
def test_without_a_configuration_everything_is_used(job, nodes, gpus, world, threads, told):
    job(nodes=nodes, gpus=gpus)
    scale = scale_of(None)
    assert (scale.world_size, scale.threads, str(scale)) == (world, threads, told)


@pytest.mark.parametrize(
    ("asked", "threads"), [(config(1, 2), 2), (config(1, 2, cpus=1), 1), (config(1, 8), 1), (config(1, 1, cpus=3), 3)]
)
def test_threads_never_outnumber_the_processors(job, asked, threads):
    job(cpus=8)
    assert scale_of(asked).threads == threads


@pytest.mark.parametrize(
    ("size", "asked", "said"),
    [
        ({"nodes": 1}, config(3, 1), r"num_nodes=3, and this job has 1 node: submit it with num_instances=3"),
        ({"nodes": 2}, config(3, 1), r"this job has 2 nodes: .* or set num_nodes=2"),
        ({"cpus": 4}, config(1, 3, cpus=2), r"need 6 CPUs on every node, and a node of this job has 4"),
        ({}, config(1, 1, gpus=1), r"this job has no GPU: use a compute pool of a GPU family"),
        ({"gpus": 2}, config(1, 4, gpus=1), r"need 4 on every node, and a node of this job has 2 GPUs: .* larger GPU"),
    ],
)
def test_more_than_the_job_has_is_refused_with_what_helps(job, size, asked, said):
    job(**size)
    with pytest.raises(ValueError, match=said):
        PyTorchDistributor(lambda: None, asked).run()


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "2"])
def test_counts_are_whole_numbers(wrong):
    with pytest.raises(ValueError, match="num_nodes="):
        PyTorchScalingConfig(wrong, 1, WorkerResourceConfig(1))
    with pytest.raises(ValueError, match="num_workers_per_node="):
        PyTorchScalingConfig(1, wrong, WorkerResourceConfig(1))


def test_resources_are_not_negative():
    with pytest.raises(ValueError, match="num_cpus=-1"):
        WorkerResourceConfig(-1)


def test_a_worker_finds_what_torchrun_would_tell_it(job):
    job(nodes=2)
    told = environment(scale_of(config(2, 2)), ("127.0.0.1", 29500))(Placement(3, 4, 1, 2, 1, 2, "127.0.0.2"))
    assert (told["MASTER_ADDR"], told["MASTER_PORT"]) == ("127.0.0.1", "29500")
    assert (told["RANK"], told["WORLD_SIZE"], told["LOCAL_RANK"], told["LOCAL_WORLD_SIZE"]) == ("3", "4", "1", "2")
    assert (told["GROUP_RANK"], told["NODE_RANK"], told["GROUP_WORLD_SIZE"]) == ("1", "1", "2")
    assert (told["CUDA_VISIBLE_DEVICES"], told["OMP_NUM_THREADS"]) == ("", "1")


@pytest.mark.parametrize(
    ("size", "asked", "seen"),
    [
        ({"nodes": 2, "gpus": 4}, config(2, 4, gpus=1), ["0,1,2,3", "4,5,6,7"]),
        ({"nodes": 2, "gpus": 4}, config(1, 2, gpus=1), ["0,1"]),
        ({"nodes": 1, "gpus": 4}, config(1, 1, gpus=4), ["0,1,2,3"]),
        ({"nodes": 1, "gpus": 4}, config(1, 2), [""]),
    ],
)
def test_a_worker_sees_the_gpus_asked_for_on_its_node(job, size, asked, seen):
    """So that `cuda:<local rank>`, as published scripts write it, is a GPU of its own where each worker has one."""
    job(**size)
    of = environment(scale_of(asked), ("127.0.0.1", 1))
    nodes = range(asked.num_nodes)
    assert [of(Placement(0, 1, 0, 1, node, len(nodes), ""))["CUDA_VISIBLE_DEVICES"] for node in nodes] == seen


def test_outside_of_a_job_this_machine_is_one_node(job):
    assert workers.node_count() == 1
    assert scale_of(config(1, 4)).world_size == 4
