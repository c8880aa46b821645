"""The front stays small and alone: what it holds does not grow with what it did, and a home has one engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from guarantees_world import World, login

from cleanroom_ml.local import engine as local_engine
from cleanroom_ml.services import offerings

pytestmark = pytest.mark.sandbox

ROWS, COLUMNS = 5_000_000, 10


def memory_mb(pid: int, what: str) -> float:
    """`VmRSS` or `VmHWM` of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(what):
            return int(line.split()[1]) / 1024
    raise AssertionError(what)


def engine_pid(world: World) -> int:
    pid = local_engine.status(world.home).pid
    assert pid is not None
    return pid


@pytest.mark.slow
def test_small_statements_leave_nothing_behind(world: World) -> None:
    pid = engine_pid(world)

    def some(count: int) -> tuple[float, int]:
        for number in range(count):
            world.brand.execute(f"SELECT {number} AS n")
            if number % 40 == 0:
                login(world.home, "shop").close()
        return memory_mb(pid, "VmRSS"), len(list(Path(f"/proc/{pid}/fd").iterdir()))

    before, after = some(40), some(200)
    print(f"front: {before[0]:.0f} MiB, {before[1]} descriptors; 200 statements later {after[0]:.0f}, {after[1]}")
    assert after[0] - before[0] < 15
    assert after[1] - before[1] <= 4


def test_a_home_has_one_engine(world: World) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "cleanroom_ml.engine.http.server", "--home", str(world.home.path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode != 0
    assert "already running" in second.stderr
    assert world.brand.execute("SELECT 1 AS a") == [{"a": 1}]


@pytest.mark.slow
def test_five_million_rows_in_a_job_leave_the_front_small(world: World) -> None:
    columns = [f"C{number}" for number in range(COLUMNS)]
    values = ", ".join(f"SEQ8() * {number} + 0.5 AS {column}" for number, column in enumerate(columns))
    world.shop.execute(
        f"CREATE OR REPLACE TABLE SHOP_DB.PUBLIC.WIDE AS SELECT {values} FROM TABLE(GENERATOR(ROWCOUNT => {ROWS}))"
    )
    spec = (world.directory / "big.yaml").read_text().replace("name: big", "name: wide").replace(".BIG", ".WIDE")
    head = spec.partition("    schema_and_template_policies:\n")
    listed = "".join(f"      {column}: {{category: passthrough}}\n" for column in columns)
    path = world.directory / "wide.yaml"
    path.write_text(head[0] + head[1] + listed)
    offerings.register_offering(world.shop, path)
    offerings.link(world.shop, "vault", "wide_v1", ("brand",))
    source = """
import time
from snowflake.snowpark.context import get_active_session
began = time.monotonic()
frame = get_active_session().table("shop.wide_v1.rows").to_pandas()
__return__ = [len(frame), len(frame.columns), float(frame["C1"].sum()), round(time.monotonic() - began, 1)]
"""
    rows, width, total, seconds = world.end(world.submit(source, tables=("shop.wide_v1.rows",)), seconds=400)
    peak = memory_mb(engine_pid(world), "VmHWM")
    print(f"{rows:,} rows x {width} columns into pandas inside a job: {seconds} s, front's peak {peak:.0f} MiB")
    assert (rows, width, total) == (ROWS, COLUMNS, ROWS * (ROWS - 1) / 2 + 0.5 * ROWS)
    assert peak < 400
