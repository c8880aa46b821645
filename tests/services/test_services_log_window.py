"""A log of which a target tells its newest part only is followed without a gap or a repetition, or with a word.

Source: ML jobs, "Monitor the ML Job": "up to 100 KB of log lines by default".
"""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from cleanroom_ml.services.log_window import FULL_BYTES, LogWindow

LIMIT = 100_000


def follow(parts: list[str], limit: int = LIMIT) -> tuple[str, list[bool]]:
    """What a follower puts together of a log that grows by these parts, seen through a window."""
    window, whole, shown, missed = LogWindow(), "", "", []
    for part in parts:
        whole += part
        fresh, gap = window.fresh(whole[-limit:])
        shown += fresh
        missed.append(gap)
    return shown, missed


@given(st.lists(st.text("ab\n", max_size=12), max_size=12))
def test_a_log_that_fits_is_told_exactly_however_it_repeats_itself(parts: list[str]) -> None:
    assert follow(parts) == ("".join(parts), [False] * len(parts))


@settings(max_examples=40)
@given(st.integers(1, 400), st.randoms(use_true_random=False))
def test_a_window_that_is_cut_in_the_middle_of_a_line_is_fitted(lines: int, chance: random.Random) -> None:
    """Lines that come again and again, between ones that do not, and a window that ends where it likes."""
    parts = [
        "".join(chance.choice([f"epoch {at} of {part}\n", "loss 0.1\n", "\n"]) for at in range(chance.randrange(60)))
        + f"part {part}\n"
        for part in range(lines // 10 + 2)
    ]
    longest = max(map(len, parts))
    shown, missed = follow(parts, limit=longest + 300)
    assert (shown, any(missed)) == ("".join(parts), False)


def test_windows_that_moved_on_entirely_say_that_lines_were_missed() -> None:
    lines = [f"{number:07d} training\n" for number in range(40_000)]
    first, second = "".join(lines[:6_000]), "".join(lines[30_000:])
    window = LogWindow()
    assert window.fresh(first[-LIMIT:]) == (first[-LIMIT:], True), "its beginning is not there"
    fresh, missed = window.fresh(second[-LIMIT:])
    assert (fresh, missed) == (second[-LIMIT:], True)
    assert window.fresh(second[-LIMIT:]) == ("", False)


def test_an_end_of_a_line_alone_is_no_overlap() -> None:
    before, after = "\n".join(f"a {number}" for number in range(20_000)) + "\n", "\n" + "\nb" * 60_000
    window = LogWindow()
    window.fresh(before[-LIMIT:])
    assert window.fresh(after[-LIMIT:]) == (after[-LIMIT:], True)


def test_a_log_that_is_gone_for_a_moment_is_not_told_twice() -> None:
    window = LogWindow()
    assert [window.fresh(text) for text in ("", "one\n", "", "one\ntwo\n")] == [
        ("", False), ("one\n", False), ("", False), ("two\n", False),
    ]  # fmt: skip


def test_the_first_look_says_where_the_beginning_may_be_missing() -> None:
    assert LogWindow().fresh("x" * FULL_BYTES)[1]
    assert not LogWindow().fresh("x" * (FULL_BYTES - 1))[1]


def test_a_part_that_nearly_fits_everywhere_fits_nowhere() -> None:
    """`aaa…ab` is what makes a naive comparison look at each place for all of the rest."""
    window = LogWindow()
    window.fresh("a" * 99_999 + "b")
    now = "a" * 50_000 + "c" + "a" * 49_999
    assert window.fresh(now) == (now, True)
    assert window.fresh(now[1:] + "d") == ("d", False)
