"""GPU pools on a machine without a GPU: device nodes with the names of GPUs and the type of /dev/zero.

Everything around them is real: the catalog, the supervisors, the sandboxes that get those nodes. Only root can make
nodes. On a machine with a driver its own shared nodes are used as they are.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jobs_harness import Pools

from cleanroom_ml.engine.jobs.families import Machine
from cleanroom_ml.engine.jobs.gpu import Gpus
from cleanroom_ml.engine.jobs.pools import ComputePools
from cleanroom_ml.engine.jobs.service import JobService, Settings
from cleanroom_ml.engine.jobs.store import JobStore

MINORS = (4020, 4021)
FAMILIES = {"ONE": "GPU_NV_XS", "ALSO_ONE": "GPU_NV_S", "TWO": "GPU_NV_2M"}


class GpuPools(Pools):
    """`there` is what the machine is said to have: a test changes it."""

    def __init__(self, home: Path, settings: Settings, machine: Machine) -> None:
        self.there = Gpus(MINORS)
        super().__init__(home, settings, machine)
        for name, family in FAMILIES.items():
            options = {"MIN_NODES": 1, "MAX_NODES": 3, "INSTANCE_FAMILY": family}
            self.service.pools.create("ACME", name, options)

    def new_service(self) -> JobService:
        return JobService(
            self.home,
            self.database,
            self.fronts,
            settings=self.settings,
            machine=lambda: self.machine,
            pools=ComputePools(self.database, JobStore(self.database), gpus=lambda: self.there),
        )

    def restart(self) -> None:
        """Another engine goes on with the same catalog and the same jobs."""
        self.service.close()
        self.service = self.new_service()
        self.service.recover()

    def gpus(self, job_id: str) -> tuple[int, ...]:
        """The GPUs that the catalog says this job was given."""
        return self.service._store.get(job_id).gpus


@contextmanager
def nodes() -> Iterator[None]:
    """The device nodes of MINORS, and those that all GPUs share, for as long as the block lasts."""
    made: list[Path] = []
    try:
        for name in (*(f"nvidia{minor}" for minor in MINORS), "nvidiactl", "nvidia-uvm"):
            path = Path("/dev", name)
            if not path.exists():
                os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))
                made.append(path)
                path.chmod(0o666)
        yield
    finally:
        for path in made:
            path.unlink(missing_ok=True)
