"""Tables of the real engine: types, names, each row once, in other processes, and as whole results of a session."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
import snowflake.connector
from snowflake.ml.data.data_connector import DataConnector
from snowflake.snowpark import Session

from cleanroom_ml.runtime.data import JobIngestor, RemoteTable, table_of
from cleanroom_ml.runtime.data.sources import Chunk
from cleanroom_ml.runtime.data.tables import from_cursor

ROWS = 150_000
COLUMNS = {
    "WHOLE": "SEQ8()",
    "NULLS": "IFF(SEQ8() % 5 = 0, NULL, SEQ8())",
    "MONEY": "(SEQ8() * 1.37)::NUMBER(12, 3)",
    "LONG": "SEQ8()::NUMBER(30, 4)",
    "NUM": "SEQ8()::FLOAT / 7",
    '"target"': "SEQ8() % 2",
    "FLAG": "SEQ8() % 3 = 0",
    "FLAG_NULLS": "IFF(SEQ8() % 4 = 0, NULL, SEQ8() % 3 = 0)",
    "DAY": "DATEADD(DAY, SEQ8() % 1000, '2024-01-01'::DATE)",
    "TEXT": "'row ' || SEQ8()",
    "NTZ": "DATEADD(SECOND, SEQ8(), '2024-01-01 10:00:00.123456'::TIMESTAMP_NTZ)",
    "LTZ": "DATEADD(SECOND, SEQ8(), '2024-01-01 10:00:00.5'::TIMESTAMP_NTZ)::TIMESTAMP_LTZ",
    "CLOCK": "'10:11:12.5'::TIME",
    "BYTES": "TO_BINARY('AB12')",
    "THING": "PARSE_JSON('{\"a\": 1}')",
}


@pytest.fixture(scope="module")
def parameters(make_account: Any) -> dict[str, Any]:
    """An account with a table of every type."""
    given = make_account("datareader")
    selected = ", ".join(f"{value} AS {name}" for name, value in COLUMNS.items())
    with snowflake.connector.connect(**given) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE D")
        cursor.execute(f"CREATE TABLE D.PUBLIC.T AS SELECT {selected} FROM TABLE(GENERATOR(ROWCOUNT => {ROWS}))")
    return {**given, "database": "D", "schema": "PUBLIC"}


@pytest.fixture(scope="module")
def session(parameters: dict[str, Any]) -> Iterator[Session]:
    with Session.builder.configs(parameters).create() as session:
        yield session


@pytest.fixture(scope="module")
def table(session: Session) -> RemoteTable:
    return table_of(session.table("T"))


def test_it_is_known_before_it_is_read(table: RemoteTable) -> None:
    assert table.num_rows == ROWS
    assert table.column_names == list(COLUMNS)
    assert sum(isinstance(source, Chunk) for source in table.sources()) > 1
    assert table.nbytes == pytest.approx(table.to_arrow().nbytes, rel=0.05)


def test_values_are_those_of_the_connectors_own_reader(session: Session, table: RemoteTable) -> None:
    with session.connection.cursor() as cursor:
        theirs = cursor.execute("SELECT * FROM T").fetch_arrow_all()
    for number, field in enumerate(theirs.schema):  # nanoseconds on the wire, which we read as microseconds
        if pa.types.is_timestamp(field.type) or pa.types.is_time(field.type):
            kind = pa.time64("us") if pa.types.is_time(field.type) else pa.timestamp("us", field.type.tz)
            theirs = theirs.set_column(number, field.with_type(kind), theirs.column(number).cast(kind))
    ours = table.to_arrow()
    assert ours.schema.types == theirs.schema.types
    for name in ours.column_names:
        assert ours[name].equals(theirs[name.strip('"')]), name


def test_pandas_is_that_of_snowpark_but_for_names_and_nanoseconds(session: Session, table: RemoteTable) -> None:
    theirs, ours = session.table("T").to_pandas(), table.to_pandas()
    assert list(ours.columns) == session.table("T").columns
    for column in ("NTZ", "LTZ"):
        assert ours[column].dtype == pd.Series(dtype=f"datetime64[ns{', Etc/UTC' if column == 'LTZ' else ''}]").dtype
        ours[column], theirs[column] = ours[column].dt.as_unit("us"), theirs[column].dt.as_unit("us")
    ours.columns = theirs.columns
    pd.testing.assert_frame_equal(ours, theirs)


def test_another_process_reads_its_part_without_a_session(table: RemoteTable, tmp_path: Path) -> None:
    code = """
import pickle, sys
from pathlib import Path
shard = pickle.loads(Path(sys.argv[1]).read_bytes())
seen = [number for batch in shard.batches() for number in batch.column("WHOLE").to_pylist()]
assert "snowflake.connector" not in sys.modules
print(seen[0], seen[-1], len(seen), seen == sorted(set(seen)))
"""
    seen = []
    for rank in range(3):
        path = tmp_path / f"{rank}.pickle"
        path.write_bytes(pickle.dumps(table.select(["WHOLE"]).shard(rank, 3)))
        done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
        seen.append(done.stdout.split())
    assert seen == [
        ["0", "49999", "50000", "True"],
        ["50000", "99999", "50000", "True"],
        ["100000", "149999", "50000", "True"],
    ]


def test_data_connector_reads_by_it(session: Session) -> None:
    connector = DataConnector.from_dataframe(session.table("T").select('"target"', "NUM"), ingestor_class=JobIngestor)
    frame = connector.to_pandas(10)
    assert frame['"target"'].tolist() == [0, 1] * 5
    copied = pickle.loads(pickle.dumps(connector))
    batches = list(copied.to_torch_dataset(batch_size=70_000, drop_last_batch=False))
    assert [len(batch["NUM"]) for batch in batches] == [70_000] * 2 + [10_000]
    assert [source.sql for source in connector.data_sources] == [connector.data_sources[0].sql]
    both = JobIngestor.from_sources(session, connector.data_sources * 2)
    assert both.table.num_rows == 2 * ROWS


def test_small_answers_and_frames_that_need_several_statements(session: Session) -> None:
    listed = from_cursor(session.connection.cursor().execute("SHOW TABLES IN SCHEMA D.PUBLIC"))
    assert "T" in listed.to_pandas()['"name"'].tolist()
    assert table_of(session.table("T").filter("1 = 0")).to_arrow().num_rows == 0
    made = session.create_dataframe([[number, str(number)] for number in range(1000)], schema=["A", "B"])
    assert table_of(made).to_pandas()["A"].tolist() == list(range(1000))


def test_what_is_no_table_is_said() -> None:
    with pytest.raises(TypeError, match=r"a builtins\.list is no dataset; give a DataConnector, .* or a pyarrow Table"):
        table_of([1, 2])
    with pytest.raises(NotImplementedError, match="a str cannot be read in a clean room's job"):
        JobIngestor.from_sources(None, ["file.parquet"])


def test_rows_that_are_gone_are_said(table: RemoteTable) -> None:
    chunk = next(source for source in table.sources() if isinstance(source, Chunk))
    gone = Chunk(chunk.url.rsplit("/", 1)[0] + "/99", chunk.headers, chunk.rows, chunk.nbytes)
    with pytest.raises(OSError, match=r"not there any more \(HTTP 410\); run the query again"):
        RemoteTable(table.schema, [gone]).to_arrow()


@pytest.mark.slow
def test_a_session_of_a_job_reads_whole_results_so(parameters: dict[str, Any], tmp_path: Path) -> None:
    """In a process of its own: from then on the process' connector is another."""
    code = """
import json, os, sys
from pathlib import Path
import pyarrow as pa
from cleanroom_ml.runtime.data import memory, whole_results
from cleanroom_ml.runtime.job_file import Job, this_job
from snowflake.snowpark import Session
session = Session.builder.configs(json.loads(Path(sys.argv[1]).read_text())).create()
before = session.table("T").to_pandas(), session.table("T").to_arrow()
empty = session.sql("SELECT * FROM T WHERE 1 = 0")
nothing = session.connection.cursor().execute(empty.queries["queries"][0]).fetch_arrow_all()
whole_results.install()
after = session.table("T").to_pandas(), session.table("T").to_arrow()
after[0]["NTZ"], after[0]["LTZ"] = after[0]["NTZ"].dt.as_unit("us"), after[0]["LTZ"].dt.as_unit("us")
before[0]["NTZ"], before[0]["LTZ"] = before[0]["NTZ"].dt.as_unit("us"), before[0]["LTZ"].dt.as_unit("us")
for number, field in enumerate(before[1].schema):
    if pa.types.is_timestamp(field.type) or pa.types.is_time(field.type):
        kind = pa.time64("us") if pa.types.is_time(field.type) else pa.timestamp("us", field.type.tz)
        before = before[0], before[1].set_column(number, field.with_type(kind), before[1].column(number).cast(kind))
same = [before[0].equals(after[0]), before[1].equals(after[1]), before[1].schema.equals(after[1].schema)]
same += [nothing is None, session.connection.cursor().execute(empty.queries["queries"][0]).fetch_arrow_all() is None]
same += [len(empty.to_pandas()) == 0, len(empty.to_pandas().columns) == len(before[0].columns)]
wide = session.connection.cursor().execute("SELECT NTZ FROM T").fetch_pandas_all(timestamp_as_object=True)
same += [wide["NTZ"].dtype == "datetime64[ns]"]  # the connector's own reader: nanoseconds stay what they are

job = Path(sys.argv[1]).with_name("job.json")
job.write_text(Job(**{**dict.fromkeys(Job.__dataclass_fields__, 0), "memory_bytes": 150 << 20}).to_json())
os.environ["CLEANROOM_ML_JOB_FILE"] = str(job)
this_job.cache_clear()
refused = []
cursor = session.connection.cursor()
for read in (
    lambda: session.table("T").to_pandas(),
    lambda: session.table("T").to_arrow(),
    lambda: session.table("T").collect(),
    lambda: cursor.execute("SELECT * FROM T").fetch_pandas_all(),
    lambda: cursor.execute("SELECT * FROM T").fetch_arrow_all(),
    lambda: cursor.execute("SELECT * FROM T").fetchall(),
    lambda: cursor.execute("SELECT * FROM T").fetch_pandas_all(timestamp_as_object=True),
):
    try:
        read()
    except MemoryError as error:
        refused.append(type(error).__name__)
print(json.dumps([same, refused, len(session.table("T").limit(5).to_pandas())]))
"""
    given = tmp_path / "parameters.json"
    given.write_text(json.dumps(parameters))
    done = subprocess.run([sys.executable, "-c", code, given], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [[True] * 8, ["NotEnoughMemoryError"] * 7, 5]


def test_pyarrow_reads_what_the_reader_made(table: RemoteTable) -> None:
    """The memory that a chunk was received into is the memory of its columns."""
    before = pa.total_allocated_bytes()
    whole = table.select(["NUM", "WHOLE"]).to_arrow()
    assert whole.nbytes == 16 * ROWS
    assert pa.total_allocated_bytes() - before < 2 * table.nbytes
