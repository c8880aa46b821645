"""Bayesian search by the bayesian-optimization library, of which two interfaces exist: 1.x, which the published images
pin, and 2.x and later.

Each proposal is a function of its number and of the trials before it and of nothing else: no state is kept in the
library's objects, so that a search is repeatable whatever happens in between.

What differs from the library as it comes, and why (measured on Branin, Hartmann 3 and 6 and an accuracy-like surface,
30 trials): parameters are searched on a scale from 0 to 1, since the library's kernel has one length for all of them,
and one that runs to 200 drowns one that runs to 0.3; that length stays between 0.05 and 20, since outside of it a scale
of 0 to 1 is all noise or all flat, which is where the fit loses its way and its time, and needs restarts; the
acquisition function is searched from fewer points; and linear algebra uses one thread, as the matrices are tiny.
Together: better values found, in a third of the time.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from ..values import Floats, Params
from .proposals import Scored
from .space import SearchSpace, Uniform

if TYPE_CHECKING:
    import numpy as np
    from sklearn.gaussian_process import GaussianProcessRegressor

SEED: Final = 42
"""There is no seed to give to BayesOpt; Ray Tune's adapter, which the container runtime uses, has this one."""

LENGTHS: Final = (0.05, 20.0)
RANDOM_POINTS: Final = 2_000
CLIMBS: Final = 4

_KINDS: Final = ("ucb", "ei", "poi")


@dataclass(frozen=True)
class Utility:
    """The acquisition function: what makes a point worth a trial."""

    kind: str = "ucb"
    kappa: float = 2.576
    xi: float = 0.0
    kappa_decay: float = 1.0
    kappa_decay_delay: int = 0

    @classmethod
    def of(cls, given: Params | None) -> Utility:
        """Check `utility_kwargs`. Raises ValueError naming the entry."""
        known = cls.__dataclass_fields__
        for name in given or {}:
            if name not in known:
                raise ValueError(f"utility_kwargs: {name!r} is unknown; there are {', '.join(known)}")
        utility = cls(**(given or {}))
        if utility.kind not in _KINDS:
            raise ValueError(f"utility_kwargs: kind must be 'ucb', 'ei' or 'poi', not {utility.kind!r}")
        if not utility.kappa >= 0:
            raise ValueError(f"utility_kwargs: kappa must not be negative, and is {utility.kappa!r}")
        return utility

    def kappa_after(self, proposals: int) -> float:
        """What kappa has come down to after so many proposals."""
        return float(self.kappa * self.kappa_decay ** max(0, proposals - self.kappa_decay_delay))


class Bayes:
    """A search of a space whose parameters are all `uniform`."""

    learns = True

    def __init__(self, space: SearchSpace, uniforms: Mapping[str, Uniform], total: int, utility: Utility) -> None:
        self.total = total
        self.first_random = min(5, max(2, total // 3))
        self._space = space
        self._uniforms = uniforms
        self._utility = utility
        self._suggest = _library()

    def propose(
        self, number: int, ended: Sequence[Scored], running: Sequence[Mapping[str, object]]
    ) -> dict[str, object]:
        """The first ones are drawn at random; then the model has a say.

        Trials that have no score count as the worst seen, so that the search leaves their neighbourhood; those that
        run count as the mean, so that it does not repeat them.
        """
        import numpy as np

        scores = [each.score for each in ended if each.score is not None]
        if number < self.first_random or not scores:
            return self._params(np.random.default_rng((SEED, number)).random(len(self._uniforms)))
        worst, mean = min(scores), sum(scores) / len(scores)
        points = [self._point(each.params) for each in ended] + [self._point(each) for each in running]
        values = [worst if each.score is None else each.score for each in ended] + [mean] * len(running)
        point = self._suggest(
            np.array(points),
            np.array(values, dtype=float),
            self._utility,
            self._utility.kappa_after(number - self.first_random),
            np.random.RandomState([SEED, number]),
        )
        return self._params(point)

    def _point(self, params: Params) -> list[float]:
        return [(params[name] - each.lower) / (each.upper - each.lower) for name, each in self._uniforms.items()]

    def _params(self, point: Sequence[float] | Floats) -> dict[str, object]:
        values = zip(self._uniforms.items(), point, strict=True)
        return self._space.in_order({name: each.at(float(fraction)) for (name, each), fraction in values})


_Suggest: TypeAlias = "Callable[[Floats, Floats, Utility, float, np.random.RandomState], Floats]"


def _library() -> _Suggest:
    """The installed version's way from points and values to the next point. Raises ImportError."""
    try:
        import bayes_opt
    except ImportError as error:
        raise ImportError("BayesOpt needs the package bayesian-optimization, which this environment lacks") from error
    return _suggest_new if hasattr(bayes_opt, "acquisition") else _suggest_old


def _suggest_new(
    points: Floats,
    values: Floats,
    utility: Utility,
    kappa: float,
    random: np.random.RandomState,
) -> Floats:
    from bayes_opt import acquisition
    from bayes_opt.target_space import TargetSpace

    space = TargetSpace(None, _bounds(points), random_state=random, allow_duplicate_points=True)
    for point, value in zip(points, values, strict=True):
        space.register(point, value)
    function = {
        "ucb": lambda: acquisition.UpperConfidenceBound(kappa=kappa),
        "ei": lambda: acquisition.ExpectedImprovement(xi=utility.xi),
        "poi": lambda: acquisition.ProbabilityOfImprovement(xi=utility.xi),
    }[utility.kind]()
    with _one_thread():
        return function.suggest(  # type: ignore[no-any-return]
            _process(random), space, n_random=RANDOM_POINTS, n_smart=CLIMBS, random_state=random
        )


def _suggest_old(
    points: Floats,
    values: Floats,
    utility: Utility,
    kappa: float,
    random: np.random.RandomState,
) -> Floats:
    import numpy as np
    from bayes_opt import UtilityFunction
    from bayes_opt.util import acq_max

    process = _process(random)
    with _one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a fit that has not converged: there is nothing to do about it
        process.fit(points, values)
        return acq_max(  # type: ignore[no-any-return]
            ac=UtilityFunction(kind=utility.kind, kappa=kappa, xi=utility.xi).utility,
            gp=process,
            y_max=values.max(),
            bounds=np.array([(0.0, 1.0)] * points.shape[1]),
            random_state=random,
            n_warmup=RANDOM_POINTS,
            n_iter=CLIMBS,
            y_max_params=points[values.argmax()],
        )


def _bounds(points: Floats) -> dict[str, tuple[float, float]]:
    # The library sorts its parameters by name.
    return {f"{number:06d}": (0.0, 1.0) for number in range(points.shape[1])}


def _process(random: np.random.RandomState) -> GaussianProcessRegressor:
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import Matern

    return GaussianProcessRegressor(
        kernel=Matern(nu=2.5, length_scale=0.5, length_scale_bounds=LENGTHS),
        alpha=1e-6,
        normalize_y=True,
        random_state=random,
    )


def _one_thread() -> AbstractContextManager[object]:
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    limits: AbstractContextManager[object] = threadpool_limits(1, user_api="blas")
    return limits
