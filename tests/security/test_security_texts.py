"""Texts of other parties that the front itself reads: none may hold it for longer than its length warrants."""

from __future__ import annotations

import time

import pytest

from cleanroom_ml.engine.rooms.templates import _preset_uses
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.classify import classify
from cleanroom_ml.specs.template_text import code_calls, sqlsafe_expressions

LENGTH = 400_000


@pytest.mark.attack
@pytest.mark.parametrize(
    "piece",
    ["preset_tables.a ", "preset_tables", "cleanroom.a$b ", "\ncleanroom.a$b", 'cleanroom."', "preset_tables['"],
)
def test_reading_a_hostile_body_takes_time_in_proportion_to_its_length(piece: str) -> None:
    """Before, the first of these kept the interpreter's lock for 40 seconds, and a body of 4 MB for an hour."""
    body = piece * (LENGTH // len(piece))
    began = time.monotonic()
    _preset_uses(body)
    code_calls(body)
    assert time.monotonic() - began < 5


@pytest.mark.attack
def test_many_sqlsafe_are_all_found_in_time() -> None:
    body = "\n{{ a | sqlsafe }}" * 10_000
    began = time.monotonic()
    found = sqlsafe_expressions(body)
    assert [found[0].line, found[-1].line, len(found)] == [2, 10_001, 10_000]
    assert time.monotonic() - began < 5


@pytest.mark.attack
@pytest.mark.parametrize(
    "body",
    [
        "SELECT * FROM IDENTIFIER({{ preset_tables['x'] }}) AS p",
        "SELECT * FROM IDENTIFIER({{ preset_tables['x'] | replace('}', '') }}) AS p",
        "SELECT * FROM IDENTIFIER({{ preset_tables['y'] or preset_tables['x'] }}) p",
        "SELECT * FROM IDENTIFIER({{ preset_tables.x }})\n AS c1",
    ],
)
def test_no_way_of_writing_hides_a_reserved_alias(body: str) -> None:
    used, reserved = _preset_uses(body)
    assert "x" in used
    assert reserved in ({"p"}, {"c1"})


@pytest.mark.attack
def test_an_error_that_quotes_half_a_character_can_be_recorded() -> None:
    """A template may hold one, as an escape of Jinja's. Before, its run failed and never ended."""
    with pytest.raises(SqlError) as refused:
        classify("SELEKT '\ud800'")
    assert refused.value.message.encode()
    with pytest.raises(SqlError) as refused:
        classify("CREATE COMPUTE POOL p MIN_NODES = \ud800")
    assert "\\ud800" in refused.value.message
    assert str(refused.value) == refused.value.message
