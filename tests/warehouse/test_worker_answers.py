"""A worker's answer comes from where hostile SQL ran: lies in it must not get further."""

from __future__ import annotations

import pytest

from cleanroom_ml.engine.sql.compiled import Compiled
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.types.sql_type import parse_type
from cleanroom_ml.engine.warehouse import answers
from cleanroom_ml.engine.warehouse.failures import from_answer

pytestmark = pytest.mark.attack


@pytest.mark.parametrize(
    "batches",
    [
        None,
        {},
        [[0, 10]],
        [[0, 200, 1]],
        [[5, 10, 1]],
        [[0, 10, 1], [0, 10, 1]],
        [[0, -1, 1]],
        [[0, 10, True]],
        [["0", 10, 1]],
        [[0, 0, 1]],
        [[0, 10, 0]],
    ],
)
def test_batches_lie_inside_of_the_file_one_after_the_other(batches):
    with pytest.raises(SqlError):
        answers.batches({"batches": batches}, 100, "q")


@pytest.mark.parametrize("columns", [None, "A", [["A"]], [["A", "EVIL"]], [[1, "INT"]], [["A", "INT", "x"]]])
def test_columns_have_names_and_types(columns):
    with pytest.raises(SqlError):
        answers.columns({"columns": columns}, "q")


@pytest.mark.parametrize("rows", [None, [[1, 2]], [["x"]], [{}]])
def test_rows_have_the_columns_types(rows):
    with pytest.raises(SqlError):
        answers.rows({"rows": rows}, (("A", parse_type("INT")),), "q")


def test_a_failure_carries_only_what_the_statement_said():
    sql = Compiled('SELECT "MINE" FROM read_parquet()', (), "token")
    said = from_answer({"kind": "column", "name": "MINE"}, sql, (), "q")
    assert "MINE" in str(said)
    for error in (
        {"kind": "column", "name": "SALARY=7000"},
        {"kind": "conversion", "target": "7000 from /etc"},
        {"kind": "length", "column": 99},
        {"kind": "/etc/passwd"},
        "text",
        None,
        {"kind": ["x"]},
    ):
        text = str(from_answer(error, sql, (("C", parse_type("INT")),), "q"))
        assert "7000" not in text
        assert "/etc" not in text


@pytest.mark.attack
@pytest.mark.parametrize(
    "texts",
    [
        None,
        [],
        [[10, 5, 1]],
        [[10, 5, 3]],
        [[0, 5, 2]],
        [[9, 5, 2]],
        [[10, 500, 2]],
        [[10, 0, 2]],
        [[10, 5, True], [15, 5, 1]],
        [[10, 5, -1], [15, 5, 3]],
        [["10", 5, 2]],
    ],
)
def test_texts_of_a_result_lie_behind_its_streams_and_have_as_many_rows(texts):
    """What a worker says of them: no part of the streams, nothing outside of the file, no row more or fewer."""
    with pytest.raises(SqlError):
        answers.texts({"texts": texts}, [(0, 10, 2)], 100, "q")
    assert answers.texts({"texts": [[10, 5, 1], [15, 5, 1]]}, [(0, 10, 2)], 100, "q") == [(10, 5, 1), (15, 5, 1)]
