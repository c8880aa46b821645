"""Large requests: the same values as Python's reader gives, in steps that let others have their turn."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleanroom_ml.engine.protocol import large_json
from cleanroom_ml.engine.protocol.bodies import parse_object, unpacked_size
from cleanroom_ml.engine.protocol.errors import WireError
from cleanroom_ml.engine.protocol.large_json import HalfCharacterError, LargeJsonError, loads

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


@settings(max_examples=60, deadline=None)
@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_values_come_back(value: Any, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert loads(text, depth=64) == json.loads(text)


@settings(max_examples=60, deadline=None)
@given(VALUES, st.integers(0), st.sampled_from('[]{}",:0-\\ x.e'))
def test_what_python_refuses_is_refused(value: Any, place: int, inserted: str) -> None:
    text = json.dumps(value)
    broken = text[: place % (len(text) + 1)] + inserted + text[place % (len(text) + 1) :]
    try:
        expected = json.loads(broken)
    except ValueError:
        with pytest.raises((LargeJsonError, HalfCharacterError)):
            loads(broken, depth=64)
        return
    try:
        assert loads(broken, depth=64) == expected
    except HalfCharacterError:
        assert "\\ud" in broken.lower(), "half a surrogate pair, which Python takes"
    except LargeJsonError:
        assert "0" in broken or "e" in broken, "an exponent or a number of more digits than any client sends"


@pytest.mark.parametrize(
    "text", ["", "[1,]", "[1 2]", '{"a"}', '{"a":}', "[", "nul", "NaN", "[01]", '["\n"]', "1 1", "-"]
)
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(LargeJsonError):
        loads(text, depth=64)


@pytest.mark.attack
def test_depth_and_number_of_values_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LargeJsonError, match="deeply"):
        loads("[" * 200_000, depth=64)
    monkeypatch.setattr(large_json, "MAX_VALUES", 100)
    with pytest.raises(LargeJsonError, match="more than 100"):
        loads("[" + "1," * 100 + "1]", depth=64)


@pytest.mark.attack
@pytest.mark.parametrize("value", ["{}", "[[]]", "1"])
def test_whoever_waits_for_it_can_be_ended_in_the_middle(value: str) -> None:
    """8 MiB of small objects took a cancelled procedure fifteen seconds."""

    def ended() -> None:
        raise InterruptedError

    text = "[" + f"{value}," * 20_000 + f"{value}]"
    assert len(loads(text, depth=64)) == 20_001  # type: ignore[arg-type]
    with pytest.raises(InterruptedError):
        loads(text, depth=64, tick=ended)


@pytest.mark.attack
def test_a_large_body_is_read_so_that_others_have_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read in one step, half of these numbers held everybody up for as long as all took."""
    body = b'{"a":[' + b"1," * (1 << 20) + b"1]}"

    def longest_wait() -> float:
        longest, stop = 0.0, threading.Event()

        def wait() -> None:
            nonlocal longest
            while not stop.is_set():
                before = time.monotonic()
                time.sleep(0.001)
                longest = max(longest, time.monotonic() - before)

        watching = threading.Thread(target=wait)
        watching.start()
        time.sleep(0.05)
        with pytest.raises(WireError):
            parse_object(body + b"x")
        stop.set()
        watching.join()
        return longest

    monkeypatch.setattr(large_json, "MAX_VALUES", 1 << 30)
    in_steps = longest_wait()
    monkeypatch.setattr("cleanroom_ml.engine.protocol.bodies._SMALL", 1 << 40)
    monkeypatch.setattr("cleanroom_ml.engine.protocol.bodies._depth_exceeds", lambda plain, limit: False)
    assert in_steps < longest_wait(), "the control is what makes it short"


def test_a_body_says_how_large_it_becomes() -> None:
    import gzip

    assert unpacked_size(gzip.compress(b"x" * 5000), "gzip", 1 << 20) == 5000
    assert unpacked_size(b"x" * 5000, "", 1 << 20) == 5000
    with pytest.raises(WireError):
        unpacked_size(gzip.compress(b"x" * 5000), "gzip", 4999)
