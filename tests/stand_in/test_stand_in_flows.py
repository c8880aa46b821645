"""Provider and runner, by the command line, against an account that is written from the references alone."""

from __future__ import annotations

from random import Random

import pytest
from stand_in_flows import surprises, whole
from stand_in_forms import Forms
from stand_in_parties import NewPair
from stand_in_shapes import SHAPES, Shape


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_both_flows_end_with_the_audience_in_a_file(new_pair: NewPair, shape: Shape) -> None:
    pair = new_pair(shape)
    whole(pair)
    assert not surprises(pair)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30))
def test_both_flows_end_whatever_the_form_of_answers(new_pair: NewPair, seed: int) -> None:
    """One answer is not in the form of the next."""
    pair = new_pair(SHAPES[seed % len(SHAPES)])
    pair.world.said = Forms(Random(seed))
    whole(pair)
    assert not surprises(pair)
