"""PATTERN of MATCH_RECOGNIZE: what it matches, and that it is bounded (sql-reference/constructs/match_recognize)."""

from __future__ import annotations

import random
import re

import pytest

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.resolve.row_patterns import pattern, program
from cleanroom_ml.engine.sql.values import row_matching


def signs(text: str, rows: str, skip: str = "PAST") -> list[tuple[object, ...]]:
    """Which rows of `rows`, each of one symbol, match: their number, that of the match, the symbol."""
    used = sorted(set(pattern(text).symbols()))
    found = row_matching.matches(
        ["".join("1" if sign == each else "0" for sign in used) for each in rows],
        program(pattern(text), used, skip, None),
    )
    return [(row["m"], "".join(str(each["c"]) for each in found if each["m"] == row["m"])) for row in found if row["l"]]


@pytest.mark.parametrize(
    ("text", "rows", "expected"),
    [
        ("A B", "ABAB", [(1, "AB"), (2, "AB")]),
        ("A B*", "ABBA", [(1, "ABB"), (2, "A")]),
        ("A B*? B", "ABBA", [(1, "AB")]),
        ("A B{2,3}", "ABABBABBBB", [(1, "ABB"), (2, "ABBB")]),
        ("A B{,2}", "ABBB", [(1, "ABB")]),
        ("A B{2,}", "ABABBBB", [(1, "ABBBB")]),
        ("A{2}", "AAAAA", [(1, "AA"), (2, "AA")]),
        ("A (B | C)+ A", "ABCBA", [(1, "ABCBA")]),
        ("(A B) | C", "CAB", [(1, "C"), (2, "AB")]),
        ("(A | B)* C", "ABABAB", []),
        ("PERMUTE(A, B, C)", "CBABCA", [(1, "CBA"), (2, "BCA")]),
        ("(A?){2} B", "AAB", [(1, "AAB")]),
        ("(A* B)* C", "ABBAC", [(1, "C")]),
        ("^ A", "AAA", [(1, "A")]),
        ("A $", "AAA", [(1, "A")]),
        ("A?? B", "AB", [(1, "AB")]),
        ("A (B C)? B?", "ABABC", [(1, "AB"), (2, "ABC")]),
    ],
)
def test_a_pattern_is_read_as_a_regular_expression(text: str, rows: str, expected: object) -> None:
    assert signs(text, rows) == expected


def _drawn(draw: random.Random, depth: int) -> str:
    """A pattern of A, B and C."""
    if not depth:
        return draw.choice("ABC")
    kind = draw.random()
    if kind < 0.3:
        return " ".join(_drawn(draw, depth - 1) for _ in range(draw.randint(1, 3)))
    if kind < 0.5:
        return f"(({_drawn(draw, depth - 1)}) | ({_drawn(draw, depth - 1)}))"
    return f"({_drawn(draw, depth - 1)})" + draw.choice(["*", "+", "?", "*?", "+?", "??", "{1,2}", "{2}"])


def test_a_pattern_matches_what_a_regular_expression_does() -> None:
    """Against Python's own, of which one symbol for each row is a text."""
    draw = random.Random(7)
    seen = 0
    while seen < 300:
        text, rows = _drawn(draw, draw.randint(1, 3)), "".join(draw.choice("ABC") for _ in range(draw.randint(0, 9)))
        try:
            found = signs(text, rows)
        except SqlError:
            continue
        seen += 1
        expected, at, expression = [], 0, re.compile(text.replace(" ", ""))
        while at < len(rows):
            match = expression.match(rows, at)
            if match is not None:
                expected.append(match.group())
            at = max(at + 1, 0 if match is None else match.end())
        assert [names.replace("None", "") for _, names in found] == expected, (text, rows)


@pytest.mark.attack
def test_a_pattern_that_backtracks_takes_no_longer_than_its_rows() -> None:
    """The page warns of patterns that take exponential time: `(A+ A+)+ B` of 40 rows would not come back. What led
    nowhere once is not tried again, for no match of the partition: the last two would take as long as 12 million rows.
    """
    for text, skip, expected in [
        ("(A+ A+)+ B", "PAST", 0),
        ("(A | A)* (A | A)* B", "PAST", 0),
        ("(A A* B) | A", "PAST", 5_000),
        ("A (A* B)?", "NEXT", 5_000),
    ]:
        rows = row_matching.matches(["10"] * 5_000, program(pattern(text), ["A", "B"], skip, None))
        assert sum(bool(row["l"]) for row in rows) == expected


@pytest.mark.attack
def test_a_pattern_is_bounded_before_it_is_written_out() -> None:
    for text in ("(A*)*", "(A? B?)+", "A{3000}", "((((A{9}){9}){9}){9}){9}", "PERMUTE(A, B, C, D, E, F)"):
        with pytest.raises(SqlError, match="Unsupported feature"):
            program(pattern(text), ["A"], "PAST", None)
