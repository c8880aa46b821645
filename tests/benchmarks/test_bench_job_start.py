"""From submitting a job to the first line after its script's imports, beside a bare `python` with the same imports.

Both are started in turns, on the same interpreter, from a warm file cache; so is a job that imports nothing, which does
not wait for its session. Then the start of clusters: from submitting
to the first line, and how much of it the log says the nodes took; beside it Ray's own `ray.init()` on one node.
"""

from __future__ import annotations

import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

RUNS = 7
BARE = "import snowflake.connector, snowflake.snowpark, time; print(time.time())"
IMPORTS = "import snowflake.connector, snowflake.snowpark, time; __return__ = time.time()"
FIRST_LINE = "import time; __return__ = time.time()"
RAY = "import time; began = time.time(); import ray; ray.init(); print(time.time() - began)"


@pytest.fixture
def pools() -> Iterator[Any]:
    """A pool of up to four nodes, as the tests of jobs have it: real sandboxes behind a small front."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "jobs"))
    from jobs_harness import Pools

    from cleanroom_ml.engine.jobs.families import this_machine
    from cleanroom_ml.engine.jobs.service import Settings

    home = Path(tempfile.mkdtemp(prefix="crml-"))
    pools = Pools(home, Settings(), this_machine())
    pools.service.pools.create("ACME", "NODES", {"MIN_NODES": 1, "MAX_NODES": 4, "INSTANCE_FAMILY": "CPU_X64_S"})
    pools.service.recover()
    yield pools
    pools.close()
    shutil.rmtree(home)


def of_a_job(pools: Any, nodes: int = 1, script: str = FIRST_LINE) -> tuple[float, str]:
    """Seconds from submitting to the script's first line (after its imports), and the job's log."""
    began = time.time()
    status = pools.wait(pools.submit(script, pool="NODES", nodes=nodes), seconds=300)
    assert status.status == "DONE", status
    return json.loads(pools.service.result(status.job_id)) - began, pools.service.logs(status.job_id)


def of_bare_python(code: str = BARE) -> float:
    """Seconds from starting an interpreter to the line after its imports."""
    began = time.time()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout) - began


def line(what: str, taken: list[float]) -> None:
    print(f"\n{what:34} median {statistics.median(taken):6.2f} s  ({min(taken):.2f}–{max(taken):.2f})", end="")


@pytest.mark.bench
def test_job_start_beside_bare_python(pools: Any) -> None:
    jobs, bare, plain = [], [], []
    of_a_job(pools, script=IMPORTS), of_bare_python()
    for _ in range(RUNS):
        jobs.append(of_a_job(pools, script=IMPORTS)[0])
        bare.append(of_bare_python())
        plain.append(of_a_job(pools)[0])
    line("job: submit to first line", jobs)
    line("python: the same imports", bare)
    line("job without Snowpark", plain)
    ratio = statistics.median(jobs) / statistics.median(bare)
    print(f"\nratio {ratio:35.2f}")
    assert ratio > 0


@pytest.mark.bench
@pytest.mark.runtime
@pytest.mark.parametrize("nodes", [2, 4])
def test_cluster_start(pools: Any, nodes: int, tmp_path: Path) -> None:
    whole, formed = [], []
    for _ in range(3):
        seconds, log = of_a_job(pools, nodes)
        found = re.search(r"nodes of 3 vCPU are up \((.*) s\)", log)
        assert found is not None
        whole.append(seconds)
        formed.append(float(found[1]))
    alone = subprocess.run([sys.executable, "-c", RAY], capture_output=True, text=True, check=True, cwd=tmp_path)
    line(f"{nodes} nodes: submit to first line", whole)
    line(f"{nodes} nodes: of it, until all are up", formed)
    line("bare ray.init(), one node", [float(alone.stdout.splitlines()[-1])])
    print()
