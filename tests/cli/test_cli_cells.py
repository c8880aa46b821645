"""Cells that people read: no JSON and no Python in them; and what a spreadsheet would run is told."""

from __future__ import annotations

import csv
import json
from typing import Any

import pytest

from cleanroom_ml.cli.cells import cell
from cleanroom_ml.cli.output import Output
from cleanroom_ml.cli.render import render

ROW = {
    "roles": '["owner", "data_provider"]',
    "waiting_for": ["a", "b"],
    "nothing": [],
    "details": {"idle_nodes": 1, "note": None, "of": {"x": True}},
    "parameters": [{"name": "n", "default": 1}, {"name": "m"}],
    "text": "[not json",
}


@pytest.mark.parametrize(
    ("item", "shown"),
    [
        (ROW["roles"], "owner, data_provider"),
        (ROW["waiting_for"], "a, b"),
        ([], ""),
        (None, ""),
        (True, "true"),
        (1.5, "1.5"),
        (ROW["details"], "idle_nodes: 1, of: (x: true)"),
        (ROW["parameters"], "name: n, default: 1; name: m"),
        ([["a", "b"], ["c"]], "a, b; c"),
        (ROW["text"], "[not json"),
        ("[" * 900 + "]" * 900, "…"),
        ("[" * 100_000 + "]" * 100_000, "[" * 100_000 + "]" * 100_000),
    ],
)
def test_a_cell_is_for_people(item: Any, shown: str) -> None:
    assert cell(item) == shown


def test_tables_show_cells_and_machines_get_what_they_got(capsys: pytest.CaptureFixture[str]) -> None:
    render(Output([ROW]), "table")
    table = capsys.readouterr().out
    assert "owner, data_provider" in table
    assert not {'["', "{'", '{"', "None", "True"} & {
        part for part in ('["', "{'", '{"', "None", "True") if part in table
    }
    render(Output([ROW]), "json")
    assert json.loads(capsys.readouterr().out) == [ROW]
    render(Output([ROW]), "csv")
    assert next(csv.DictReader(capsys.readouterr().out.splitlines()))["waiting_for"] == '["a", "b"]'


def test_a_person_s_own_data_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    render(Output([{"V": '["a"]'}], columns=("V",), verbatim=True), "table")
    assert '["a"]' in capsys.readouterr().out


@pytest.mark.attack
@pytest.mark.parametrize("hostile", ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "-"])
def test_csv_keeps_every_value_and_says_which_a_spreadsheet_would_run(capsys, hostile: str) -> None:
    render(Output([{"a": hostile, "b": -5, "c": "-1.5"}]), "csv")
    told = capsys.readouterr()
    assert list(csv.reader(told.out.splitlines())) == [["a", "b", "c"], [hostile, "-5", "-1.5"]]
    assert "1 cell begins with = + - or @" in told.err
    render(Output([{"a": "x", "b": -5, "c": "-1.5"}]), "csv")
    assert capsys.readouterr().err == ""
