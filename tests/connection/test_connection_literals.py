"""Values as SQL text: whatever they hold, a real parser reads the same value back, and nothing but it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleanroom_ml.connection.literals import identifier, literal
from cleanroom_ml.engine.sql.read.call import parse_call
from cleanroom_ml.naming import quote_name, split_name

HOSTILE = [
    "",
    "'",
    "''",
    "\\",
    "\\'",
    "'); DROP TABLE x; --",
    "$$",
    "$$\n$$",
    "ends with a dollar\n$",
    "$starts\nwith one",
    "a\nb",
    "a\r\nb\n",
    "a\x00b",
    "naïve – ☃ 𝔘𝔫𝔦",
    "-- comment\n/* other */",
    ":b0 ? %s %(x)s {{ y }}",
    '{"json": "it\'s"}',
]


def read_back(value: object) -> Any:
    call = parse_call(f"CALL db.schema.p({literal(value)}, 'end')")
    assert call.args[1:] == ("end",)
    return call.args[0]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_comes_back_as_it_was(text: str) -> None:
    assert read_back(text) == text
    assert read_back([text, {text or "k": [text]}]) == [text, {text or "k": [text]}]


@given(st.text(alphabet=st.one_of(st.sampled_from("'\\$\n\r;-/*\x00{}[],:"), st.characters(exclude_categories=["Cs"]))))
def test_any_text_comes_back_as_it_was(text: str) -> None:
    assert read_back(text) == text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet="ab'\\ \n$"), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_any_value_comes_back_as_it_was(value: object) -> None:
    assert read_back(value) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_number_without_a_literal_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="no SQL literal"):
        literal([value])


@pytest.mark.parametrize("value", [b"bytes", bytearray(b"x"), object(), {1, 2}])
def test_other_types_are_refused(value: object) -> None:
    with pytest.raises(TypeError, match="no SQL literal"):
        literal(value)


@pytest.mark.parametrize("name", ["plain", "Db.Schema.Stage", '"a.b".c', '"quo""te"', "_x$1", '"x; DROP TABLE y"'])
def test_an_identifier_means_what_was_typed(name: str) -> None:
    assert split_name(identifier(name)) == split_name(name)


@pytest.mark.parametrize("name", ["", "a b", "a;b", "a.", ".a", "1a", 'a"', "a\n", "a--", "a'b", "ä"])
def test_what_is_no_identifier_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a valid name"):
        identifier(name)


@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=3))
def test_any_quoted_name_survives(parts: list[str]) -> None:
    assert split_name(identifier(quote_name(tuple(parts)))) == tuple(parts)
