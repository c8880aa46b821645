"""What one run of a job goes by, from its start to its end: the request, its bounds, and where things lie."""

from __future__ import annotations

from dataclasses import dataclass

from cleanroom_ml.engine.contracts.job import JobRequest


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the job may use. Sizes in bytes.

    `cpus` and `memory_bytes` are what all nodes together may really use of this machine; `node_cpus` is what one node
    of the pool's family has, and what is scheduled by. `gpus` are the minors of the GPUs that this job alone has, all
    nodes together, a node's beside each other.

    `no_isolation` is empty, or says why this job runs without a sandbox: then it is the bundled sample's code or none.
    """

    cpus: int
    memory_bytes: int
    node_cpus: int
    wall_seconds: float
    scratch_bytes: int
    log_bytes: int
    processes: int
    relay_patience_seconds: float
    gpus: tuple[int, ...] = ()
    no_isolation: str = ""


@dataclass(frozen=True, slots=True)
class Paths:
    """Where the job's things lie: `home` is the engine's, with images and layers; `objects` the root of the store."""

    home: str
    objects: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Made once, before the supervisor is started; the supervisor and what describes the job to its runtime read it."""

    job_id: str
    request: JobRequest
    bounds: Bounds
    paths: Paths
