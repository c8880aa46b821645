from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest
from snowflake.ml.data.data_connector import DataConnector

from cleanroom_ml.runtime import tune
from cleanroom_ml.runtime.data import JobIngestor, RemoteTable, table_of
from cleanroom_ml.runtime.data.sharded import ShardedDataConnector
from cleanroom_ml.runtime.data.sources import File
from cleanroom_ml.runtime.tune.datasets import prepare

FRAME = pa.table({"A": [1.0, 2.0, 3.0], '"target"': [0, 1, 0]})


class Fetches:
    """A source of rows that counts, in a file, how often it is read."""

    rows, nbytes = 3, FRAME.nbytes

    def __init__(self, log):
        self.log = log

    def read(self, schema, columns):
        with self.log.open("a") as file:
            file.write("x")
        return FRAME.to_batches()[0].select(list(columns))


def train():
    context = tune.get_tuner_context()
    data = context.get_dataset_map()
    frame = data["train"].to_pandas()
    total = int(frame['"target"'].sum() + context.get_hyper_params()["k"])
    context.report({"score": total, "rows": len(data["plain"]), "shard": type(data["train"]).__name__})


@pytest.mark.slow
def test_many_trials_in_several_processes_fetch_the_data_once(tmp_path):
    log = tmp_path / "fetches"
    connector = ShardedDataConnector(JobIngestor(RemoteTable(FRAME.schema, [Fetches(log)])), equal=True)
    config = tune.TunerConfig("score", "max", tune.GridSearch(), max_concurrent_trials=2)
    tuner = tune.Tuner(train, {"k": [1, 2, 3, 4, 5]}, config)
    found = tuner.run(dataset_map={"train": connector, "plain": pd.DataFrame({"a": [1, 2]})})
    assert found.results["score"].tolist() == [2, 3, 4, 5, 6]
    assert found.results["rows"].unique().tolist() == [2]
    assert found.results["shard"].unique().tolist() == ["ShardedDataConnector"]
    assert log.read_text() == "x"


def test_the_copy_is_in_files_that_are_mapped_and_the_original_is_left_alone(tmp_path):
    connector = DataConnector(JobIngestor(RemoteTable.from_arrow(FRAME)))
    local = prepare({"train": connector}, tmp_path)["train"]
    assert {type(source) for source in table_of(local).sources()} == {File}
    assert all(source.path.is_relative_to(tmp_path) for source in table_of(local).sources())
    assert table_of(connector).to_arrow() == table_of(local).to_arrow()
    assert {type(source) for source in table_of(connector).sources()} != {File}


def test_the_copy_is_gone_after_the_search(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    connector = DataConnector(JobIngestor(RemoteTable.from_arrow(FRAME)))
    config = tune.TunerConfig("score", "max", tune.GridSearch())
    found = tune.Tuner(train, {"k": [1]}, config).run({"train": connector, "plain": []})
    assert len(found.results) == 1
    assert not list(tmp_path.glob("*/data"))


def test_without_data_there_is_none():
    assert prepare(None, None) is None


def test_a_map_that_is_none_is_refused(tmp_path):
    with pytest.raises(TypeError, match="dataset_map must be a dictionary"):
        prepare([1], tmp_path)
