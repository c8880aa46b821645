"""Blocks as rows of a table, files as read tasks, arrays as columns: what needs neither Ray's cluster nor an engine."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from cleanroom_ml.runtime.data import JobIngestor, RemoteTable, tensors
from cleanroom_ml.runtime.raydata import sharding
from cleanroom_ml.runtime.raydata.parts import write_parts
from cleanroom_ml.runtime.raydata.rows import UnwritableColumnError, json_type, plain, sql_type, together
from cleanroom_ml.runtime.raydata.tasks import TASK_BYTES, grouped

MIB = 1 << 20


def images(count: int, dtype: str = "uint8") -> pa.Array:
    pixels = np.arange(count * 2 * 3 * 4).reshape((count, 2, 3, 4)).astype(dtype)
    return pa.FixedShapeTensorArray.from_numpy_ndarray(pixels)


def test_types_of_columns() -> None:
    table = plain(
        pa.table(
            {
                "I": pa.array([1], pa.uint8()),
                "F": pa.array([1.5], pa.float16()),
                "TEXT": pa.array(["u"]).dictionary_encode(),
                "TS": pa.array([dt.datetime(2024, 1, 1, 2)], pa.timestamp("ns")),
                "TZ": pa.array([dt.datetime(2024, 1, 1, 2)], pa.timestamp("s", "UTC")),
                "TIME": pa.array([1], pa.time32("s")),
                "NONE": pa.nulls(1),
                "LIST": [[1.0, float("nan")]],
                "MAP": [{"a": [1], "b": "x"}],
                "IMAGE": images(1),
                "D": pa.array([1], pa.decimal128(10, 2)),
            }
        )
    )
    assert [json_type(field) or sql_type(field) for field in table.schema] == [
        *("NUMBER(38, 0)", "FLOAT", "VARCHAR", "TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIME", "VARCHAR"),
        *("ARRAY", "OBJECT", "ARRAY", "NUMBER(10, 2)"),
    ]
    assert table["LIST"].to_pylist() == ["[1.0, null]"]
    assert table["MAP"].to_pylist() == ['{"a": [1], "b": "x"}']
    assert table["IMAGE"][0].as_py().startswith("[[[0, 1, 2, 3], [4")


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1_000, 1_001], pa.timestamp("ns")),
        pa.array([1_001], pa.timestamp("ns", "UTC")),
        pa.array([1_001], pa.timestamp("ns")).dictionary_encode(),
        pa.array([1_001], pa.time64("ns")),
        pa.array([1 << 60], pa.timestamp("s")),
    ],
)
def test_no_moment_is_cut_to_microseconds_without_a_word(column: pa.Array) -> None:
    with pytest.raises(UnwritableColumnError, match="column AT holds a moment with nanoseconds"):
        plain(pa.table({"AT": column}))


def test_parts_with_different_columns_go_together_or_it_is_said() -> None:
    first, second = pa.schema([("a", pa.int64())]), plain(pa.table({"a": [0.5], "b": [[1]]})).schema
    unified = together([first, second])
    assert [(field.name, str(field.type), json_type(field)) for field in unified] == [
        ("a", "double", None),
        ("b", "string", "ARRAY"),
    ]
    with pytest.raises(UnwritableColumnError, match="columns of different types"):
        together([first, pa.schema([("a", pa.string())])])
    with pytest.raises(UnwritableColumnError, match="column d holds values of type duration"):
        sql_type(pa.field("d", pa.duration("s")))


def test_a_task_leaves_one_file_for_each_run_of_equal_columns(tmp_path: Path) -> None:
    tables = [pa.table({"a": [1, 2]}), pa.table({"a": [3]}), pa.table({"a": pa.array([], pa.int64())})]
    parts = write_parts([*tables, pa.table({"b": ["x"]})], tmp_path / "new")
    assert [(part.rows, part.schema.names) for part in parts] == [(3, ["a"]), (1, ["b"])]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(part.path.name for part in parts)


@pytest.mark.parametrize(
    ("sizes", "parallelism", "expected"),
    [
        ([1] * 10, 5, [2] * 5),
        ([1] * 3, 200, [1] * 3),
        ([100 * MIB, 1, 1, 100 * MIB], 1, [1, 2, 1]),
        ([40 * MIB] * 4, 1, [1] * 4),
        ([0, 0, 0], 1, [3]),
        ([1000, 1, 1, 1], 2, [1, 2, 1]),
    ],
)
def test_small_files_share_a_task_and_large_ones_have_their_own(
    sizes: list[int], parallelism: int, expected: list[int]
) -> None:
    groups = grouped(list(enumerate(sizes)), lambda file: file[1], parallelism)
    assert [len(group) for group in groups] == expected
    assert [file for group in groups for file in group] == list(enumerate(sizes))
    assert all(sum(size for _, size in group) <= TASK_BYTES for group in groups if len(group) > 1)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "bool"])
def test_arrays_keep_their_shape_in_batches_and_frames(dtype: str) -> None:
    pixels = np.arange(5 * 24).reshape((5, 2, 3, 4)).astype(dtype)
    flat = pa.FixedSizeListArray.from_arrays(pa.array(pixels.ravel()), 24)
    kind = pa.fixed_shape_tensor(flat.type.value_type, (2, 3, 4))
    column = pa.ExtensionArray.from_storage(kind, flat)
    table = pa.table({"image": pa.chunked_array([column.slice(0, 2), column.slice(2)]), "label": range(5)})
    ingestor = JobIngestor(RemoteTable.from_arrow(table))
    batches = list(ingestor.to_batches(2, shuffle=False, drop_last_batch=False))
    assert [batch["image"].shape for batch in batches] == [(2, 2, 3, 4), (2, 2, 3, 4), (1, 2, 3, 4)]
    assert np.array_equal(np.concatenate([batch["image"] for batch in batches]), pixels)
    assert batches[0]["image"].dtype == np.dtype(dtype)
    assert np.array_equal(np.stack(ingestor.to_pandas()["image"].tolist()), pixels)
    assert tensors.to_lists(table["image"]) == pixels.tolist()


@pytest.mark.parametrize("call", [sharding.generate_shards, sharding.SFStageShardDataSource])
def test_shards_are_refused_and_it_is_said_what_to_do(call: object) -> None:
    with pytest.raises(NotImplementedError, match=r"Read the files themselves, with SFStageBinaryFileDataSource"):
        call(src_stage_location="@a", dest_stage_location="@b")  # type: ignore[operator]
