"""First program of a job after the sandbox's init: `python -P -m cleanroom_runtime.launcher JOB_FILE CODE RESULT_FILE`.

Runs the script, which has its session as soon as it imports Snowpark, leaves its return value, and ends with the
script's exit code. Source of the script's contract: docs/api-digest.md §6. Where the job has several nodes,
the session is opened while their Ray cluster is formed, and the script starts once all nodes are alive.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from . import gpus, result, script
from .cluster import attaching, settings, worker_output
from .cluster.ending import Leaving, leave_now
from .cluster.forming import ClusterFailed, Forming
from .cluster.sizes import node_size
from .job_file import Job
from .notices import say
from .opening import SNOWPARK, OpensSession

if TYPE_CHECKING:
    from snowflake.connector import SnowflakeConnection
    from snowflake.snowpark import Session

NO_SESSION = 69
"""Exit code where the session could not be opened (EX_UNAVAILABLE, sysexits.h)."""

RESULT_NOT_JSON = 65
"""Exit code where the script set a return value that is no JSON (EX_DATAERR, sysexits.h)."""

NO_CLUSTER = 71
"""Exit code where the nodes of the job did not come up (EX_OSERR, sysexits.h)."""

NODE_LOST = 75
"""Exit code where a node's process ended while the script ran (EX_TEMPFAIL, sysexits.h)."""

_Given = TypeVar("_Given")
_Made = TypeVar("_Made")


def main(job_file: Path, code_directory: Path, result_file: Path) -> int:
    """Run the job that the file describes, from its directory of code; its exit code."""
    leaving = Leaving()
    job = Job.read(job_file)
    Path(os.environ["TMPDIR"]).mkdir(parents=True, exist_ok=True)
    settings.set_always()
    attaching.prepare(lambda: node_size(1, job.node_cpus, gpus.count(), job.memory_bytes))
    if job.nodes == 1:
        return leaving.with_code(_run(job, code_directory, result_file, None))
    cluster = Forming(job)
    return leaving.with_code(_run(job, code_directory, result_file, cluster), before=cluster.end)


def _run(job: Job, code_directory: Path, result_file: Path, cluster: Forming | None) -> int:
    OpensSession(lambda: _connect(job), _make_active).install()
    if cluster is not None:
        importlib.import_module(SNOWPARK)
        try:
            nodes = cluster.wait()
        except ClusterFailed as error:
            say(f"the job's {job.nodes} nodes did not come up: {error}")
            return NO_CLUSTER
        say(f"{len(nodes)} nodes of {nodes[0].cpus} vCPU are up ({cluster.seconds:.1f} s)")
        cluster.watch(_node_lost)
    launcher = os.getpid()
    code, variables = script.run(code_directory, job.entrypoint, job.args)
    if os.getpid() != launcher:
        # A process that the script forked has run to the script's end: it has no return value to leave.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    if code == 0 and variables.get("__return__") is not None:
        try:
            text, nulls = result.to_json(variables["__return__"])
        except result.NotJson as error:
            say(f"{error}")
            return RESULT_NOT_JSON
        if nulls:
            say(f"not a finite number, returned as null: {', '.join(nulls[:20])}")
        result.write(text, job.result_limit_bytes, result_file)
    return code


def _connect(job: Job) -> SnowflakeConnection:
    # Imported only now: NumPy and Arrow come with it.
    from .session import connect

    return _or_leave(connect, job)


def _make_active(connection: SnowflakeConnection) -> Session:
    from .session import make_active

    return _or_leave(make_active, connection)


def _or_leave(step: Callable[[_Given], _Made], given: _Given) -> _Made:
    try:
        return step(given)
    except Exception as error:  # noqa: BLE001 - whatever it was, the script cannot go on without its session
        say(f"the job's session could not be opened: {error}")
        leave_now(NO_SESSION)


def _node_lost(what: str) -> None:
    # At once: whatever waits for that node waits in vain, and work that was on it is lost.
    worker_output.catch_up(last=True)
    say(f"the job ends, since {what}")
    leave_now(NODE_LOST)


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:4])))
