"""How the next parameters are chosen: at random, by a grid, or by what was learnt from the trials before.

An algorithm is a description that a script makes; `begin` gives the search itself, whose `propose` is asked once a
trial, in the order of the trials, so that the sequence depends on the seed and never on timing.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..values import Values
from .proposals import Scored, Search
from .space import SearchSpace, Uniform

if TYPE_CHECKING:
    import numpy as np

ONLY_UNIFORM = "Invalid search space configuration: BayesOpt requires all sampling functions to be of type 'Uniform'."
"""The documented message, word for word."""


class SearchAlgorithm:
    """What `TunerConfig(search_alg=)` takes."""

    def check(self, space: SearchSpace) -> None:
        """Raises ValueError where the algorithm cannot search this space."""

    def begin(self, space: SearchSpace, num_trials: int) -> Search:
        """A search of a space that `check` has passed."""
        raise NotImplementedError


@dataclass
class RandomSearch(SearchAlgorithm):
    """Draw each trial's parameters independently.

    random_state: a seed, or a generator of NumPy's. None: NumPy's global generator gives the seed, so that
        `np.random.seed` makes the search repeatable, as documented.
    """

    random_state: int | np.random.Generator | np.random.RandomState | None = None

    def begin(self, space: SearchSpace, num_trials: int) -> Search:
        return _Random(space, num_trials, _generator(self.random_state))


@dataclass
class GridSearch(SearchAlgorithm):
    """Try every combination of the listed values exactly once; `num_trials` plays no part."""

    def check(self, space: SearchSpace) -> None:
        if space.sampled:
            name, function = next(iter(space.sampled.items()))
            raise ValueError(
                "Invalid search space configuration: GridSearch requires lists of values, and "
                f"{name!r} is {function!r}. Write its values as a list, or use RandomSearch()."
            )

    def begin(self, space: SearchSpace, num_trials: int) -> Search:
        return _Grid(space)


@dataclass
class BayesOpt(SearchAlgorithm):
    """Let a Gaussian process say where to look next (the bayesian-optimization library); for `uniform` parameters.

    utility_kwargs: the acquisition function, by default {"kind": "ucb", "kappa": 2.576, "xi": 0.0}. Kinds: "ucb" (uses
        kappa), "ei" and "poi" (use xi).

    The sequence is the same in every run with the same outcomes. With several trials at a time, the next is proposed
    from the trials that are that many places before it (see `Tuner`), so it still is, and each proposal knows less.
    """

    utility_kwargs: Values | None = None

    def check(self, space: SearchSpace) -> None:
        from .bayes import Utility

        Utility.of(self.utility_kwargs)
        if space.listed or not space.sampled or not all(isinstance(each, Uniform) for each in space.sampled.values()):
            raise ValueError(ONLY_UNIFORM)

    def begin(self, space: SearchSpace, num_trials: int) -> Search:
        from .bayes import Bayes, Utility

        uniforms = {name: each for name, each in space.sampled.items() if isinstance(each, Uniform)}
        return Bayes(space, uniforms, num_trials, Utility.of(self.utility_kwargs))


class _Random:
    learns = False

    def __init__(self, space: SearchSpace, total: int, generator: np.random.Generator) -> None:
        self.total = total
        self._space = space
        self._generator = generator

    def propose(
        self, number: int, ended: Sequence[Scored], running: Sequence[Mapping[str, object]]
    ) -> dict[str, object]:
        drawn: dict[str, object] = {name: each.sample(self._generator) for name, each in self._space.sampled.items()}
        for name, values in self._space.listed.items():
            drawn[name] = values[int(self._generator.integers(len(values)))]
        return self._space.in_order(drawn)


class _Grid:
    learns = False

    def __init__(self, space: SearchSpace) -> None:
        self.total = math.prod(len(values) for values in space.listed.values())
        self._space = space
        self._combinations = itertools.product(*space.listed.values())

    def propose(
        self, number: int, ended: Sequence[Scored], running: Sequence[Mapping[str, object]]
    ) -> dict[str, object]:
        return self._space.in_order(dict(zip(self._space.listed, next(self._combinations), strict=True)))


def _generator(state: int | np.random.Generator | np.random.RandomState | None) -> np.random.Generator:
    import numpy as np

    if isinstance(state, np.random.Generator):
        return state
    if state is None:
        return np.random.default_rng(np.random.randint(0, 2**31, size=4))
    if isinstance(state, np.random.RandomState):
        return np.random.default_rng(state.randint(0, 2**31, size=4))
    if isinstance(state, bool) or not isinstance(state, (int, np.integer)) or state < 0:
        raise ValueError(
            f"random_state must be a whole number that is not negative, or a NumPy generator, not {state!r}"
        )
    return np.random.default_rng(int(state))
