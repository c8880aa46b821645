"""A command, an exit code and an error's name are said in one place; pages that show them are written from there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cleanroom_ml import errors
from cleanroom_ml.cli import generated
from cleanroom_ml.cli.table import Entry
from cleanroom_ml.connection.errors import from_connector
from cleanroom_ml.connection.errors import told as read
from cleanroom_ml.engine.sql.errors import room_error
from cleanroom_ml.error_names import ErrorName, known

ROOT = Path(__file__).parents[2]
ENGINE = ROOT / "cleanroom_ml" / "engine"


def test_the_pages_are_current() -> None:
    errors_page = (ROOT / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
    assert errors_page == generated.errors_page(), "make docs"
    for page, heads in (("README.md", generated.HEADS), ("docs/cli-conventions.md", generated.HEADS[:1])):
        text = (ROOT / page).read_text(encoding="utf-8")
        assert text == generated.with_tables(text), "make docs"
        assert [head for head in generated.HEADS if head in text.split("\n")] == list(heads)


def test_a_new_command_is_in_the_table_by_its_entry_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(generated.COMMANDS, "Somebody", (Entry("pools", "pool", "Another name of it."),))
    assert generated.command_rows()[-1] == "| somebody | `pools create·list·show·suspend·resume·drop` |"


def test_a_new_exit_code_is_in_the_table_by_its_class_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class _New(errors.CleanroomError):
        exit_code = 77
        meaning = "something new"

    monkeypatch.setattr(errors, "_New", _New, raising=False)
    assert "| 77 | something new |" in "\n".join(generated.exit_code_rows())
    assert errors.exit_codes()[1] == "error"


@pytest.mark.parametrize("name", list(ErrorName), ids=str)
def test_every_error_comes_back_to_the_command_line_as_what_it_is(name: ErrorName) -> None:
    """Raised by the engine, carried as text by the connector, known again by its name."""
    connector_errors = pytest.importorskip("snowflake.connector.errors")
    raised = room_error(name, "the reason.")
    told = connector_errors.ProgrammingError(raised.message, errno=raised.code, sqlstate=raised.sqlstate)
    ours = from_connector(told)
    assert type(ours) is name.kind
    assert ours.exit_code == name.kind.exit_code
    assert ours.what == f"{name}: the reason."
    assert (ours.code, ours.sqlstate) == (100357, "P0000")
    text = read(raised.message)
    assert (text.name, text.message) == (str(name), "the reason.")


def test_a_name_that_is_not_ours_is_none() -> None:
    assert known("PolicyViolationError") is ErrorName.PolicyViolationError
    assert known("SomethingElseError") is None
    text = read("SnowflakeOnlyError: why")
    assert (text.name, text.message) == ("SnowflakeOnlyError", "why")


def test_nobody_writes_an_errors_name_as_a_string() -> None:
    written = re.compile(rf'"({"|".join(ErrorName)})[":]')
    found = [
        f"{path.relative_to(ROOT)}: {match.group(1)}"
        for path in sorted((ROOT / "cleanroom_ml").rglob("*.py"))
        for match in written.finditer(path.read_text(encoding="utf-8"))
        if path.name != "error_names.py"
    ]
    assert found == []
