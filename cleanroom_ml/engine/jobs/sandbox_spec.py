"""What a job's sandbox holds: the runtime's interpreter and packages, the code, scratch space, one socket."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Final

from cleanroom_ml.engine.contracts.plan import Plan
from cleanroom_ml.engine.jobs import files, gpu, working_directory
from cleanroom_ml.engine.jobs.images.image import INSIDE, Image
from cleanroom_ml.engine.sandbox.job_init import init_argv, init_mount
from cleanroom_ml.engine.sandbox.policy import MIB, SCRATCH, Limits, Mount, SandboxSpec
from cleanroom_ml.runtime import job_file
from cleanroom_ml.runtime.job_file import Job

CODE: Final = "/job"
LIBRARY: Final = "/run/cleanroom/lib"
OVERLAY: Final = f"{LIBRARY}/cleanroom_runtime/overlay"
"""The container runtime's own modules (`snowflake.ml.modeling.tune`, …): before everything else on the import path."""

LAYER: Final = "/run/cleanroom/layer"
"""The packages that the job has beyond its image: after the runtime and the overlay, before the image's own."""

JOB_FILE: Final = job_file.IN_SANDBOX
TOKEN_FILE: Final = "/snowflake/session/token"
SOCKET: Final = "/run/cleanroom/job.sock"
PORT: Final = 8099
SCHEMA: Final = "CLEANROOM"
"""Of the runner's application: where the room's tables are, and the job's session begins."""

RESULT_FILE: Final = f"{SCRATCH}/.result.json"
EVENTS_FILE: Final = f"{SCRATCH}/.events.jsonl"

_HOME: Final = f"{SCRATCH}/home"
_CACHES: Final = {
    "XDG_CACHE_HOME": f"{_HOME}/.cache",
    "XDG_CONFIG_HOME": f"{_HOME}/.config",
    "XDG_DATA_HOME": f"{_HOME}/.local/share",
    "XDG_STATE_HOME": f"{_HOME}/.local/state",
    "MPLCONFIGDIR": f"{_HOME}/.config/matplotlib",
    "NUMBA_CACHE_DIR": f"{_HOME}/.cache/numba",
    "TORCH_HOME": f"{_HOME}/.cache/torch",
    "TORCHINDUCTOR_CACHE_DIR": f"{_HOME}/.cache/torchinductor",
    "TRITON_CACHE_DIR": f"{_HOME}/.cache/triton",
    "CUDA_CACHE_PATH": f"{_HOME}/.cache/cuda",
    "HF_HOME": f"{_HOME}/.cache/huggingface",
    "KERAS_HOME": f"{_HOME}/.cache/keras",
    "SCIKIT_LEARN_DATA": f"{_HOME}/.cache/scikit-learn",
}
"""Where libraries keep what they made or fetched: all of them below the job's own home."""

_RUNTIME: Final = Path(__file__).resolve().parents[2] / "runtime"
_BASE: Final = "/run/cleanroom/python"
_LOG_FLOOD: Final = 64
_CPU_WEIGHT: Final = 50  # a statement, and the front itself, come before a job that uses every processor for hours


def job_spec(plan: Plan, directory: Path, token: str, *, image: Image, layer: Path | None = None) -> SandboxSpec:
    """The sandbox of one job. `directory` holds its code, scratch directory and socket; `token` opens its session.

    `image` is mounted whole; `layer` is the directory of a dependency layer that was verified just now.

    The token is in a file that only the sandbox sees: never in an argument or the environment, which /proc shows.
    """
    # Without a sandbox nothing is mounted: the image is used where it lies.
    request, bounds = plan.request, plan.bounds
    python, prefix = (image.inside, INSIDE) if not bounds.no_isolation else (str(image.executable), str(image.prefix))
    port = _free_port() if bounds.no_isolation else PORT
    reported = Job(
        image=image.tag,
        account=request.account,
        user=request.user,
        token=token,
        host="127.0.0.1",
        port=port,
        database=request.application,
        schema=SCHEMA,
        warehouse=request.warehouse,
        entrypoint=request.job.entrypoint,
        args=request.args_json,
        result_limit_bytes=request.result_limit_bytes,
        nodes=request.nodes,
        node_cpus=bounds.node_cpus,
        node_gpus=len(bounds.gpus) // request.nodes,
        cpus=bounds.cpus,
        memory_bytes=bounds.memory_bytes,
        scratch_bytes=bounds.scratch_bytes,
    )
    # Half of the memory, as everywhere on Linux: PyTorch passes batches between processes through /dev/shm.
    shared = max(64 * MIB, bounds.memory_bytes // 2)
    return SandboxSpec(
        name="job",
        argv=init_argv(
            python,
            (python, "-P", "-u", "-m", "cleanroom_runtime.launcher", JOB_FILE, CODE, RESULT_FILE),
            relay=(port, SOCKET),
        ),
        env={**_environment(plan, prefix, layer), **_service(plan, port), **_CACHES},
        workdir=CODE,
        mounts=(
            *image.mounts(),
            *((Mount(layer, LAYER),) if layer is not None else ()),
            init_mount(),
            Mount(_RUNTIME, f"{LIBRARY}/cleanroom_runtime"),
            *_code(plan, directory),
            Mount(directory / files.JOB_SOCKET, SOCKET, writable=True),
            *(gpu.library_mounts() if bounds.gpus else ()),
        ),
        files={
            JOB_FILE: reported.to_json().encode(),
            TOKEN_FILE: token.encode("ascii"),
            **(gpu.files() if bounds.gpus else {}),
        },
        scratch=directory / files.SCRATCH,
        masked=_masked(image),
        devices=gpu.nodes(bounds.gpus),
        limits=Limits(
            memory_bytes=bounds.memory_bytes,
            cpus=float(bounds.cpus),
            cpu_weight=_CPU_WEIGHT,
            processes=bounds.processes,
            wall_seconds=bounds.wall_seconds,
            scratch_bytes=bounds.scratch_bytes,
            tmp_bytes=shared,
            file_bytes=max(bounds.scratch_bytes, shared),
            log_bytes=bounds.log_bytes,
            log_flood_bytes=bounds.log_bytes * _LOG_FLOOD,
        ),
    )


def _code(plan: Plan, directory: Path) -> tuple[Mount, ...]:
    if plan.bounds.no_isolation:  # the directory itself is this user's to write
        return (Mount(directory / files.CODE, CODE),)
    paths = [file.path for file in plan.request.files]
    return working_directory.mounts(directory / files.SCRATCH, directory / files.CODE, paths, CODE)


def _masked(image: Image) -> dict[str, str]:
    """Where the interpreter and our own package lie on this machine is nobody's business who reads a log."""
    there = {
        str(image.prefix): INSIDE,
        str(image.base): _BASE,
        str(image.executable.resolve().parents[1]): _BASE,
        str(_RUNTIME): f"{LIBRARY}/cleanroom_runtime",
    }
    system = ("/", "/usr", "/usr/local", INSIDE)
    return {path: displayed for path, displayed in there.items() if path not in system}


def _service(plan: Plan, port: int) -> dict[str, str]:
    """What Snowflake sets in every container of a service or job: spcs-execute-sql, "Environment variables"; port and
    protocol as in its app runtime, and as snowflake-ml-python reads them.
    """
    return {
        "SNOWFLAKE_ACCOUNT": plan.request.account,
        "SNOWFLAKE_HOST": "127.0.0.1",
        "SNOWFLAKE_PORT": str(port),
        "SNOWFLAKE_PROTOCOL": "http",
        "SNOWFLAKE_DATABASE": plan.request.application,
        "SNOWFLAKE_SCHEMA": SCHEMA,
        "SNOWFLAKE_WAREHOUSE": plan.request.warehouse,
        "SNOWFLAKE_SERVICE_NAME": plan.job_id,
    }


def _free_port() -> int:
    # Without a network of its own, the job shares this machine's ports with everybody.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _environment(plan: Plan, prefix: str, layer: Path | None) -> dict[str, str]:
    threads = str(plan.bounds.cpus)
    return {
        "PATH": f"{prefix}/bin:/usr/bin:/bin",
        "PYTHONPATH": ":".join([LIBRARY, OVERLAY, *([LAYER] if layer is not None else [])]),
        # As in Snowflake's image: DataConnector then asks `runtime_external_entities` for its ingestor.
        "IN_SPCS_ML_RUNTIME": "true",
        "USE_OPTIMIZED_DATA_INGESTOR": "true",
        # As every Snowpark container job has them; scripts ask them whether to train on several nodes. What runs on
        # another node than the script finds its own index (runtime/cluster/ray_node.py).
        "SNOWFLAKE_JOBS_COUNT": str(plan.request.nodes),
        "SNOWFLAKE_JOB_INDEX": "0",
        "CLEANROOM_ML_EVENTS": EVENTS_FILE,
        job_file.VARIABLE: JOB_FILE,
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
        **gpu.environment(plan.bounds.gpus, isolated=not plan.bounds.no_isolation),
        # Without a sandbox the image is used where it lies: byte code beside its sources would be an addition to it.
        **({"PYTHONDONTWRITEBYTECODE": "1"} if plan.bounds.no_isolation else {}),
        # There is no network: asking for a cloud's metadata would only wait.
        "SNOWFLAKE_DISABLE_PLATFORM_DETECTION": "true",
    }
