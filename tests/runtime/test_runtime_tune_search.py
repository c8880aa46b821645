from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from cleanroom_ml.runtime import tune
from cleanroom_ml.runtime.tune.proposals import Scored
from cleanroom_ml.runtime.tune.space import SearchSpace

pytestmark = pytest.mark.runtime

MIXED = {"rate": tune.loguniform(1e-3, 1), "depth": tune.randint(3, 10), "booster": ["gbtree", "dart"], "seed": 1}
CONTINUOUS = {"trees": tune.uniform(50, 200), "rate": tune.uniform(0.01, 0.3)}


def proposals(algorithm, space, trials, score=lambda params: 0.0):
    """What one trial after the other is given."""
    checked = SearchSpace.of(space)
    algorithm.check(checked)
    search = algorithm.begin(checked, trials)
    ended = []
    for number in range(search.total):
        params = search.propose(number, ended, [])
        ended.append(Scored(params, score(params)))
    return [each.params for each in ended]


def test_random_search_is_repeatable_with_a_seed():
    first = proposals(tune.RandomSearch(7), MIXED, 20)
    assert first == proposals(tune.RandomSearch(7), MIXED, 20)
    assert first != proposals(tune.RandomSearch(8), MIXED, 20)
    assert len({tuple(params.values()) for params in first}) == 20
    assert {params["booster"] for params in first} == {"gbtree", "dart"}
    assert {params["seed"] for params in first} == {1}


def test_without_a_seed_numpys_global_generator_decides():
    np.random.seed(5)
    first = proposals(tune.RandomSearch(), MIXED, 5)
    second = proposals(tune.RandomSearch(), MIXED, 5)
    np.random.seed(5)
    assert first == proposals(tune.RandomSearch(), MIXED, 5)
    assert first != second


@pytest.mark.parametrize("make", [np.random.default_rng, np.random.RandomState])
def test_random_search_takes_a_generator(make):
    first = proposals(tune.RandomSearch(make(3)), MIXED, 5)
    assert first == proposals(tune.RandomSearch(make(3)), MIXED, 5)


@pytest.mark.parametrize("seed", [-1, "a", 1.5, True])
def test_a_seed_that_is_none_is_refused(seed):
    with pytest.raises(ValueError, match="random_state"):
        proposals(tune.RandomSearch(seed), MIXED, 1)


def test_grid_search_tries_every_combination_once():
    space = {"trees": [50, 51], "depth": [4, 5, 6], "rate": [0.01, 0.03], "seed": 1}
    found = proposals(tune.GridSearch(), space, 5)
    assert [tuple(params.values()) for params in found] == [
        (*values, 1) for values in itertools.product([50, 51], [4, 5, 6], [0.01, 0.03])
    ]


def test_grid_search_refuses_sampling_functions():
    with pytest.raises(ValueError, match="GridSearch requires lists of values, and 'rate' is Uniform"):
        proposals(tune.GridSearch(), CONTINUOUS | {"rate": tune.uniform(0, 1), "trees": [1]}, 5)


@pytest.mark.parametrize(
    "other", [tune.randint(3, 10), tune.loguniform(1e-3, 1), tune.choice([1, 2]), [0.1, 0.2]], ids=repr
)
def test_bayesian_search_refuses_all_but_uniform(other):
    with pytest.raises(ValueError) as refused:
        proposals(tune.BayesOpt(), CONTINUOUS | {"other": other}, 5)
    assert str(refused.value) == (
        "Invalid search space configuration: BayesOpt requires all sampling functions to be of type 'Uniform'."
    )


def test_bayesian_search_takes_fixed_values_along():
    assert all(params["seed"] == 3 for params in proposals(tune.BayesOpt(), CONTINUOUS | {"seed": 3}, 4))


def bowl(params):
    """Best at 80 trees and a rate of 0.1; scales as far apart as in the published example."""
    return -(((params["trees"] - 80) / 150) ** 2) - ((params["rate"] - 0.1) / 0.29) ** 2


def test_bayesian_search_finds_what_random_search_does_not():
    bayesian = max(bowl(params) for params in proposals(tune.BayesOpt(), CONTINUOUS, 20, bowl))
    at_random = [
        max(bowl(params) for params in proposals(tune.RandomSearch(s), CONTINUOUS, 20, bowl)) for s in range(9)
    ]
    assert bayesian > -1e-3 > float(np.median(at_random))


def test_bayesian_search_is_repeatable():
    assert proposals(tune.BayesOpt(), CONTINUOUS, 8, bowl) == proposals(tune.BayesOpt(), CONTINUOUS, 8, bowl)


def test_proposals_stay_within_their_bounds():
    for params in proposals(tune.BayesOpt({"kind": "ucb", "kappa": 50}), CONTINUOUS, 15, bowl):
        assert 50 <= params["trees"] <= 200
        assert 0.01 <= params["rate"] <= 0.3


@pytest.mark.parametrize("kind", ["ucb", "ei", "poi"])
def test_every_acquisition_function_works(kind):
    found = proposals(tune.BayesOpt({"kind": kind, "kappa": 2.5, "xi": 0.01}), CONTINUOUS, 10, bowl)
    assert max(map(bowl, found[3:])) > max(map(bowl, found[:3]))


def test_kappa_says_how_far_from_the_known_it_looks():
    search = tune.BayesOpt({"kappa": 0.01}).begin(SearchSpace.of(CONTINUOUS), 30)
    bold = tune.BayesOpt({"kappa": 10}).begin(SearchSpace.of(CONTINUOUS), 30)
    ended = [
        Scored(params, bowl(params))
        for params in ({"trees": trees, "rate": rate} for trees in (60, 80, 120) for rate in (0.05, 0.1, 0.2))
    ]
    cautious, curious = (each.propose(9, ended, []) for each in (search, bold))
    assert abs(cautious["trees"] - 80) < 15 < abs(curious["trees"] - 80)


def test_kappa_decays_as_in_the_library():
    from cleanroom_ml.runtime.tune.bayes import Utility

    utility = Utility.of({"kappa": 4.0, "kappa_decay": 0.5, "kappa_decay_delay": 2})
    assert [utility.kappa_after(proposals) for proposals in range(5)] == [4.0, 4.0, 4.0, 2.0, 1.0]


@pytest.mark.parametrize(
    ("given", "says"),
    [({"kind": "best"}, "kind must be"), ({"kapa": 1}, "'kapa' is unknown"), ({"kappa": -1}, "must not be negative")],
)
def test_wrong_utility_arguments_are_refused(given, says):
    with pytest.raises(ValueError, match=says):
        tune.BayesOpt(given).check(SearchSpace.of(CONTINUOUS))


def test_failed_trials_are_not_repeated():
    """Nothing was learnt there, so a search that left them out would propose the same again and again."""
    search = tune.BayesOpt().begin(SearchSpace.of({"x": tune.uniform(0, 1)}), 30)
    ended = [Scored({"x": x}, -((x - 0.5) ** 2)) for x in (0.1, 0.4, 0.6)]
    seen = []
    for number in range(5, 15):
        params = search.propose(number, ended, [])
        assert all(abs(params["x"] - x) > 1e-3 for x in seen)
        seen.append(params["x"])
        ended.append(Scored(params, None))


def test_a_search_without_a_score_goes_on_at_random():
    found = proposals(tune.BayesOpt(), CONTINUOUS, 12, lambda params: None)
    assert len({params["rate"] for params in found}) == 12
    assert not any(math.isnan(value) for params in found for value in params.values())


def test_trials_that_run_are_not_proposed_again():
    search = tune.BayesOpt().begin(SearchSpace.of(CONTINUOUS), 30)
    ended = [Scored(params, bowl(params)) for params in proposals(tune.RandomSearch(1), CONTINUOUS, 8)]
    first = search.propose(8, ended, [])
    second = search.propose(8, ended, [first])
    assert abs(first["trees"] - second["trees"]) / 150 + abs(first["rate"] - second["rate"]) / 0.29 > 0.02
