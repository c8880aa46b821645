"""Provider and runner, by the command line, against an account that is written from the references alone."""

from __future__ import annotations

import pytest
from stand_in_flows import surprises, whole
from stand_in_parties import NewPair
from stand_in_shapes import SHAPES, Shape


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_both_flows_end_with_the_audience_in_a_file(new_pair: NewPair, shape: Shape) -> None:
    pair = new_pair(shape)
    whole(pair)
    assert not surprises(pair)
