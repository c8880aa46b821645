from __future__ import annotations

import time

import pytest

from cleanroom_ml.engine.jobs.layers.diagnosis import without_addresses


def test_no_address_is_left() -> None:
    said = (
        "Looking in indexes: https://user:secret@pypi.corp/simple, file:///srv/wheels (HTTPS://A:b@c) x@svn+ssh://u:p@h"
    )
    left = without_addresses(said)
    assert left == "Looking in indexes: <address> <address> (<address> x@<address>"


@pytest.mark.attack
@pytest.mark.parametrize("piece", ["a.", "a", "a-", "a:", "http:"])
def test_the_name_of_a_package_does_not_hold_the_engine_up(piece: str) -> None:
    """A package's metadata names what it requires, and pip says that name."""
    before = time.process_time()
    without_addresses(piece * (200_000 // len(piece)))
    assert time.process_time() - before < 5
