from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleanroom_ml.engine.protocol.capabilities import Capabilities, CapabilityRefusedError

ISSUER = Capabilities(b"k" * 32)


def test_a_capability_gives_its_claims_until_it_expires() -> None:
    capability = ISSUER.issue("chunk", {"query": "q1"}, expires=1000)
    assert ISSUER.check("chunk", capability, now=999.9) == {"query": "q1"}
    with pytest.raises(CapabilityRefusedError):
        ISSUER.check("chunk", capability, now=1000)


@pytest.mark.attack
def test_a_capability_is_good_for_nothing_else() -> None:
    capability = ISSUER.issue("chunk", {"query": "q1"}, expires=1000)
    with pytest.raises(CapabilityRefusedError):
        ISSUER.check("download", capability, now=0)
    with pytest.raises(CapabilityRefusedError):
        Capabilities(b"x" * 32).check("chunk", capability, now=0)


@pytest.mark.attack
def test_claims_cannot_be_exchanged() -> None:
    body, mac = ISSUER.issue("chunk", {"query": "q1"}, expires=1000).split(".")
    other = base64.urlsafe_b64encode(json.dumps([9999, {"query": "q2"}]).encode()).decode().rstrip("=")
    for forged in (f"{other}.{mac}", f"{other}.", other, f".{mac}", "", ".", f"{body}.{mac[:-1]}", f"{body}.{mac}é"):
        with pytest.raises(CapabilityRefusedError):
            ISSUER.check("chunk", forged, now=0)


@given(st.text(max_size=200))
def test_no_text_at_all_gets_past_or_crashes(guess: str) -> None:
    with pytest.raises(CapabilityRefusedError):
        ISSUER.check("chunk", guess, now=0)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="short"):
        Capabilities(b"short")
