"""Ray Data: blocks fetched by Ray's workers, and a Dataset's rows as files that everybody reads."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

# In a process of its own: it brings a cluster of one node along.
CODE = """
import json, os, sys, tempfile
import pyarrow as pa, ray
tempfile.tempdir = sys.argv[1]
from snowflake.ml.data.data_connector import DataConnector
from cleanroom_ml.runtime.data import JobIngestor, RemoteTable, table_of
ray.init(num_cpus=1, include_dashboard=False, logging_level="error", log_to_driver=False)
parts = [pa.table({"N": pa.array(range(at, at + 500), pa.int64()), "S": ["t"] * 500}) for at in range(0, 2000, 500)]
table = RemoteTable.concat([RemoteTable.from_arrow(part) for part in parts])
connector = DataConnector(JobIngestor(table))
dataset = connector.to_ray_dataset()
doubled = dataset.map_batches(lambda batch: {"N": batch["N"] * 2}, batch_format="numpy")
back = DataConnector.from_ray_dataset(doubled, ingestor_class=JobIngestor)
files = sorted(os.listdir(sys.argv[1]))
rows = table_of(back)
frame = back.to_pandas()
ray.shutdown()
print(json.dumps([len(table), sorted(frame["N"].tolist())[-3:], len(frame), files,
                  [str(kind) for kind in rows.schema.types], sum(batch.num_rows for batch in rows.batches())]))
"""


@pytest.mark.slow
@pytest.mark.runtime
def test_there_and_back(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", CODE, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    length, last, rows, files, types, streamed = json.loads(done.stdout.splitlines()[-1])
    assert (length, rows, streamed) == (2000, 2000, 2000)
    assert last == [3994, 3996, 3998]
    assert types == ["int64"]
    assert [name.partition("-")[0] for name in files if name.startswith("ray-")] == ["ray"]
