"""Ray Data over stages and tables of the real engine, in a real cluster: sources, sink, arrays in shards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import snowflake.connector

pytestmark = [pytest.mark.slow, pytest.mark.runtime]

# In a process of its own: it brings a cluster along. Its workers have no session.
BEGIN = """
import json, os, sys, tempfile
from pathlib import Path
import numpy as np, pyarrow as pa, ray
tempfile.tempdir = sys.argv[2]
from snowflake.snowpark import Session
session = Session.builder.configs(json.loads(Path(sys.argv[1]).read_text())).create()
ray.init(num_cpus=2, include_dashboard=False, logging_level="error", log_to_driver=False)
ray.data.DataContext.get_current().enable_progress_bars = False
from cleanroom_ml.runtime.raydata.sources import (
    SFStageBinaryFileDataSource, SFStageCSVDataSource, SFStageParquetDataSource, SFStageTextDataSource)
from cleanroom_ml.runtime.raydata.sink import SnowflakeTableDatasink
def rows(table):
    return sorted(list(row.as_dict().values()) for row in session.table(table).collect())
told = {}
"""
END = """
told["left"] = sorted(name for name in os.listdir(sys.argv[2]) if name.startswith(("ray-sink", "staged")))
session.close()
ray.shutdown()
print(json.dumps(told))
"""

SOURCES = """
session.sql("CREATE TEMPORARY STAGE S").collect()
folder = Path(tempfile.mkdtemp())
for number in range(60):
    (folder / f"{number:02}.bin").write_bytes(bytes([number]) * 100)
(folder / "lines.txt").write_text("".join(f"line {number}\\n" for number in range(1000)))
(folder / "n.csv").write_text("N,T\\n" + "".join(f"{number},t\\n" for number in range(1000)))
import pyarrow.parquet as pq
for number in range(3):
    pq.write_table(pa.table({"N": range(number * 100, number * 100 + 100)}), folder / f"{number}.parquet")
for pattern, place in (("*.bin", "bin"), ("*.txt", "text"), ("*.csv", "csv"), ("*.parquet", "parquet")):
    session.file.put(f"{folder}/{pattern}", f"@S/{place}", auto_compress=False)
saved = Path(tempfile.mkdtemp()) / "saved"
binary = ray.data.read_datasource(SFStageBinaryFileDataSource("@S/bin/", "D", "PUBLIC", "[0-4]*.bin", str(saved)))
told["counted"] = binary.count()
sizes = binary.map(lambda row: {"name": row["file_name"], "size": len(row["file_binary"]), "pid": os.getpid()})
told["binary"] = [[row["name"], row["size"]] for row in sizes.sort("name").take(2)]
told["saved"] = len(list(saved.iterdir()))
told["elsewhere"] = os.getpid() not in {row["pid"] for row in sizes.take_all()}
text = ray.data.read_datasource(SFStageTextDataSource(stage_location="S/text", file_pattern="*.txt"))
told["text"] = [text.count(), text.map(lambda row: {"n": int(row["text"].split()[1])}).sum("n")]
csv = ray.data.read_datasource(SFStageCSVDataSource(stage_location="@S/csv"))
told["csv"] = [csv.sum("N"), csv.schema().names]
parquet = ray.data.read_datasource(SFStageParquetDataSource(stage_location="@S/parquet/", include_paths=True))
told["parquet"] = [parquet.sum("N"), sorted(set(row["path"] for row in parquet.take_all()))]
told["few"] = parquet.limit(7).count()
try:
    SFStageTextDataSource(stage_location="@S/text", partitioning="hive")
except NotImplementedError as error:
    told["refused"] = str(error)
try:
    SFStageTextDataSource(stage_location="@S/text", file_pattern="*.md")
except ValueError as error:
    told["nothing"] = str(error)
try:
    ray.get(ray.remote(lambda: SFStageTextDataSource("@S/text")).remote())
except Exception as error:
    told["worker"] = str(error)
"""


def ran(make_account: Any, tmp_path: Path, account: str, code: str) -> dict[str, Any]:
    given = make_account(account)
    with snowflake.connector.connect(**given) as connection:
        connection.cursor().execute("CREATE DATABASE D")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    parameters = tmp_path / "parameters.json"
    parameters.write_text(json.dumps({**given, "database": "D", "schema": "PUBLIC"}))
    environment = {**os.environ, "RAY_TMPDIR": "/tmp"}
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + code + END, parameters, scratch],
        capture_output=True, text=True, check=False, env=environment, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def test_files_of_a_stage_are_read_by_rays_workers(make_account: Any, tmp_path: Path) -> None:
    told = ran(make_account, tmp_path, "raysources", SOURCES)
    assert told["counted"] == 50
    assert told["binary"] == [["s/bin/00.bin", 100], ["s/bin/01.bin", 100]]
    assert (told["saved"], told["elsewhere"]) == (50, True)
    assert told["text"] == [1000, 499_500]
    assert told["csv"] == [499_500, ["N", "T"]]
    assert told["parquet"] == [300 * 299 // 2, [f"s/parquet/{number}.parquet" for number in range(3)]]
    assert told["few"] == 7
    assert "SFStageTextDataSource(partitioning=…) is not supported" in told["refused"]
    assert told["nothing"] == "there is no file that matches *.md at @S/text"
    assert "needs the job's session, which Ray's workers do not have" in told["worker"]
    assert told["left"] == []


SINK = """
thousand = ray.data.range(1000, override_num_blocks=8)
thousand.write_datasink(SnowflakeTableDatasink("T", auto_create_table=True))
told["created"] = [len(rows("T")), rows("T")[-1]]
thousand.limit(10).write_datasink(SnowflakeTableDatasink(table_name="T", database="D", schema="PUBLIC"), concurrency=2)
told["appended"] = len(rows("T"))
thousand.limit(5).write_datasink(SnowflakeTableDatasink("T", override=True))
told["replaced"] = rows("T")

# One task fails for good, after others have written.
def fails(batch):
    if 999 in batch["id"]:
        raise ValueError("no such row")
    return batch
context = ray.data.DataContext.get_current()
for override in (False, True):
    try:
        thousand.map_batches(fails).write_datasink(SnowflakeTableDatasink("T", override=override))
    except Exception as error:
        told["failed"] = "no such row" in str(error)
told["after"] = rows("T")

# A worker is killed after it has written its file: Ray repeats the task.
directory = sys.argv[2]
class Dies(SnowflakeTableDatasink):
    def write(self, blocks, ctx):
        written = super().write(blocks, ctx)
        mark = Path(directory) / f"died-{ctx.task_idx}"
        if not mark.exists():
            mark.touch()
            os._exit(1)
        return written
thousand.write_datasink(Dies("T", override=True))
told["repeated"] = [len(rows("T")), len({row[0] for row in rows("T")})]
told["deaths"] = len(list(Path(directory).glob("died-*")))

# Whatever map_batches makes
def wide(batch):
    count = len(batch["id"])
    return {"SAMPLE_ID": [f"s{number}" for number in batch["id"]], "EMBEDDING": np.ones((count, 3), "float32"),
            "MADE": np.full(count, "2026-01-02 03:04:05", dtype="datetime64[us]"),
            "RAGGED": [[1] * int(number % 3) for number in batch["id"]]}
thousand.limit(6).map_batches(wide).write_datasink(
    SnowflakeTableDatasink("WIDE", schema="PUBLIC", auto_create_table=True, override=True))
told["wide"] = [str(value) for value in rows("WIDE")[2]]
thousand.filter(lambda row: False).write_datasink(SnowflakeTableDatasink("T", override=True))
told["emptied"] = len(rows("T"))
try:
    thousand.write_datasink(SnowflakeTableDatasink("NO.SUCH.T"))
except Exception as error:
    told["missing"] = str(error)
told["tables"] = sorted(row[1] for row in session.connection.cursor().execute("SHOW TABLES").fetchall())
"""


def test_a_dataset_is_in_the_table_once_or_not_at_all(make_account: Any, tmp_path: Path) -> None:
    told = ran(make_account, tmp_path, "raysink", SINK)
    assert told["created"] == [1000, [999]]
    assert told["appended"] == 1010
    assert told["replaced"] == [[number] for number in range(5)]
    assert told["failed"]
    assert told["after"] == told["replaced"]
    assert told["deaths"] > 0
    assert told["repeated"] == [1000, 1000]
    assert told["wide"][::2] == ["s2", "2026-01-02 03:04:05"]
    assert [json.loads(document) for document in told["wide"][1::2]] == [[1, 1, 1], [1, 1]]
    assert told["emptied"] == 0
    assert "there is no table NO.SUCH.T for this job; auto_create_table=True makes it" in told["missing"]
    assert told["tables"] == ["T", "WIDE"]
    assert told["left"] == []


IMAGES = """
from PIL import Image
from cleanroom_ml.runtime.raydata.sources import SFStageImageDataSource
folder = Path(tempfile.mkdtemp())
for number in range(6):
    size = (4 + number % 2, 3)
    Image.fromarray(np.full((size[1], size[0], 3), number, "uint8")).save(folder / f"{number}.png")
session.sql("CREATE TEMPORARY STAGE S").collect()
session.file.put(f"{folder}/*.png", "@S/images", auto_compress=False)
plain = ray.data.read_datasource(SFStageImageDataSource(stage_location="@S/images/"))
told["plain"] = [plain.count(), plain.schema().names, sorted(str(row["image"].shape) for row in plain.take_all())]
sized = ray.data.read_datasource(
    SFStageImageDataSource(stage_location="@S/images/", image_size=(8, 9), image_mode="L", include_paths=True))
told["sized"] = [[row["path"], list(row["image"].shape), str(row["image"].dtype), int(row["image"].max())]
                 for row in sized.sort("path").take(2)]
sized.write_datasink(SnowflakeTableDatasink("PIXELS", auto_create_table=True))
told["written"] = json.loads(rows("PIXELS")[5][0])[7][8]
"""


def test_images_of_a_stage(make_account: Any, tmp_path: Path) -> None:
    told = ran(make_account, tmp_path, "rayimages", IMAGES)
    assert told["plain"] == [6, ["image"], ["(3, 4, 3)"] * 3 + ["(3, 5, 3)"] * 3]
    assert told["sized"] == [
        ["s/images/0.png", [8, 9], "uint8", 0],
        ["s/images/1.png", [8, 9], "uint8", 1],
    ]
    assert told["written"] == 5


# The public example of training on images, as far as its batches.
ARRAYS = """
from torch.utils.data import DataLoader
from cleanroom_ml.runtime.data import JobIngestor
from cleanroom_ml.runtime.data.sharded import ShardedDataConnector
from cleanroom_ml.runtime.workers import run_workers

def decoded(batch):
    count = len(batch["id"])
    image = np.ones((count, 8, 8, 3), "float32") * batch["id"][:, None, None, None]
    return {"image": image, "label": batch["id"] % 2}
dataset = ray.data.range(11, override_num_blocks=3).map_batches(decoded, batch_format="numpy")
connector = ShardedDataConnector.from_ray_dataset(dataset, equal=True, ingestor_class=JobIngestor)

def work(placement, connector):
    shard = connector.get_shard()
    seen = []
    for batch in DataLoader(shard.to_torch_dataset(), batch_size=2):
        images, labels = batch["image"].permute(0, 3, 1, 2), batch["label"].squeeze(-1)
        assert images.shape[1:] == (3, 8, 8) and labels.ndim == 1
        assert (images[:, 0, 0, 0].long() % 2 == labels).all()
        seen += images[:, 0, 0, 0].long().tolist()
    for batch in DataLoader(shard.to_torch_dataset(batch_size=5), batch_size=None):
        assert tuple(batch["image"].shape) == (5, 8, 8, 3) and tuple(batch["label"].flatten().shape) == (5,)
    return seen
told["seen"] = run_workers(work, [connector, connector])
told["frame"] = list(connector.to_pandas()["image"][3].shape)
told["back"] = list(connector.to_ray_dataset().take_batch(2)["image"].shape)

def ragged(batch):
    return {"image": [np.ones((int(number) + 1, 2, 3), "uint8") for number in batch["id"]]}
told["ragged"] = []
for blocks in (1, 11):
    try:
        ShardedDataConnector.from_ray_dataset(ray.data.range(11, override_num_blocks=blocks).map_batches(ragged),
                                              ingestor_class=JobIngestor)
    except ValueError as error:
        told["ragged"].append(str(error))
"""


def test_images_reach_the_workers_of_a_training(make_account: Any, tmp_path: Path) -> None:
    told = ran(make_account, tmp_path, "rayarrays", ARRAYS)
    assert sorted(number for seen in told["seen"] for number in seen) == list(range(10))
    assert [len(seen) for seen in told["seen"]] == [5, 5]
    assert told["frame"] == [8, 8, 3]
    assert told["back"] == [2, 8, 8, 3]
    assert len(told["ragged"]) == 2
    assert all("arrays of column image have different shapes" in text for text in told["ragged"])
