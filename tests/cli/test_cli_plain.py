"""Text of other parties: nothing of it reaches a terminal as a command, and nothing hides what must be judged."""

from __future__ import annotations

import json
import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cleanroom_ml.cli.plain import escaped_json, plain, visible

HOSTILE_TEXT = st.text(
    alphabet=st.one_of(
        st.sampled_from("\x1b\x9b\x9d\x90\x07\x9c\\[]PX^_;?0123mHJK\r\n\t\x08\x7f\u202e\u2066\u200b\u061c"),
        st.characters(),
    )
)
BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[Hgone", "gone"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\", "click"),
        ("\x1b]52;c;cm0gLXJm\x07paste", "paste"),
        ("\x1bP$q q\x1b\\dcs", "dcs"),
        ("\x9b31mc1", "c1"),
        ("\x1bc reset", " reset"),
        ("\x1b(0charset", "charset"),
        ("abc\x08\x08\x08xyz", "abcxyz"),
        ("DONE\rFAILED", "DONE\nFAILED"),
        ("one\r\ntwo", "one\ntwo"),
        ("user\u202etxt.exe", "usertxt.exe"),
        ("nul\x00 del\x7f", "nul del"),
        ("tab\tstays", "tab\tstays"),
        ("naïve ☃ 𝔘", "naïve ☃ 𝔘"),
    ],
)
def test_what_a_terminal_would_act_on_is_gone(hostile: str, shown: str) -> None:
    assert plain(hostile) == shown


@pytest.mark.parametrize("start", ["\x1b]", "\x1bP", "\x1bX", "\x1b^", "\x1b_", "\x9d", "\x90"])
def test_an_unterminated_string_swallows_nothing(start: str) -> None:
    assert "digest sha256:00" in plain(f"note {start}0;\nmonitoring allowed\ndigest sha256:00")
    assert "monitoring" in plain(f"note {start}0; monitoring")


@given(HOSTILE_TEXT)
@example("\x1b\x1b[31m[31m")
@example("\x1b[\x1b[31m")
def test_no_control_survives(text: str) -> None:
    left = [char for char in plain(text) if char not in "\n\t" and (unicodedata.category(char) == "Cc" or char in BIDI)]
    assert left == []


@given(HOSTILE_TEXT)
def test_visible_hides_nothing(text: str) -> None:
    shown = visible(text)
    assert all(char == "\t" or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in shown)
    assert len(shown) >= len(text)
    assert plain(shown) == shown


def test_visible_writes_out_what_cannot_be_seen() -> None:
    assert visible("a\x1b]\u202e\n\u200bé") == "a\\x1b]\\u202e\\n\\u200bé"


@given(st.recursive(HOSTILE_TEXT, lambda inner: st.lists(inner) | st.dictionaries(HOSTILE_TEXT, inner), max_leaves=5))
def test_json_means_the_same_and_holds_no_control(value: object) -> None:
    text = escaped_json(json.dumps(value, ensure_ascii=False))
    assert json.loads(text) == value
    assert text.encode("utf-8")
    assert plain(text) == text


@pytest.mark.attack
@pytest.mark.parametrize("piece", ["\x1b]", "\x1b[", "\x1b[0", "\x1b]\x1b", "\x9b", "\x1bP;", "\x1b   "])
def test_no_text_takes_long(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    begin = time.monotonic()
    plain(text)
    assert time.monotonic() - begin < 10
