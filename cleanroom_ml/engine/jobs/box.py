"""What a job's sandbox holds: the runtime's interpreter and packages, the code, scratch space, one socket."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Final

from cleanroom_ml.engine.jobs import files, gpu
from cleanroom_ml.engine.jobs.images.image import INSIDE, Image
from cleanroom_ml.engine.jobs.record import Plan
from cleanroom_ml.engine.sandbox.job_init import init_argv, init_mount
from cleanroom_ml.engine.sandbox.policy import MIB, SCRATCH, Limits, Mount, SandboxSpec

CODE: Final = "/job"
LIBRARY: Final = "/run/cleanroom/lib"
OVERLAY: Final = f"{LIBRARY}/cleanroom_runtime/overlay"
"""The container runtime's own modules (`snowflake.ml.modeling.tune`, …): before everything else on the import path."""

LAYER: Final = "/run/cleanroom/layer"
"""The packages that the job has beyond its image: after the runtime and the overlay, before the image's own."""

JOB_FILE: Final = "/run/cleanroom/job.json"
SOCKET: Final = "/run/cleanroom/job.sock"
PORT: Final = 8099
RESULT_FILE: Final = f"{SCRATCH}/.result.json"
EVENTS_FILE: Final = f"{SCRATCH}/.events.jsonl"

_RUNTIME: Final = Path(__file__).resolve().parents[2] / "runtime"
_LOG_FLOOD: Final = 64


def job_spec(plan: Plan, directory: Path, token: str, *, image: Image, layer: Path | None = None) -> SandboxSpec:
    """The sandbox of one job. `directory` holds its code, scratch directory and socket; `token` opens its session.

    `image` is mounted whole; `layer` is the directory of a dependency layer that was verified just now.

    The token is in a file that only the sandbox sees: never in an argument or the environment, which /proc shows.
    """
    # Without a sandbox nothing is mounted: the image is used where it lies.
    python, prefix = (image.inside, INSIDE) if not plan.no_isolation else (str(image.executable), str(image.prefix))
    port = _free_port() if plan.no_isolation else PORT
    about = {
        "image": image.tag,
        "account": plan.account,
        "user": plan.user,
        "token": token,
        "host": "127.0.0.1",
        "port": port,
        "database": plan.database,
        "schema": plan.schema,
        "warehouse": plan.warehouse,
        "entrypoint": plan.entrypoint,
        "args": plan.args_json,
        "result_limit_bytes": plan.result_limit_bytes,
        "nodes": plan.nodes,
        "node_cpus": plan.node_cpus,
        "node_gpus": len(plan.gpus) // plan.nodes,
        "cpus": plan.cpus,
        "memory_bytes": plan.memory_bytes,
        "scratch_bytes": plan.scratch_bytes,
    }
    return SandboxSpec(
        name="job",
        argv=init_argv(
            python,
            (python, "-P", "-u", "-m", "cleanroom_runtime.launcher", JOB_FILE, CODE, RESULT_FILE),
            relay=(port, SOCKET),
        ),
        env=_environment(plan, prefix, layer),
        workdir=CODE,
        mounts=(
            *image.mounts(),
            *((Mount(layer, LAYER),) if layer is not None else ()),
            init_mount(),
            Mount(_RUNTIME, f"{LIBRARY}/cleanroom_runtime"),
            Mount(directory / files.CODE, CODE),
            Mount(directory / files.JOB_SOCKET, SOCKET, writable=True),
            *(gpu.library_mounts() if plan.gpus else ()),
        ),
        files={JOB_FILE: json.dumps(about).encode()},
        scratch=directory / files.SCRATCH,
        devices=gpu.nodes(plan.gpus),
        limits=Limits(
            memory_bytes=plan.memory_bytes,
            cpus=float(plan.cpus),
            processes=plan.processes,
            wall_seconds=plan.wall_seconds,
            scratch_bytes=plan.scratch_bytes,
            tmp_bytes=max(64 * MIB, plan.memory_bytes // 4),
            file_bytes=plan.scratch_bytes,
            log_bytes=plan.log_bytes,
            log_flood_bytes=plan.log_bytes * _LOG_FLOOD,
        ),
    )


def _free_port() -> int:
    # Without a network of its own, the job shares this machine's ports with everybody.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _environment(plan: Plan, prefix: str, layer: Path | None) -> dict[str, str]:
    threads = str(plan.cpus)
    return {
        "PATH": f"{prefix}/bin:/usr/bin:/bin",
        "PYTHONPATH": ":".join([LIBRARY, OVERLAY, *([LAYER] if layer is not None else [])]),
        # As in Snowflake's image: DataConnector then asks `runtime_external_entities` for its ingestor.
        "IN_SPCS_ML_RUNTIME": "true",
        "USE_OPTIMIZED_DATA_INGESTOR": "true",
        # As every Snowpark container job has them; scripts ask them whether to train on several nodes. What runs on
        # another node than the script finds its own index (runtime/cluster/ray_node.py).
        "SNOWFLAKE_JOBS_COUNT": str(plan.nodes),
        "SNOWFLAKE_JOB_INDEX": "0",
        "CLEANROOM_ML_EVENTS": EVENTS_FILE,
        "CLEANROOM_ML_JOB_FILE": JOB_FILE,
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": "/scratch/tmp",
        "JOBLIB_TEMP_FOLDER": "/scratch/tmp",  # its default is /dev/shm, which counts as memory
        "LOKY_MAX_CPU_COUNT": threads,
        "OMP_NUM_THREADS": threads,
        # Threads that wait by spinning take the processor from those they wait for: measured on two busy cores, XGBoost
        # on 1,700 rows × 30 columns takes 11–42 s spinning and 1.7–2 s like this.
        "OMP_WAIT_POLICY": "PASSIVE",
        "OPENBLAS_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "NUMEXPR_MAX_THREADS": threads,
        "MPLBACKEND": "Agg",
        **gpu.environment(plan.gpus, isolated=not plan.no_isolation),
        # There is no network: asking for a cloud's metadata would only wait.
        "SNOWFLAKE_DISABLE_PLATFORM_DETECTION": "true",
    }
