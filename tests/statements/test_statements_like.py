from __future__ import annotations

import time

import pytest

from cleanroom_ml.engine.statements.like import like


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("%", "", True),
        ("", "", True),
        ("", "A", False),
        ("a_c", "ABC", True),
        ("a_c", "AC", False),
        ("a%c", "AbbbC", True),
        ("%b%", "abc", True),
        ("a\\_c", "abc", False),
        ("a\\_c", "a_c", True),
        ("100\\%", "100%", True),
        ("%aab", "aaaab", True),
        ("a.c", "abc", False),
    ],
)
def test_like(pattern: str, text: str, expected: bool) -> None:
    assert like(pattern, text) is expected


@pytest.mark.attack
def test_no_pattern_takes_long() -> None:
    began = time.monotonic()
    assert not like("%a" * 100 + "b", "a" * 255)
    assert time.monotonic() - began < 1
