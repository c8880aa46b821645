from __future__ import annotations

import numpy as np
import pytest

from cleanroom_ml.runtime import tune
from cleanroom_ml.runtime.tune.space import SearchSpace


def drawn(function, count=2000, seed=0):
    generator = np.random.default_rng(seed)
    return [function.sample(generator) for _ in range(count)]


def test_uniform_covers_its_range_evenly():
    values = drawn(tune.uniform(0.01, 0.3))
    assert all(isinstance(value, float) and 0.01 <= value <= 0.3 for value in values)
    assert np.mean(values) == pytest.approx(0.155, abs=0.01)


def test_loguniform_gives_each_order_of_magnitude_as_often():
    values = np.array(drawn(tune.loguniform(1e-5, 1e-1)))
    assert values.min() >= 1e-5
    assert values.max() <= 1e-1
    assert [((values >= 10.0**low) & (values < 10.0 ** (low + 1))).mean() for low in (-5, -4, -3, -2)] == pytest.approx(
        [0.25] * 4, abs=0.04
    )


def test_randint_never_gives_its_upper_bound():
    values = drawn(tune.randint(3, 6))
    assert set(values) == {3, 4, 5}
    assert all(type(value) is int for value in values)


def test_choice_gives_the_very_objects():
    options = ["gini", None, 3, True]
    assert {id(value) for value in drawn(tune.choice(options))} == {id(option) for option in options}


def test_a_sampling_function_can_be_read():
    assert repr(tune.uniform(0.5, 1.0)) == "Uniform(lower=0.5, upper=1.0)"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: tune.uniform(1, 1), r"uniform\(1, 1\): lower must be below upper"),
        (lambda: tune.randint(5, 3), "lower must be below upper"),
        (lambda: tune.randint(1.5, 3), "whole numbers"),
        (lambda: tune.loguniform(0, 1), "lower must be above 0"),
        (lambda: tune.uniform(0, float("inf")), "finite"),
        (lambda: tune.choice([]), "nothing to choose from"),
    ],
)
def test_impossible_bounds_are_refused(make, says):
    with pytest.raises(ValueError, match=says):
        make()


def test_a_bound_that_is_no_number_is_refused():
    with pytest.raises(TypeError, match="numbers"):
        tune.uniform("a", "b")


def test_a_space_knows_what_varies_and_what_does_not():
    space = SearchSpace.of({"rate": tune.uniform(0, 1), "depth": [3, 4], "seed": 42, "booster": "dart"})
    assert set(space.sampled) == {"rate"}
    assert space.listed == {"depth": (3, 4)}
    assert space.fixed == {"seed": 42, "booster": "dart"}
    assert list(space.in_order({"depth": 3, "rate": 0.5})) == ["rate", "depth", "seed", "booster"]


@pytest.mark.parametrize(
    ("space", "error", "says"),
    [
        ({}, ValueError, "search_space is empty"),
        ([1], TypeError, "must be a dictionary"),
        ({"depth": []}, ValueError, "'depth' is empty"),
        ({3: [1]}, TypeError, "names of parameters are strings"),
    ],
)
def test_a_space_that_cannot_be_searched_is_refused(space, error, says):
    with pytest.raises(error, match=says):
        SearchSpace.of(space)


def test_rays_own_sampling_functions_are_understood():
    ray_tune = pytest.importorskip("ray.tune")
    space = SearchSpace.of(
        {
            "a": ray_tune.uniform(0, 1),
            "b": ray_tune.loguniform(1e-3, 1),
            "c": ray_tune.randint(2, 5),
            "d": ray_tune.choice([4, 5]),
            "e": ray_tune.grid_search([1, 2]),
        }
    )
    assert space.sampled == {
        "a": tune.uniform(0, 1),
        "b": tune.loguniform(1e-3, 1),
        "c": tune.randint(2, 5),
        "d": tune.choice([4, 5]),
    }
    assert space.listed == {"e": (1, 2)}
    with pytest.raises(ValueError, match="has no equal"):
        SearchSpace.of({"a": ray_tune.quniform(0, 1, 0.1)})
