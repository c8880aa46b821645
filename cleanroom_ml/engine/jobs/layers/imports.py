"""Whether what a spec asks for can be imported beside the image: told when it is registered, not in an approved job.

Only what the spec itself names is imported. What those need is imported by them; what they do not import by themselves
may be for other machines, and no reason to refuse anything.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import Final

from cleanroom_ml.engine.jobs.images.image import Image
from cleanroom_ml.engine.jobs.layers.errors import PackageImportError
from cleanroom_ml.engine.jobs.layers.policy import LayerLimits
from cleanroom_ml.engine.jobs.sandbox_spec import LAYER, LIBRARY, OVERLAY
from cleanroom_ml.engine.sandbox.drivers import Driver
from cleanroom_ml.engine.sandbox.policy import GIB, MIB, SCRATCH, Limits, Mount, Outcome, SandboxSpec
from cleanroom_ml.engine.sandbox.process import run

IMPORTER: Final = Path(__file__).with_name("import_program.py").resolve()
_RUNTIME: Final = Path(__file__).resolve().parents[3] / "runtime"
_PROGRAM: Final = "/run/cleanroom/import.py"
PLAN: Final = "/run/cleanroom/plan.json"
"""Where a program in a sandbox finds what it is to do."""
_REPORT: Final = "report.json"
_CURRENT: Final = "current"
_MAX_REPORT: Final = 16 << 10
_SHOWN: Final = 400
_THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_MAX_THREADS")


def check_imports(
    layer: Path,
    image: Image,
    packages: Collection[str],
    *,
    scratch: Path,
    limits: LayerLimits,
    driver: Driver | None = None,
) -> None:
    """Import `packages` of a layer's tree in a sandbox that holds the image, the runtime and the layer, and no more.

    Args:
        packages: normalised names of distributions.
        scratch: an empty directory, for this alone.

    Raises:
        PackageImportError: naming the package, and why.
        IsolationUnavailable, SandboxStartError: there is no sandbox.
    """
    if not packages:
        return
    spec = SandboxSpec(
        name="import",
        argv=(image.inside, "-P", _PROGRAM, PLAN, f"{SCRATCH}/{_REPORT}", f"{SCRATCH}/{_CURRENT}"),
        env={
            "PATH": f"{image.prefix}/bin:/usr/bin:/bin",
            "PYTHONPATH": ":".join([LIBRARY, OVERLAY, LAYER]),
            "IN_SPCS_ML_RUNTIME": "true",
            "USE_OPTIMIZED_DATA_INGESTOR": "true",
            "TMPDIR": f"{SCRATCH}/tmp",
            "MPLBACKEND": "Agg",
            # Keras has no backend but the one that the script chooses before it imports it; the image has this one.
            "KERAS_BACKEND": "torch",
            "SNOWFLAKE_DISABLE_PLATFORM_DETECTION": "true",
            **dict.fromkeys(_THREADS, "1"),
        },
        mounts=(
            *image.mounts(),
            Mount(layer, LAYER),
            Mount(_RUNTIME, f"{LIBRARY}/cleanroom_runtime"),
            Mount(IMPORTER, _PROGRAM),
        ),
        files={
            PLAN: json.dumps({"layer": LAYER, "packages": sorted(packages)}).encode(),
            **without_pip_configuration(image),
        },
        scratch=scratch,
        limits=Limits(
            memory_bytes=limits.import_memory,
            cpus=2.0,
            processes=512,
            wall_seconds=limits.import_seconds,
            scratch_bytes=GIB,
            tmp_bytes=64 * MIB,
            log_bytes=64 << 10,
            log_flood_bytes=64 * MIB,
        ),
    )
    done = run(spec, driver=driver)
    _judge(done.outcome, scratch, packages)


def without_pip_configuration(image: Image) -> dict[str, bytes]:
    """Files that hide pip's configuration of an environment, which may hold the operator's credentials."""
    there = Path(image.executable).parents[1] / "pip.conf"
    return {f"{image.prefix}/pip.conf": b""} if there.is_file() else {}


def _judge(outcome: Outcome, scratch: Path, packages: Collection[str]) -> None:
    text = _read(scratch / _REPORT) if outcome.ok else None
    try:
        reported: object = json.loads(text) if text is not None else None
    except (ValueError, RecursionError):
        reported = None
    if reported == {}:
        return
    fix = (
        "choose another version of it, or another image_tag; a package must fit the image's own. One that can be "
        "imported only once it is configured (such as a Django app) cannot be named itself: name a package that "
        "depends on it, or put a wheel of your own that does into the code directory; only what is named is imported"
    )
    if isinstance(reported, dict) and reported.get("package") in packages:
        raise PackageImportError(
            f"{reported['package']} cannot be imported beside the image: {_plain(str(reported.get('text', '')))}",
            fix=fix,
        )
    current = _read(scratch / _CURRENT) or ""
    named = current if current in packages else ", ".join(sorted(packages))
    how = {
        "timed_out": f"was not done {outcome.detail}",
        "out_of_memory": "took more memory than it may",
        "disk_limit": "wrote more than it may",
        "log_limit": "said more than it may",
    }.get(outcome.reason, f"ended the process ({outcome.reason}, status {outcome.exit_code})")
    raise PackageImportError(f"{named} cannot be imported beside the image: importing it {how}", fix=fix)


def _read(path: Path) -> str | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            return file.read(_MAX_REPORT).decode("utf-8", "replace")
    except OSError:
        return None


def _plain(text: str) -> str:
    """Without what cannot be seen, and without directories of this machine."""
    displayed = "".join(c if c.isprintable() else " " for c in text[:_SHOWN])
    return re.sub(r"/[^\s/'\":,]+(?=/)", "", displayed)
