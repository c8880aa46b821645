"""Forms the cluster of a job with several nodes, while the launcher opens the session, and watches over it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from .. import events, gpus
from ..job_file import Job
from ..workers.job import ClusterNode, publish
from . import settings
from .keeper import Reported, Specification
from .sizes import NodeSize, node_size

PATIENCE_SECONDS: Final = 300.0
"""How long the nodes may take altogether. On two idle processors four of them take some seconds."""

_LONGEST_DIRECTORY: Final = 40  # the address of a socket holds 107 bytes (103 on macOS), and Ray's names take half
_ADDRESS: Final = "127.0.0.1"


class ClusterFailed(RuntimeError):
    """The cluster could not be formed; nothing of it is left. The message says why, in one line or several."""


class Forming:
    """A cluster on its way. `wait` before the script starts; `end` after it."""

    def __init__(self, job: Job) -> None:
        """Begin."""
        self._size = node_size(job.nodes, job.node_cpus, gpus.count(), job.memory_bytes)
        self._directory = _short_directory()
        settings.set_for_cluster(self._directory)
        self._nodes = [_node(rank, self._size) for rank in range(self._size.nodes)]
        publish(self._nodes)
        wanted = Specification(self._size, str(self._directory), at_a_time=max(1, job.cpus))
        self._began = time.monotonic()
        self._keeper: subprocess.Popen[bytes] = subprocess.Popen(
            [sys.executable, "-P", "-u", "-m", f"{__package__}.keeper", wanted.to_json()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_keepers_environment(),
        )
        assert self._keeper.stdin is not None
        assert self._keeper.stdout is not None
        self._life, self._reported = self._keeper.stdin, self._keeper.stdout

    def wait(self) -> list[ClusterNode]:
        """Return once every node is alive; from then on `ray.init()` attaches.

        Raises ClusterFailed.
        """
        reported = self._next(PATIENCE_SECONDS)
        if "formed" not in reported:
            late = f"not all nodes were alive after {PATIENCE_SECONDS:.0f} seconds"
            why = late if self.seconds >= PATIENCE_SECONDS else "the process that starts them has ended"
            self.end()
            raise ClusterFailed(reported.get("failed") or why)
        os.environ["RAY_ADDRESS"] = reported["formed"]["address"]
        events.emit(
            "nodes",
            nodes=[{"address": one.address, "cpus": one.cpus, "memory": one.memory_bytes} for one in self._nodes],
        )
        return self._nodes

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self._began

    def watch(self, lost: Callable[[str], None]) -> None:
        """Call `lost` with what happened, from a thread of its own, when a node's process or the keeper ends."""
        threading.Thread(target=self._watch, args=(lost,), daemon=True).start()

    def end(self) -> None:
        """Kill what the cluster consists of, at once, and return when it is gone."""
        self._life.close()
        self._keeper.wait()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _watch(self, lost: Callable[[str], None]) -> None:
        reported = self._next(None)
        if self._life.closed:
            return  # `end` has been called: what the keeper sees dying then, it has killed itself
        if "lost" in reported:
            what = f"{reported['lost']} was lost: {reported['process']}: {reported['how']}"
            lost(f"{what}\n{reported['log']}" if reported["log"] else what)
        else:
            lost("the process that watches the nodes has ended")

    def _next(self, seconds: float | None) -> Reported:
        """What the keeper tells next; nothing where it has ended, or tells nothing for so long."""
        found: list[bytes] = []
        reading = threading.Thread(target=lambda: found.append(self._reported.readline()), daemon=True)
        reading.start()
        reading.join(seconds)
        reported: Reported = json.loads(found[0]) if found and found[0] else {}
        return reported


def _short_directory() -> Path:
    usual = Path(os.environ["TMPDIR"]) / "ray"
    if len(str(usual)) > _LONGEST_DIRECTORY:
        return Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))
    usual.mkdir(mode=0o700, exist_ok=True)
    return usual


def _node(rank: int, size: NodeSize) -> ClusterNode:
    return ClusterNode(f"node-{rank}", _ADDRESS, size.cpus, size.gpus, size.memory_bytes + size.store_bytes)


def _keepers_environment() -> dict[str, str]:
    root = str(Path(__file__).resolve().parents[(__package__ or "").count(".") + 1])
    before = os.environ.get("PYTHONPATH")
    environment = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{before}" if before else root}
    # Ray sets it for each task to the processors that the task has, unless it is set.
    environment.pop("OMP_NUM_THREADS", None)
    return environment
