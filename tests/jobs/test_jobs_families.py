from __future__ import annotations

import re
from pathlib import Path

import pytest

from cleanroom_ml.engine.jobs.errors import ComputePoolError
from cleanroom_ml.engine.jobs.families import GIB, Machine, family, limits, this_machine
from cleanroom_ml.engine.jobs.pools import ComputePools
from cleanroom_ml.engine.jobs.store import SCHEMA, JobStore
from cleanroom_ml.engine.storage.database import Database
from cleanroom_ml.specs import families
from cleanroom_ml.specs.project import Pool as ProjectPool


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


def test_a_family_is_one_record(tmp_path, monkeypatch):
    """What is in the table can be had, is listed and bounds its jobs, and nothing else knows its name."""
    one = families.Family("CPU_X64_NEW", 5, 40)
    monkeypatch.setitem(families.FAMILIES, one.name, one)
    database = Database.open(tmp_path / "catalog.sqlite", [SCHEMA])
    pools = ComputePools(database, JobStore(database))
    pools.create("ACME", "P", {"MIN_NODES": 1, "MAX_NODES": 1, "INSTANCE_FAMILY": "cpu_x64_new"})
    assert pools.get("ACME", "P").family is one
    assert ("CPU_X64_NEW", 5, 40, "", 0) in [row[:5] for row in pools.show_families().rows]
    assert pools.get("ACME", "P").limits(1, Machine(64, 64 * GIB)).cpus == 5
    database.close()
    assert ProjectPool(name="ML_POOL", family="cpu_x64_new").family == one.name
    root = Path(families.__file__).parents[1]
    code = "".join(path.read_text(encoding="utf-8") for path in root.rglob("*.py") if path.name != "families.py")
    assert not re.findall(r"(?:HIGHMEM|GEN|MEM)_X64|GPU_L40S|GPU_GCP_NV_L4|X64_\(", code), "a list beside the table"
