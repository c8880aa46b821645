"""The one way to start an untrusted process (docs/ARCHITECTURE.md, decisions 1, 2 and 7). Standard library only.

`run` and `SandboxProcess` start one program; `SandboxedWorkers` serves many small requests; `probe` says whether this
machine isolates at all. Isolation is not optional: what cannot be isolated raises IsolationUnavailable.
"""

from cleanroom_ml.engine.sandbox.bubblewrap import Bubblewrap
from cleanroom_ml.engine.sandbox.collect import Collected, CollectedFile, CollectLimits, Refused, collect
from cleanroom_ml.engine.sandbox.drivers import Driver, fd_path
from cleanroom_ml.engine.sandbox.errors import (
    IsolationUnavailable,
    SandboxStartError,
    WorkerCancelled,
    WorkerCrashed,
    WorkerError,
    WorkerFailed,
    WorkerTimeout,
)
from cleanroom_ml.engine.sandbox.job_init import init_argv, init_mount
from cleanroom_ml.engine.sandbox.no_isolation import NoIsolation
from cleanroom_ml.engine.sandbox.policy import RUN, SCRATCH, Limits, Mount, Outcome, SandboxSpec
from cleanroom_ml.engine.sandbox.probe import Check, ProbeReport, probe, require_isolation
from cleanroom_ml.engine.sandbox.process import Completed, SandboxProcess, run
from cleanroom_ml.engine.sandbox.python_runtime import LIBRARY, PythonRuntime, python_runtime
from cleanroom_ml.engine.sandbox.record import SandboxRecord, destroy
from cleanroom_ml.engine.sandbox.sweep import Swept, sweep
from cleanroom_ml.engine.sandbox.uids import pick_uid
from cleanroom_ml.engine.sandbox.worker import CallHandle
from cleanroom_ml.engine.sandbox.workers import SandboxedWorkers

__all__ = [
    "LIBRARY",
    "RUN",
    "SCRATCH",
    "Bubblewrap",
    "CallHandle",
    "Check",
    "CollectLimits",
    "Collected",
    "CollectedFile",
    "Completed",
    "Driver",
    "IsolationUnavailable",
    "Limits",
    "Mount",
    "NoIsolation",
    "Outcome",
    "ProbeReport",
    "PythonRuntime",
    "Refused",
    "SandboxProcess",
    "SandboxRecord",
    "SandboxSpec",
    "SandboxStartError",
    "SandboxedWorkers",
    "Swept",
    "WorkerCancelled",
    "WorkerCrashed",
    "WorkerError",
    "WorkerFailed",
    "WorkerTimeout",
    "collect",
    "destroy",
    "fd_path",
    "init_argv",
    "init_mount",
    "pick_uid",
    "probe",
    "python_runtime",
    "require_isolation",
    "run",
    "sweep",
]
