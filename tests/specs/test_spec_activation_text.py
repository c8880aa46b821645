"""An activation template that would send nothing, told from its text; what it computes is left alone."""

from __future__ import annotations

import time

import pytest

from cleanroom_ml.specs.activation_text import activation_findings, bare_calls
from cleanroom_ml.specs.name_choices import name_choices
from cleanroom_ml.specs.template_text import (
    assignments,
    code_calls,
    expressions,
    masked,
    sqlsafe_expressions,
    variable_names,
)

GOOD = """BEGIN
  CREATE OR REPLACE TABLE cleanroom.activation_data_best AS SELECT id FROM cleanroom.scores;
  RETURN 'best';
END;"""


@pytest.mark.parametrize(
    "body",
    [
        GOOD,
        GOOD.lower(),
        GOOD.replace("CREATE OR REPLACE TABLE", "CREATE TABLE IF NOT EXISTS"),
        GOOD.replace("CREATE OR REPLACE TABLE", "INSERT INTO").replace(" AS", ""),
        GOOD.replace("cleanroom.activation_data_best", 'CLEANROOM . "ACTIVATION_DATA_BEST"'),
        f"-- first this\n{{# and that #}}\n{{% set n = 1 %}}{GOOD}",
        "DECLARE n INT; " + GOOD,
        GOOD.replace("data_best", "data_{{ name | sqlsafe }}"),
        GOOD.replace("'best'", "{{ name }}"),
        GOOD.replace("'best'", ":name"),
        GOOD.replace("cleanroom.activation_data_best", "IDENTIFIER({{ name }})"),
        GOOD.replace("cleanroom.activation_data_best", "IDENTIFIER('cleanroom.activation_data_best')"),
        "BEGIN EXECUTE IMMEDIATE {{ text }}; RETURN 'best'; END",
        "BEGIN CALL cleanroom.m$score(); RETURN 'best'; END",
        "{{ all_of_it | sqlsafe }}",
        "BEGIN ALTER TABLE cleanroom.x RENAME TO cleanroom.activation_data_best; RETURN 'best'; END",
    ],
)
def test_what_may_send_something_is_left_alone(body: str) -> None:
    assert list(activation_findings(body)) == []


@pytest.mark.parametrize(
    ("body", "line", "what"),
    [
        ("\nSELECT id FROM cleanroom.scores", 2, "BEGIN … END block"),
        (GOOD.replace("activation_data_best", "best"), 1, "writes no table cleanroom.activation_data_"),
        (GOOD.replace("CREATE OR REPLACE TABLE", "DROP TABLE IF EXISTS"), 1, "writes no table"),
        (GOOD.replace("CREATE", "-- CREATE"), 1, "writes no table"),
        (GOOD.replace("CREATE OR REPLACE TABLE", "SELECT * FROM"), 1, "writes no table"),
        (GOOD.replace("RETURN 'best';", ""), 1, "returns nothing"),
        (GOOD.replace("'best'", "'other'"), 3, "returns 'other'"),
        (GOOD.replace("'best'", "'activation_data_best'"), 3, "returns 'activation_data_best'"),
    ],
)
def test_what_sends_nothing_is_told_with_its_line(body: str, line: int, what: str) -> None:
    (found,) = activation_findings(body)
    assert found.line == line
    assert what in found.what


def test_a_call_that_names_no_code_spec_is_told() -> None:
    text = "-- CALL cleanroom.a()\nCALL cleanroom.m$job({{ x }});\ncall cleanroom.job ( 'CALL cleanroom.b(' )"
    assert [(found.line, found.what) for found in bare_calls(text)] == [(3, "there is no cleanroom.job to call")]


@pytest.mark.attack
@pytest.mark.parametrize(
    "hostile",
    [
        "'\\" * 8000,
        "{{ " + "'\\" * 8000,
        '{{ "' + '\\"' * 8000,
        "{{ x | y('" * 4000,
        '"' * 16001,
        "CALL" + " " * 50_000,
    ],
)
@pytest.mark.parametrize(
    "read",
    [
        activation_findings, bare_calls, name_choices, masked, expressions, variable_names, assignments, code_calls,
        sqlsafe_expressions,
    ],
)  # fmt: skip
def test_no_quote_holds_up_the_reading(read, hostile: str) -> None:
    """Quotes that nothing closes were read to the end once for every quote: 16 KB took 6 s, a body of 1 MB hours."""
    began = time.process_time()
    tuple(read(hostile) or ())
    assert time.process_time() - began < 2
