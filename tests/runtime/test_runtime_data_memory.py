"""What a job may use, what is free, and the error before the kernel's."""

from __future__ import annotations

import mmap
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from runtime_job_file import a_job
from snowflake.ml.data.data_connector import DataConnector

from cleanroom_ml.runtime import job_file
from cleanroom_ml.runtime.data import JobIngestor, NotEnoughMemoryError, RemoteTable, memory
from cleanroom_ml.runtime.data.sources import Chunk

MIB = 1 << 20


@pytest.fixture
def limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A job file that allows 2 GiB."""
    path = tmp_path / "job.json"
    path.write_text(a_job(memory_bytes=2048 * MIB).to_json())
    monkeypatch.setenv(job_file.VARIABLE, str(path))
    job_file.this_job.cache_clear()
    yield 2048 * MIB
    job_file.this_job.cache_clear()


def test_limit_is_the_jobs_where_that_is_the_smallest(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert memory.limit_bytes() <= limit
    monkeypatch.setattr(memory, "_cgroup_limits", lambda: [limit // 2])
    assert memory.limit_bytes() == limit // 2
    monkeypatch.setattr(memory, "_cgroup_limits", list)
    monkeypatch.delenv(job_file.VARIABLE)
    job_file.this_job.cache_clear()
    assert memory.limit_bytes() == memory._machine("MemTotal") > limit


def test_what_is_written_to_is_in_use_and_pages_of_files_are_not(limit: int, tmp_path: Path) -> None:
    before = memory._in_use()
    held = bytearray(64 * MIB)
    assert memory._in_use() - before == pytest.approx(64 * MIB, rel=0.2)
    del held
    path = tmp_path / "file"
    path.write_bytes(bytes(64 * MIB))
    before = memory._in_use()
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        assert sum(mapped[place] for place in range(0, len(mapped), 4096)) == 0
        assert memory._in_use() - before < 16 * MIB


def test_the_error_says_how_much_and_what_helps(limit: int) -> None:
    memory.require(100 * MIB, "this")
    with pytest.raises(
        NotEnoughMemoryError, match=r"^this needs about 5\.0 GiB of memory, and \S+ .iB are free"
    ) as said:
        memory.require(5 << 30, "this")
    for help_ in ("XGBEstimator", "LightGBMEstimator", "PyTorchDistributor", "to_torch_dataset", "INSTANCE_FAMILY"):
        assert help_ in str(said.value)
    assert isinstance(said.value, MemoryError)
    again = pickle.loads(pickle.dumps(said.value))
    assert (str(again), again.needed, again.available) == (str(said.value), 5 << 30, said.value.available)


def test_a_table_that_is_too_large_is_refused_before_a_row_is_read(limit: int) -> None:
    rows = 1 << 30
    table = RemoteTable(pa.schema([("A", pa.float64())]), [Chunk("http://127.0.0.1:9/", {}, rows, 8 * rows)])
    with pytest.raises(
        NotEnoughMemoryError, match=r"to_arrow\(\) of 1,073,741,824 rows × 1 columns needs about 8\.0 GiB"
    ):
        table.to_arrow()
    with pytest.raises(
        NotEnoughMemoryError, match=r"to_pandas\(\) of 1,073,741,824 rows × 1 columns needs about 8\.1 GiB"
    ):
        table.to_pandas()
    with pytest.raises(NotEnoughMemoryError):
        DataConnector(JobIngestor(table)).to_pandas()


def test_memory_of_other_processes_counts_in_a_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """There, all processes are the job's; elsewhere only the own one is known to be."""
    code = "import sys; held = bytearray(64 << 20); print(flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert other.pid not in list(memory._processes())
        assert memory._anonymous(other.pid) > 64 * MIB
        monkeypatch.setenv(job_file.VARIABLE, job_file.IN_SANDBOX)
        assert other.pid in list(memory._processes())
        other.communicate()


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (2048, "2 KiB"), (3 << 20, "3.0 MiB"), (3 << 29, "1.5 GiB"), (1 << 42, "4.0 TiB")],
)
def test_sizes_for_people(count: int, text: str) -> None:
    assert re.fullmatch(re.escape(text), memory.size(count))
