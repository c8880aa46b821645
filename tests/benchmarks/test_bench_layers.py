"""Dependency layers, cold and warm: what a requirement costs when it is registered, and when its job starts.

The peer of the cold case is what one would do by hand: `pip install --target` of the same wheels, same directory.
The job's peer is the same job without a layer. Each is measured in turns; `make bench` prints medians.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "jobs"))
from jobs_harness import MIB, Pools
from jobs_wheels import Index, needs

from cleanroom_ml.engine.contracts.job import JobState
from cleanroom_ml.engine.jobs.environments import Environments
from cleanroom_ml.engine.jobs.families import Machine
from cleanroom_ml.engine.jobs.service import Settings

RUNS = 5
PACKAGES = 4
MODULES = 250
MODULE = "".join(f"def function_{number}(x):\n    return x + {number}\n" for number in range(40))


@pytest.fixture
def pools() -> Iterator[Pools]:
    home = Path(tempfile.mkdtemp(prefix="crml-"))
    pools = Pools(home, Settings(tick_seconds=0.05), Machine(cpus=2, memory_bytes=600 * MIB))
    pools.service.recover()
    yield pools
    pools.close()
    shutil.rmtree(home)


@pytest.fixture
def index(tmp_path: Path) -> Index:
    """Four packages of 250 modules each: 1.8 MB of Python a package."""
    index = Index(tmp_path / "index")
    for number in range(PACKAGES):
        files = {f"package{number}/m{module}.py": MODULE for module in range(MODULES)}
        index.add(f"package{number}", files={f"package{number}/__init__.py": "", **files})
    return index


def timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def shown(name: str, taken: list[float]) -> float:
    median = statistics.median(taken)
    print(f"\n{name:44} median {median * 1000:7.0f} ms  ({min(taken) * 1000:.0f}–{max(taken) * 1000:.0f})", end="")
    return median


@pytest.mark.bench
@pytest.mark.sandbox
def test_registration_cold_and_warm(pools: Pools, index: Index, tmp_path: Path) -> None:
    names = [f"package{number}" for number in range(PACKAGES)]
    environments = Environments(pools.home, pools.objects, environ=index.environ)
    nothing = needs(pools.objects, "pandas")
    wanted = needs(pools.objects, *names)

    def by_hand() -> None:
        argv = [sys.executable, "-I", "-m", "pip", "install", "--quiet", "--target", str(tmp_path / "hand"), *names]
        subprocess.run(argv, check=True, env={**os.environ, **index.environ})

    taken: dict[str, list[float]] = {"satisfied": [], "cold": [], "warm": [], "by hand": []}
    for _ in range(RUNS):
        shutil.rmtree(pools.home / "layers", ignore_errors=True)
        shutil.rmtree(tmp_path / "hand", ignore_errors=True)
        taken["cold"].append(timed(lambda: environments.lock(wanted)))
        taken["warm"].append(timed(lambda: environments.lock(wanted)))
        taken["satisfied"].append(timed(lambda: environments.lock(nothing)))
        taken["by hand"].append(timed(by_hand))
    shown("registration, the image satisfies it", taken["satisfied"])
    cold = shown(f"registration, {PACKAGES} packages, layer to be made", taken["cold"])
    shown(f"registration, {PACKAGES} packages, layer there", taken["warm"])
    peer = shown("pip install --target of the same", taken["by hand"])
    print(f"\nratio of the cold one to pip                 {cold / peer:7.2f}")


@pytest.mark.bench
@pytest.mark.sandbox
def test_job_start_with_and_without_a_layer(pools: Pools, index: Index) -> None:
    """Submit to the script's first line, as the job's own record has it: the layer is verified in between."""
    environments = Environments(pools.home, pools.objects, environ=index.environ)
    lock = environments.lock(needs(pools.objects, *(f"package{number}" for number in range(PACKAGES))))
    plain = environments.lock(needs(pools.objects, "pandas"))
    script = "import time\nprint(time.time(), flush=True)\n__return__ = time.time()\n"
    taken: dict[str, list[float]] = {"without": [], "with": []}
    for run in range(RUNS + 1):
        for name, held in (("without", plain), ("with", lock)):
            begin = time.time()
            job_id = pools.submit(script, dependency_lock=held)
            status = pools.wait(job_id)
            assert status.status is JobState.DONE, pools.service.logs(job_id)
            if run:  # the first one fills the file cache
                taken[name].append(float(pools.service.result(job_id) or 0) - begin)
    without = shown("job start without a layer", taken["without"])
    layered = shown(f"job start with {PACKAGES * MODULES:,} modules in a layer", taken["with"])
    print(f"\nratio                                        {layered / without:7.2f}")
