"""Whatever an account answers, a command ends with one of its exit codes, and says that it is done only if it is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from stand_in_flows import approve, begin, end, submit, whole
from stand_in_hostile import spoiled
from stand_in_parties import NewPair
from stand_in_shapes import DOCUMENTED, FIELD

pytestmark = pytest.mark.slow
# What the runner is shown is whole in both, so that an approval means the same before and after.
SHAPES = (DOCUMENTED, replace(FIELD, manifests="list", pending_code=True))


@pytest.mark.parametrize("seed", range(20))
def test_every_command_survives_what_it_is_answered_and_gets_on_afterwards(new_pair: NewPair, seed: int) -> None:
    whole(spoiled(new_pair(SHAPES[seed % 2]), seed))


@pytest.mark.parametrize("seed", range(20, 40))
def test_whoever_goes_survives_it_too(new_pair: NewPair, seed: int) -> None:
    pair = new_pair(SHAPES[seed % 2])
    begin(pair)
    submit(pair)
    approve(pair)
    for _ in range(3):  # what everybody has approved is applied some looks later
        pair.publisher.types("requests --all")
    end(spoiled(pair, seed))
