"""A stand-in of the service behind a pair of people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from stand_in_parties import NewPair, Pair, make_pair
from stand_in_shapes import DOCUMENTED, Shape
from stand_in_wire import listening
from stand_in_world import World


@pytest.fixture
def new_pair(tmp_path: Path) -> Iterator[NewPair]:
    """`new_pair(shape, apart=True)`: two people, and an account that answers in that shape."""
    with ExitStack() as listeners:

        def make(shape: Shape = DOCUMENTED, *, apart: bool = False) -> Pair:
            root = tmp_path / f"world{len(list(tmp_path.iterdir()))}"
            root.mkdir()
            return make_pair(listeners.enter_context(listening(World(shape), root / "brought")), root, apart=apart)

        yield make
