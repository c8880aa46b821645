"""Whole numbers of 38 digits (sql-reference/data-types-numeric): written in 64 bits where they fit, in 128 where one
does not, and read together whatever each object has.
"""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from cleanroom_ml.engine.sql.catalog import TableSource
from cleanroom_ml.engine.sql.tree.build import Build
from cleanroom_ml.engine.sql.tree.dialect import generate
from cleanroom_ml.engine.sql.types.sql_type import parse_type
from cleanroom_ml.engine.warehouse import answers, parquet_out, worker

COLUMNS = [["N", "NUMBER(38,0)"], ["P", "NUMBER(10,0)"]]


def written(path: Path, query: str) -> dict[str, object]:
    connection = duckdb.connect()
    sql = parquet_out.casting(query, ["_0", "_1"], COLUMNS)
    output = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        return worker.write({"columns": COLUMNS}, sql, [], output, connection)
    finally:
        os.close(output)


def test_a_column_is_as_wide_as_its_values(tmp_path: Path) -> None:
    assert written(tmp_path / "narrow", "SELECT 1, 2 UNION ALL SELECT 3, 4")["rows"] == 2
    assert (
        written(tmp_path / "wide", f"SELECT range, 1 FROM range(200000) UNION ALL SELECT {2**63}, 2")["rows"] == 200_001
    )
    types = [[str(found) for found in pq.read_schema(tmp_path / name).types] for name in ("narrow", "wide")]
    assert types == [["int64", "int64"], ["decimal128(38, 0)", "int64"]]


def test_objects_of_both_widths_are_one_table(tmp_path: Path) -> None:
    written(tmp_path / "narrow", "SELECT 1, 2")
    written(tmp_path / "wide", f"SELECT {10**38 - 1}, 2")
    build = Build()
    columns = tuple((name, parse_type(text)) for name, text in COLUMNS)
    sql = generate(build.scan(TableSource(columns, ("narrow", "wide"))))
    for number, name in enumerate(("narrow", "wide")):
        sql = sql.replace(f"{build.token}:{number}:", str(tmp_path / name))
    found = duckdb.connect().sql(f"SELECT N, P FROM ({sql}) ORDER BY N").fetchall()
    assert found == [(1, 2), (10**38 - 1, 2)]


@pytest.mark.parametrize("query", [f"SELECT {10**38}, 1", "SELECT 1, 10000000000"])
def test_more_digits_than_the_column_has_fail(tmp_path: Path, query: str) -> None:
    with pytest.raises(duckdb.InvalidInputException, match="cleanroom:range"):
        written(tmp_path / "none", query)


def test_a_result_says_the_precision_that_the_statement_gives() -> None:
    """What a worker names, it names: only digits are added, and only to a number of the same scale."""
    given = (("A", parse_type("NUMBER(38,0)")), ("B", parse_type("VARCHAR")), ("C", parse_type("NUMBER(38,2)")))
    kinds = (parse_type("NUMBER(7,0)").kind, parse_type("NUMBER(7,0)").kind, parse_type("NUMBER(7,0)").kind)
    declared = [str(found) for _, found in answers.declared(given, kinds)]
    assert declared == ["NUMBER(7,0)", "VARCHAR", "NUMBER(38,2)"]
    assert answers.declared(given, kinds[:1]) == given
