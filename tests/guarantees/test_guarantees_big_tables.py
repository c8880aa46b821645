"""A job whose table is three times its memory: whole, it is refused by a named error; in pieces, it is read.

The job runs on the real engine, in its sandbox, under the limit that a pool's family would set (made small here).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from guarantees_front import Front
from guarantees_world import ROOM, World

from cleanroom_ml.engine.jobs import pools as job_pools
from cleanroom_ml.engine.jobs.families import NodeLimits
from cleanroom_ml.services import jobs, offerings

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.runtime]

MIB = 1 << 20
LIMIT = 400 * MIB
COLUMNS = 20
ROWS = 3 * LIMIT // (8 * COLUMNS)
WIDE = "shop.wide_v1.rows"

_NAMES = [f"F{number}" for number in range(COLUMNS)]
_OFFER = f"""api_version: 2.0.0
spec_type: data_offering
name: wide
version: v1
datasets:
  - alias: rows
    data_object_fqn: SHOP_DB.PUBLIC.WIDE
    allowed_analyses: template_only
    object_class: custom
    schema_and_template_policies:
{chr(10).join(f"      {name.lower()}: {{category: passthrough}}" for name in _NAMES)}
"""

OPEN = f"""
from snowflake.ml.data.data_connector import DataConnector
from snowflake.snowpark.context import get_active_session
session = get_active_session()
table = session.table("{WIDE}")
"""


@pytest.fixture(scope="module")
def room(front: Front, world_here: World) -> Iterator[World]:
    """The collaboration with a table of 1.2 GB, on a pool whose jobs get 400 MiB."""
    values = ", ".join(f"(SEQ8() * {number + 1})::FLOAT AS {name}" for number, name in enumerate(_NAMES))
    world_here.shop.execute(
        f"CREATE TABLE SHOP_DB.PUBLIC.WIDE AS SELECT {values} FROM TABLE(GENERATOR(ROWCOUNT => {ROWS}))"
    )
    path = world_here.directory / "wide.yaml"
    path.write_text(_OFFER)
    offerings.register_offering(world_here.shop, path)
    offerings.link(world_here.shop, ROOM, "wide_v1", ("brand",))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job_pools, "limits", lambda *_, **__: NodeLimits(cpus=2, memory_bytes=LIMIT))
        yield world_here


def ended(world: World, source: str) -> tuple[jobs.JobStatus, str]:
    job_id = world.submit(source, tables=(WIDE,))
    status = jobs.wait(world.brand, ROOM, job_id, timeout_seconds=300)
    return status, jobs.logs(world.brand, ROOM, job_id)


@pytest.mark.parametrize(
    "read",
    [
        "DataConnector.from_dataframe(table).to_pandas()",
        "DataConnector.from_dataframe(table)._ingestor.table.to_arrow()",
        "table.to_pandas()",
        "table.to_arrow()",
        "table.collect()",
        "session.connection.cursor().execute(table.queries['queries'][0]).fetch_pandas_all()",
        "session.connection.cursor().execute(table.queries['queries'][0]).fetch_arrow_all()",
    ],
)
def test_what_does_not_fit_is_refused_by_name(room: World, read: str) -> None:
    status, log = ended(room, OPEN + read)
    assert status.status == "FAILED", log
    assert status.reason == "script_failed", log
    assert "NotEnoughMemoryError" in log
    assert f"of {ROWS:,} rows × {COLUMNS} columns" in log or f"fetching {ROWS:,} rows" in log
    assert "XGBEstimator" in log
    assert "INSTANCE_FAMILY" in log


def test_it_can_be_caught_and_a_part_of_the_table_fits(room: World) -> None:
    source = (
        OPEN
        + """
try:
    table.to_pandas()
except MemoryError as error:
    refused = type(error).__name__
some = DataConnector.from_dataframe(table).to_pandas(limit=100_000)
few = table.select("F0", "F1").limit(500_000).to_pandas()
__return__ = [refused, len(some), len(few), float(few["F1"].sum())]
"""
    )
    assert room.end(room.submit(source, tables=(WIDE,)), seconds=300) == [
        "NotEnoughMemoryError",
        100_000,
        500_000,
        float(sum(2 * row for row in range(500_000))),
    ]


def test_it_is_read_in_pieces(room: World) -> None:
    source = (
        OPEN
        + """
connector = DataConnector.from_dataframe(table)
rows = total = 0
for batch in connector.to_torch_dataset(batch_size=50_000, drop_last_batch=False):
    rows += len(batch["F0"])
    total += float(batch["F0"].sum())
from cleanroom_runtime.data.spool import spool
local = spool(connector._ingestor.table)
passes = [sum(batch.num_rows for batch in local.batches()) for _ in range(3)]
__return__ = [rows, total, passes]
"""
    )
    assert room.end(room.submit(source, tables=(WIDE,)), seconds=300) == [
        ROWS,
        float(ROWS * (ROWS - 1) // 2),
        [ROWS] * 3,
    ]


def test_without_the_check_the_kernel_ends_it(room: World) -> None:
    """What the check is for: the same read, and a job that dies without a word of its own."""
    source = f"from cleanroom_runtime.data import memory\nmemory.require = lambda *_: None\n{OPEN}table.to_pandas()"
    status, log = ended(room, source)
    assert status.status == "FAILED"
    assert status.reason == "out_of_memory"
    assert "NotEnoughMemoryError" not in log
