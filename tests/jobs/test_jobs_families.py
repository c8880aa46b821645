from __future__ import annotations

import pytest

from cleanroom_ml.engine.jobs.errors import ComputePoolError
from cleanroom_ml.engine.jobs.families import GIB, Machine, family, limits, this_machine


def test_documented_families():
    assert (family("cpu_x64_xs").vcpus, family("CPU_X64_XS").memory_gib) == (1, 6)
    assert (family("CPU_X64_M").vcpus, family("CPU_X64_M").memory_gib) == (6, 28)
    assert family("GPU_NV_S").gpus == 1


def test_an_unknown_family_is_refused_with_the_known_ones():
    with pytest.raises(ComputePoolError) as caught:
        family("CPU_HUGE")
    assert "'CPU_HUGE'" in caught.value.what
    assert "CPU_X64_XS" in str(caught.value.why)


@pytest.mark.parametrize(
    ("nodes", "machine", "cpus", "memory"),
    [
        (1, Machine(cpus=64, memory_bytes=512 * GIB), 3, 13 * GIB),
        (2, Machine(cpus=64, memory_bytes=512 * GIB), 6, 26 * GIB),
        (1, Machine(cpus=2, memory_bytes=4 * GIB), 2, 4 * GIB),
    ],
)
def test_a_job_gets_the_smaller_of_family_and_machine(nodes, machine, cpus, memory):
    got = limits(family("CPU_X64_S"), nodes, machine)
    assert (got.cpus, got.memory_bytes) == (cpus, memory)


def test_this_machine_keeps_something_for_the_engine():
    machine = this_machine()
    assert machine.cpus >= 1
    assert 0 < machine.memory_bytes < this_machine(reserve_bytes=0).memory_bytes
