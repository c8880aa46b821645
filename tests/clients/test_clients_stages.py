"""The unmodified connector and Snowpark with staged files."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest
from snowflake.connector import SnowflakeConnection
from snowflake.connector.errors import ProgrammingError
from snowflake.snowpark import Row, Session
from snowflake.snowpark import types as T

pytestmark = pytest.mark.sandbox

CSV = "id,name,day,ts\n1, a ,05/03/2024,2024/03/05 07:08:09\n2,,06/03/2024,\n"


@pytest.fixture(scope="module")
def stage(session: Session, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("staged")
    (folder / "a.csv").write_text(CSV)
    pd.DataFrame({"A": [1, 2], "b": ["x", None]}).to_parquet(folder / "p.parquet")
    session.sql("create or replace stage files").collect()
    session.file.put(f"{folder}/*.csv", "@files/csv", auto_compress=True)
    session.file.put(f"{folder}/*.parquet", "@files/parquet", auto_compress=False)
    return "@files"


def test_snowpark_reads_staged_files(session: Session, stage: str, tmp_path: Path) -> None:
    schema = T.StructType([T.StructField("id", T.IntegerType()), T.StructField("name", T.StringType())])
    frame = session.read.schema(schema).option("skip_header", 1).csv(f"{stage}/csv/a.csv.gz")
    assert frame.collect() == [Row(ID=1, NAME=" a "), Row(ID=2, NAME=None)]
    assert session.read.parquet(f"{stage}/parquet/p.parquet").collect() == [Row(A=1, b="x"), Row(A=2, b=None)]
    inferring = session.read.option("INFER_SCHEMA", True).option("PARSE_HEADER", True)
    assert inferring.csv(f"{stage}/csv/a.csv.gz").select('"day"').collect()[0] == Row("05/03/2024")
    (found,) = session.file.get(f"{stage}/parquet/p.parquet", str(tmp_path))
    assert (tmp_path / found.file).stat().st_size == found.size


def test_a_transfer_that_the_connector_does_not_know_for_one_is_no_success(
    client: SnowflakeConnection, tmp_path: Path
) -> None:
    """snowflake-connector-python, test/integ/test_put_get_medium.py::test_put_get_with_hint."""
    (tmp_path / "sent.csv").write_text("1\n")
    cursor = client.cursor()
    for text in (f"--- a comment\nPUT file://{tmp_path}/sent.csv @~/hint", f"--- a\nGET @~/hint file://{tmp_path}"):
        with pytest.raises(ProgrammingError, match="its client moves no file"):
            cursor.execute(text)
        [told] = cursor.execute(text, _is_put_get=True).fetchall()
        assert told[0] in {"sent.csv", "sent.csv.gz"}
    assert (tmp_path / "sent.csv.gz").exists()


def test_file_format_options_are_applied(client: SnowflakeConnection, stage: str) -> None:
    cursor = client.cursor()
    cursor.execute("create or replace table loaded (id int, name varchar, day date, ts timestamp_ntz)")
    cursor.execute(
        f"copy into loaded from {stage}/csv file_format = (type = csv skip_header = 1 trim_space = true"
        " date_format = 'DD/MM/YYYY' timestamp_format = 'YYYY/MM/DD HH24:MI:SS')"
    )
    assert cursor.execute("select * from loaded order by id").fetchall() == [
        (1, "a", dt.date(2024, 3, 5), dt.datetime(2024, 3, 5, 7, 8, 9)),
        (2, None, dt.date(2024, 3, 6), None),
    ]


@pytest.mark.parametrize(
    "options",
    [
        "validation_mode = return_errors",
        "file_format = (type = csv record_delimiter = '|')",
        "file_format = (type = csv encoding = 'UTF16')",
        "file_format = (type = csv time_format = 'HH24')",
        "file_format = (type = csv replace_invalid_characters = true)",
    ],
)
def test_an_option_that_is_not_applied_is_refused(client: SnowflakeConnection, stage: str, options: str) -> None:
    cursor = client.cursor()
    cursor.execute("create table if not exists refused (a varchar, b varchar)")
    with pytest.raises(ProgrammingError, match="Unsupported feature"):
        cursor.execute(f"copy into refused from {stage}/csv {options}")
    assert cursor.execute("select count(*) from refused").fetchone() == (0,)
