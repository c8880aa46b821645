"""Which GPUs this machine has is read from a root directory, so every kind of machine can be tried without a GPU."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from cleanroom_ml.engine.jobs import gpu, launching
from cleanroom_ml.engine.jobs.errors import ComputePoolError
from cleanroom_ml.engine.jobs.gpu import Gpus
from cleanroom_ml.engine.jobs.pools import ComputePools
from cleanroom_ml.engine.jobs.store import SCHEMA, JobStore
from cleanroom_ml.engine.sandbox.errors import SandboxStartError
from cleanroom_ml.engine.storage.database import Database

DRIVER = "proc/driver/nvidia/version"


class Machine:
    """A directory that looks like the root of a machine with a driver, its library and `count` GPUs."""

    def __init__(self, root: Path, *, count: int = 2, libraries: str = "usr/lib/nvidia") -> None:
        self.root = root
        (root / "dev/nvidia-caps").mkdir(parents=True)
        for name in (*(f"nvidia{minor}" for minor in range(count)), "nvidiactl", "nvidia-uvm"):
            self.node(name)
        (root / DRIVER).parent.mkdir(parents=True)
        (root / DRIVER).write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86\n")
        self.install(libraries)

    def node(self, name: str) -> None:
        path = self.root / "dev" / name
        path.touch()
        path.chmod(0o666)

    def install(self, libraries: str) -> None:
        """A real library under the driver's name, in the loader's cache that the real ldconfig makes."""
        place = self.root / libraries
        place.mkdir(parents=True)
        sample = next(Path("/usr/lib").glob("*/libpthread.so.0")).read_bytes()
        named = sample.replace(b"libpthread.so.0\0", b"libcuda.so.1\0\0\0\0")
        (place / "libcuda.so.570.86").write_bytes(named)
        (self.root / "etc").mkdir(exist_ok=True)
        (self.root / "etc/ld.so.conf").write_text(f"/{libraries}\n")
        subprocess.run(["/sbin/ldconfig", "-r", str(self.root)], check=True, stderr=subprocess.DEVNULL)


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.fixture
def store(tmp_path):
    database = Database.open(tmp_path / "catalog.sqlite", [SCHEMA])
    yield JobStore(database)
    database.close()


def pools(store, there):
    made = ComputePools(store._database, store, gpus=lambda: there)
    for name, family in (("ONE", "GPU_NV_S"), ("FOUR", "GPU_NV_M"), ("CPU", "CPU_X64_XS")):
        made.create("ACME", name, {"MIN_NODES": 1, "MAX_NODES": 2, "INSTANCE_FAMILY": family})
    return made


def test_gpus_are_found_by_their_minors_in_order(tmp_path):
    assert gpu.find(Machine(tmp_path, count=12).root) == Gpus(tuple(range(12)))


def test_a_machine_without_gpus_has_nothing_to_say_about_them(tmp_path):
    assert gpu.find(tmp_path) == Gpus()
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/nvidia-fs0").touch()
    (tmp_path / "dev/nvidiactl").touch()
    assert gpu.find(tmp_path) == Gpus()


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (DRIVER, "their driver is not loaded"),
        ("dev/nvidiactl", "/dev/nvidiactl is missing"),
        ("dev/nvidia-uvm", "/dev/nvidia-uvm is missing"),
        ("etc/ld.so.cache", "libcuda.so.1 is not known to the dynamic loader"),
    ],
)
def test_what_is_missing_is_said(machine, missing, said):
    (machine.root / missing).unlink()
    found = gpu.find(machine.root)
    assert found.minors == ()
    assert said in found.why_not


def test_a_driver_without_a_gpu(tmp_path):
    assert "/dev has no GPU" in gpu.find(Machine(tmp_path, count=0).root).why_not


@pytest.mark.root_only
def test_a_node_that_only_root_may_open_is_of_no_use_to_a_job(machine):
    (machine.root / "dev/nvidia1").chmod(0o660)
    assert "jobs may not open /dev/nvidia1" in gpu.find(machine.root).why_not


def test_a_job_gets_the_nodes_of_its_own_gpus_and_the_shared_ones(machine):
    assert gpu.nodes((), machine.root) == ()
    names = [path.name for path in gpu.nodes((1,), machine.root)]
    assert names == ["nvidia1", "nvidiactl", "nvidia-uvm"]
    machine.node("nvidia-uvm-tools")
    assert gpu.nodes((0,), machine.root)[-1] == Path("/dev/nvidia-uvm-tools")
    (machine.root / "dev/nvidia1").unlink()
    with pytest.raises(SandboxStartError, match=r"/dev/nvidia1.* is gone"):
        gpu.nodes((1,), machine.root)


def test_partitions_of_its_own_gpu_only_and_never_the_right_to_configure(machine):
    capabilities = machine.root / "proc/driver/nvidia/capabilities"
    for place, minor in (("mig/config", 1), ("mig/monitor", 2), ("gpu0/mig/gi7", 66), ("gpu1/mig/gi1/ci0", 151)):
        (capabilities / place).mkdir(parents=True)
        (capabilities / place / "access").write_text(f"DeviceFileMinor: {minor}\nDeviceFileMode: 292\n")
        machine.node(f"nvidia-caps/nvidia-cap{minor}")
    # The two that are for everybody are files themselves on a real machine; either way they are not below a GPU.
    caps = [str(path) for path in gpu.nodes((1,), machine.root) if "caps" in str(path)]
    assert caps == ["/dev/nvidia-caps/nvidia-cap151"]


def test_libraries_that_every_sandbox_sees_are_not_mounted_again(machine):
    assert gpu.library_mounts(machine.root) == ()


@pytest.mark.parametrize("place", ["usr/local/nvidia/lib64", "opt/nvidia"])
def test_libraries_elsewhere_are_mounted_where_the_loader_looks(tmp_path, place):
    (mount,) = gpu.library_mounts(Machine(tmp_path, libraries=place).root)
    assert mount.target == f"/{place}/libcuda.so.1"
    assert mount.source.resolve() == tmp_path / place / "libcuda.so.570.86"
    assert not mount.writable


@pytest.fixture
def mounted(tmp_path, monkeypatch):
    """A driver that a container runtime mounted: the loader's cache is the image's, and knows nothing of it."""

    def mounted(place: str = "usr/local/nvidia/lib64") -> Path:
        machine = Machine(tmp_path, libraries=place)
        (tmp_path / place / "libcuda.so.1").unlink()
        for name in ("libcuda.so.1", "libnvidia-ml.so.1", "libnvidia-opencl.so.1", "libcudadebugger.so.1"):
            (tmp_path / place / name).symlink_to("libcuda.so.570.86")
        (tmp_path / place / "libunrelated.so.1").touch()
        (tmp_path / "etc/ld.so.conf").write_text("")
        subprocess.run(["/sbin/ldconfig", "-r", str(tmp_path)], check=True, stderr=subprocess.DEVNULL)
        return machine.root

    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    return mounted


def test_a_driver_that_the_loaders_cache_does_not_know_is_found_where_it_is_mounted(mounted):
    root = mounted()
    assert gpu.find(root) == Gpus((0, 1))
    targets = [mount.target for mount in gpu.library_mounts(root)]
    assert [Path(target).name for target in targets] == [
        "libcuda.so.1",
        "libcuda.so.570.86",
        "libcudadebugger.so.1",
        "libnvidia-ml.so.1",
        "libnvidia-opencl.so.1",
    ]
    assert {str(Path(target).parent) for target in targets} == {"/usr/local/nvidia/lib64"}
    assert gpu.environment((0,), root=root)["LD_LIBRARY_PATH"] == "/usr/local/nvidia/lib64"


def test_a_driver_anywhere_is_found_by_the_operators_library_path(mounted, monkeypatch):
    root = mounted("opt/driver")
    assert "nor in /usr/local/nvidia/lib64" in gpu.find(root).why_not
    monkeypatch.setenv("LD_LIBRARY_PATH", "relative:/nonexistent:/opt/driver/")
    assert gpu.find(root) == Gpus((0, 1))
    assert gpu.environment((0,), root=root)["LD_LIBRARY_PATH"] == "/opt/driver"
    assert launching._environment()["LD_LIBRARY_PATH"] == "relative:/nonexistent:/opt/driver/"


def test_a_cache_without_the_driver_itself_is_of_another_one(mounted):
    root = mounted()
    stale = root / "usr/lib/old"
    stale.mkdir(parents=True)
    sample = next(Path("/usr/lib").glob("*/libpthread.so.0")).read_bytes()
    (stale / "libnvidia-ml.so.550").write_bytes(sample.replace(b"libpthread.so.0\0", b"libnvidia-ml.1\0\0"))
    (root / "etc/ld.so.conf").write_text("/usr/lib/old\n")
    subprocess.run(["/sbin/ldconfig", "-r", str(root)], check=True, stderr=subprocess.DEVNULL)
    assert gpu.environment((0,), root=root)["LD_LIBRARY_PATH"] == "/usr/local/nvidia/lib64"
    assert all(mount.target.startswith("/usr/local/nvidia/") for mount in gpu.library_mounts(root))


def test_opencl_finds_the_driver(mounted, machine):
    assert gpu.files(machine.root) == {}  # a driver without OpenCL
    assert gpu.environment((0,), root=machine.root).get("LD_LIBRARY_PATH") is None
    machine.root.rename(machine.root.with_name("other"))
    machine.root.mkdir()
    assert gpu.files(mounted()) == {"/etc/OpenCL/vendors/nvidia.icd": b"libnvidia-opencl.so.1\n"}


def test_a_job_counts_its_gpus_from_0_whichever_they_are():
    assert gpu.environment(()) == {}
    there = gpu.environment((2, 5))
    assert (there["CUDA_VISIBLE_DEVICES"], there["NVIDIA_VISIBLE_DEVICES"]) == ("0,1", "2,5")
    # Without a sandbox all GPUs are seen.
    assert gpu.environment((2, 5), isolated=False)["CUDA_VISIBLE_DEVICES"] == "2,5"


@pytest.mark.parametrize(
    ("there", "pool", "nodes", "what", "why", "fix"),
    [
        (Gpus(), "ONE", 1, "ONE (GPU_NV_S) needs an NVIDIA GPU, and this machine has none", None, "CPU family"),
        (
            Gpus((), "the driver is not loaded"),
            "FOUR",
            1,
            "FOUR (GPU_NV_M) needs 4 NVIDIA GPUs, and this machine has none that a job can use",
            "the driver is not loaded",
            "CPU family",
        ),
        (Gpus((0, 1)), "FOUR", 1, "needs 4 NVIDIA GPUs, and this machine has 2", None, "smaller family"),
        (
            Gpus((0,)),
            "ONE",
            2,
            "needs an NVIDIA GPU for each of 2 nodes, and this machine has 1",
            None,
            "fewer nodes",
        ),
    ],
)
def test_a_pool_says_at_submission_what_is_missing(store, there, pool, nodes, what, why, fix):
    with pytest.raises(ComputePoolError) as refused:
        pools(store, there).admit("ACME", pool, application="A", nodes=nodes)
    assert what in refused.value.what
    assert refused.value.why == why
    assert fix in str(refused.value.fix)


def test_a_pool_whose_gpus_are_here_admits(store):
    made = pools(store, Gpus((0, 1, 2, 3)))
    made.admit("ACME", "FOUR", application="A", nodes=1)
    made.admit("ACME", "ONE", application="A", nodes=2)
    made.admit("ACME", "CPU", application="A", nodes=2)


def test_a_cpu_pool_does_not_look_for_gpus(store):
    def look():
        raise AssertionError

    ComputePools(store._database, store, gpus=look).create(
        "ACME", "P", {"MIN_NODES": 1, "MAX_NODES": 1, "INSTANCE_FAMILY": "CPU_X64_S"}
    )
    ComputePools(store._database, store, gpus=look).admit("ACME", "P", application="A", nodes=1)


@pytest.mark.parametrize(("version", "later"), [(1, ("gpus", "memory_bytes")), (2, ("memory_bytes",))])
def test_a_catalog_of_before_is_brought_up_to_date(tmp_path, version, later):
    plain = [re.sub(r" *--[^\n]*", "", text) for text in SCHEMA.statements]
    before = tuple(re.sub(rf",\s+({'|'.join(later)}) [^,\n]*", "", text) for text in plain)
    assert before != SCHEMA.statements
    old = replace(SCHEMA, version=version, statements=before)
    database = Database.open(tmp_path / "old.sqlite", [old])
    with database.read() as connection:
        assert not {row[1] for row in connection.execute("PRAGMA table_info(jobs)")} & set(later)
    database.close()
    database = Database.open(tmp_path / "old.sqlite", [SCHEMA])
    with database.read() as connection:
        assert [row[1] for row in connection.execute("PRAGMA table_info(jobs)")][-len(later) :] == list(later)
    database.close()


def test_families_are_listed_with_what_cannot_run_here(store):
    listing = pools(store, Gpus((0,))).show_families()
    names = [name for name, _ in listing.columns]
    rows = {row[0]: dict(zip(names, row, strict=True)) for row in listing.rows}
    assert rows["CPU_X64_XS"]["message"] == ""
    assert rows["GPU_NV_S"]["message"] == ""
    assert rows["GPU_NV_M"]["message"] == "needs 4 NVIDIA GPUs, and this machine has 1"


def test_this_machine_can_be_asked_whatever_it_is():
    found = gpu.find()
    assert all(Path(f"/dev/nvidia{minor}").exists() for minor in found.minors)
