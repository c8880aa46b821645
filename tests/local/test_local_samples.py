"""What the sample projects' scripts share: published data, hashed addresses, Parquet files, tables loaded once."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from cleanroom_ml.connection import connect, resolve
from cleanroom_ml.errors import UsageError
from cleanroom_ml.local import sample_data
from cleanroom_ml.local.sample_data import hashed_email, household_email, published, retail_year, write_table
from cleanroom_ml.local.sample_script import asked_size, script
from cleanroom_ml.local.sample_tables import SampleTable, load_tables

PEOPLE = SampleTable("PEOPLE_DB.PUBLIC.PEOPLE", "NAME VARCHAR, BORN TIMESTAMP_NTZ")


def test_an_address_is_hashed_as_both_parties_would() -> None:
    plain = hashlib.sha256(b"ann@example.com").hexdigest()
    assert hashed_email("ann@example.com") == hashed_email("  Ann@Example.com ") == plain
    assert household_email(7) == hashed_email("household-7@example.com")


def test_the_published_data_are_named_where_they_are_missing() -> None:
    assert len(published("demographics")) == 801
    with pytest.raises(UsageError, match="no_such_package") as caught:
        published("demographics", package="no_such_package")
    assert "pip install" in str(caught.value.fix)


def test_some_households_are_whole_years_of_always_the_same_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = pd.DataFrame({"household_id": [1, 2, 3, 1, 2, 3], "sales_value": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]})
    monkeypatch.setattr(sample_data, "published", lambda _: lines)
    some = retail_year(2)
    assert list(some.columns) == ["hashed_email", "sales_value"]
    wanted = sorted(household_email(number) for number in (1, 2, 3))[:2]
    assert set(some["hashed_email"]) == set(wanted)
    assert len(some) == 4
    assert set(retail_year(1)["hashed_email"]) <= set(some["hashed_email"])
    assert len(retail_year()) == 6
    with pytest.raises(UsageError, match="0 households"):
        retail_year(0)


def test_a_table_is_written_with_upper_case_names_and_microseconds(tmp_path: Path) -> None:
    frame = pd.DataFrame({"name": ["a"], "born": [pd.Timestamp("2017-01-01 00:00:01")]})
    told = write_table(frame, tmp_path / "bank/data/people.parquet")
    assert told == "bank/data/people.parquet: 1 rows"
    schema = pq.read_schema(tmp_path / "bank/data/people.parquet")
    assert schema.names == ["NAME", "BORN"]
    assert str(schema.field("BORN").type) == "timestamp[us]"
    assert list(frame.columns) == ["name", "born"]


def test_a_script_tells_what_helps_and_exits_with_the_errors_code(capsys: pytest.CaptureFixture[str]) -> None:
    @script
    def main() -> None:
        raise UsageError("nothing there", fix="python generate.py")

    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == "error: nothing there\nfix: python generate.py\n"


def test_a_size_is_a_number_of_at_least_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*words: str) -> int | None:
        monkeypatch.setattr(sys, "argv", ["generate.py", *words])
        return asked_size("Write tables.", "--rows", None, "how many")

    assert (asked(), asked("--rows", "5")) == (None, 5)
    for wrong in ("0", "-1", "many"):
        with pytest.raises(SystemExit) as ended:
            asked("--rows", wrong)
        assert ended.value.code == 2


@pytest.mark.sandbox
def test_a_table_is_loaded_once_and_again_when_its_rows_change(
    make_account, engine_home, monkeypatch, tmp_path
) -> None:
    monkeypatch.setenv("CLEANROOM_ML_HOME", str(engine_home.path))
    make_account("sampler")
    party = tmp_path / "sampler"
    born = pd.to_datetime(["2017-01-01", "2017-01-02", "2017-01-03"])
    with connect(resolve("sampler", directory=tmp_path)) as connection:
        with pytest.raises(UsageError, match=r"sampler/data/people\*.parquet is not there"):
            list(load_tables(connection, [PEOPLE], party))
        write_table(pd.DataFrame({"name": ["a", "b"], "born": born[:2]}), party / "data/people_0.parquet")
        first, again = (list(load_tables(connection, [PEOPLE], party)) for _ in range(2))
        assert first == [("PEOPLE_DB.PUBLIC.PEOPLE", 2, True)]
        assert str(again[0]) == "PEOPLE_DB.PUBLIC.PEOPLE: 2 rows (loaded before)"
        write_table(pd.DataFrame({"name": ["c"], "born": born[2:]}), party / "data/people_1.parquet")
        assert list(load_tables(connection, [PEOPLE], party)) == [("PEOPLE_DB.PUBLIC.PEOPLE", 3, True)]
