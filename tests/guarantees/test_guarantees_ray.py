"""`snowflake.ml.ray` in an approved job on the real engine: Ray's workers read stages and write tables of the room."""

from __future__ import annotations

from typing import Any

import pytest
from guarantees_world import World

from cleanroom_ml.engine.jobs import pools as job_pools
from cleanroom_ml.engine.jobs.families import NodeLimits

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.runtime]

GIB = 1 << 30

BEGIN = """
import os, ray
from snowflake.snowpark.context import get_active_session
from snowflake.ml.ray.datasink import SnowflakeTableDatasink
from snowflake.ml.ray.datasource import SFStageBinaryFileDataSource, SFStageTextDataSource
session = get_active_session()
os.makedirs("/scratch/put")
for number in range(20):
    with open(f"/scratch/put/{number:02}.txt", "w") as file:
        file.write(f"{number},review {number}\\n" * 2)
session.sql("CREATE TEMPORARY STAGE REVIEWS").collect()
session.file.put("/scratch/put/*.txt", "@REVIEWS/texts", auto_compress=False)
"""

WRITES = (
    BEGIN
    + """
import snowflake.ml.ray.datasink.table_data_sink, snowflake.ml.ray.datasink.table_datasink
import snowflake.ml.ray.datasource.stage_image_datasource, snowflake.ml.ray.datasource.stage_parquet_file_datasource
from implementations.ray_data_ingester import RayDataIngester
from snowflake.ml.data.data_connector import DataConnector
from snowflake.ml.data.sharded_data_connector import ShardedDataConnector
from snowflake.ml.ray.stage_sharding import generate_shards
told = {}
def attempt(name, function):
    try:
        told[name] = function()
    except Exception as error:
        told[name] = f"{type(error).__name__}: {error}"
attempt("another's stage", lambda: SFStageTextDataSource(stage_location="@SHOP_DB.PUBLIC.CODE/vault"))
attempt("shards", lambda: generate_shards("@a", "@b"))
ray.init(address="auto", ignore_reinit_error=True)
rows = ray.data.range(300, override_num_blocks=4)
attempt("another's table", lambda: rows.write_datasink(
    SnowflakeTableDatasink("BOOKS", "BRAND_DB", "PUBLIC", auto_create_table=True, override=True)))
def count(table):
    return session.sql(f"SELECT COUNT(*), SUM(\\"id\\") FROM {table}").collect()[0].as_dict().values()
database, schema = session.get_current_database(), session.get_current_schema()
rows.write_datasink(SnowflakeTableDatasink("SCORES", database, schema, auto_create_table=True, override=True))
told["created"] = list(count("cleanroom.scores"))
rows.limit(10).write_datasink(SnowflakeTableDatasink("SCORES", schema="CLEANROOM"))
told["appended"] = list(count("cleanroom.scores"))
rows.limit(10).write_datasink(SnowflakeTableDatasink("cleanroom.SCORES", override=True))
told["replaced"] = list(count("SCORES"))
told["whole"] = int(DataConnector.from_ray_dataset(rows).to_pandas()["id"].sum())
sharded = ShardedDataConnector.from_ray_dataset(rows, ingestor_class=RayDataIngester, equal=True)
told["shard"] = len(sharded.shard_of(1, 7).to_pandas())
told["left"] = [name for name in os.listdir(os.environ["TMPDIR"]) if name.startswith("ray-sink")]
__return__ = told
"""
)

READS = (
    BEGIN
    + """
ray.init(address="auto", ignore_reinit_error=True)
text = ray.data.read_datasource(SFStageTextDataSource(stage_location="REVIEWS", file_pattern="*.txt"))
def parsed(row):
    number, review = row["text"].split(",", 1)
    return {"N": int(number), "REVIEW": review, "FILE": row["file_name"], "WORKER": os.getpid()}
text.map(parsed).write_datasink(SnowflakeTableDatasink("REVIEWS", auto_create_table=True, override=False))
binary = ray.data.read_datasource(SFStageBinaryFileDataSource(
    stage_location="@REVIEWS/texts/", database=session.get_current_database(), schema=session.get_current_schema(),
    file_pattern="0*.txt", local_path="/scratch/saved"))
told = session.sql("SELECT COUNT(*), SUM(N), COUNT(DISTINCT FILE), MIN(FILE) FROM cleanroom.reviews").collect()[0]
mine = session.sql(f"SELECT COUNT(*) FROM cleanroom.reviews WHERE WORKER = {os.getpid()}").collect()[0][0]
__return__ = [list(told), mine, binary.map(lambda row: {"size": len(row["file_binary"])}).sum("size"),
              sorted(os.listdir("/scratch/saved"))]
"""
)


@pytest.fixture(scope="module", autouse=True)
def roomy() -> object:
    """Ray wants more memory than the smallest family has here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job_pools, "limits", lambda *_, **__: NodeLimits(cpus=2, memory_bytes=2 * GIB))
        yield


@pytest.fixture(scope="module")
def told(world_here: World) -> dict[str, Any]:
    """What the job that writes has told."""
    return dict(world_here.job(WRITES))


def test_a_dataset_is_written_to_a_table_of_the_room(told: dict[str, Any]) -> None:
    assert told["created"] == [300, 299 * 150]
    assert told["appended"] == [310, 299 * 150 + 45]
    assert told["replaced"] == [10, 45]
    assert (told["whole"], told["shard"], told["left"]) == (299 * 150, 300 // 7, [])


def test_nothing_else_is_reached(told: dict[str, Any], world_here: World) -> None:
    assert "StageUnavailableError: this job cannot use the stage SHOP_DB.PUBLIC.CODE" in told["another's stage"]
    assert "reaches stages that it made itself only" in told["another's stage"]
    assert "cannot write the table BRAND_DB.PUBLIC.BOOKS" in told["another's table"]
    assert "writes tables of its clean room only" in told["another's table"]
    assert "NotImplementedError: generate_shards() is not supported" in told["shards"]
    (book,) = world_here.brand.execute("SELECT SECRET FROM BRAND_DB.PUBLIC.BOOKS")
    assert "of the brand" in str(book)


def test_a_stage_of_its_own_is_read_by_rays_workers(world_here: World) -> None:
    rows, mine, size, saved = world_here.job(READS)
    assert rows == [40, 2 * 190, 20, "reviews/texts/00.txt"]
    assert mine == 0
    assert (size, saved) == (10 * len("0,review 0\n") * 2, [f"0{number}.txt" for number in range(10)])
