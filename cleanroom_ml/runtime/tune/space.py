"""What a parameter may be: the sampling functions of a search space, and a search space that has been checked.

Source of the rules: Snowflake's "Parallel Hyperparameter Optimization on Container Runtime".
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


class SamplingFunction:
    """A rule by which the value of one parameter is drawn for each trial."""

    def sample(self, generator: np.random.Generator) -> object:
        """One value, a plain Python one."""
        raise NotImplementedError


@dataclass(frozen=True)
class Uniform(SamplingFunction):
    """A float between `lower` and `upper`, each as likely."""

    lower: float
    upper: float

    def __post_init__(self) -> None:
        _check_bounds("uniform", self.lower, self.upper)

    def at(self, fraction: float) -> float:
        """The value that lies this far, 0 to 1, between the bounds."""
        return min(max(self.lower + fraction * (self.upper - self.lower), self.lower), self.upper)

    def sample(self, generator: np.random.Generator) -> float:
        return self.at(float(generator.random()))


@dataclass(frozen=True)
class LogUniform(SamplingFunction):
    """A float between `lower` and `upper` whose logarithm is uniform."""

    lower: float
    upper: float

    def __post_init__(self) -> None:
        _check_bounds("loguniform", self.lower, self.upper)
        if self.lower <= 0:
            raise ValueError(
                f"loguniform({self.lower}, {self.upper}): lower must be above 0, as it is where the logarithm begins"
            )

    def sample(self, generator: np.random.Generator) -> float:
        low, high = math.log(self.lower), math.log(self.upper)
        return min(max(math.exp(low + float(generator.random()) * (high - low)), self.lower), self.upper)


@dataclass(frozen=True)
class RandInt(SamplingFunction):
    """A whole number from `lower` up to, but not including, `upper`."""

    lower: int
    upper: int

    def __post_init__(self) -> None:
        _check_bounds("randint", self.lower, self.upper)
        if self.lower != int(self.lower) or self.upper != int(self.upper):
            raise ValueError(f"randint({self.lower}, {self.upper}): both bounds must be whole numbers")

    def sample(self, generator: np.random.Generator) -> int:
        return int(generator.integers(int(self.lower), int(self.upper)))


@dataclass(frozen=True)
class Choice(SamplingFunction):
    """One of `options`, each as likely; the very object that was given."""

    options: tuple[object, ...]

    def __post_init__(self) -> None:
        if not self.options:
            raise ValueError("choice([]): there is nothing to choose from")

    def sample(self, generator: np.random.Generator) -> object:
        return self.options[int(generator.integers(len(self.options)))]


def uniform(lower: float, upper: float) -> Uniform:
    """Sample a float between `lower` and `upper`, each value as likely."""
    return Uniform(lower, upper)


def loguniform(lower: float, upper: float) -> LogUniform:
    """Sample a float between `lower` and `upper`, each order of magnitude as likely."""
    return LogUniform(lower, upper)


def randint(lower: int, upper: int) -> RandInt:
    """Sample a whole number from `lower` (included) to `upper` (excluded)."""
    return RandInt(lower, upper)


def choice(options: Iterable[object]) -> Choice:
    """Sample one of `options`, each as likely."""
    return Choice(tuple(options))


@dataclass(frozen=True)
class SearchSpace:
    """A checked search space: the parameters that are sampled, those with a list of values, those that never change."""

    sampled: Mapping[str, SamplingFunction]
    listed: Mapping[str, tuple[object, ...]]
    fixed: Mapping[str, object]
    names: tuple[str, ...]

    @classmethod
    def of(cls, given: Mapping[str, object]) -> SearchSpace:
        """Check what a script gave to `Tuner`. Raises TypeError or ValueError, naming the parameter."""
        if not isinstance(given, Mapping):
            raise TypeError(f"search_space must be a dictionary of parameters, not a {type(given).__name__}")
        if not given:
            raise ValueError(
                "search_space is empty: name at least one parameter, for example {'max_depth': tune.randint(3, 10)}"
            )
        sampled: dict[str, SamplingFunction] = {}
        listed: dict[str, tuple[object, ...]] = {}
        fixed: dict[str, object] = {}
        for name, value in given.items():
            if not isinstance(name, str):
                raise TypeError(f"search_space: the names of parameters are strings, not {name!r}")
            value = _of_ray(value)
            if isinstance(value, SamplingFunction):
                sampled[name] = value
            elif isinstance(value, (list, tuple)):
                if not value:
                    raise ValueError(f"search_space: the list of values of {name!r} is empty")
                listed[name] = tuple(value)
            else:
                fixed[name] = value
        return cls(sampled, listed, fixed, tuple(given))

    def in_order(self, values: Mapping[str, object]) -> dict[str, object]:
        """Values of the parameters that vary, with those that do not, in the order in which the script named them."""
        merged = {**self.fixed, **values}
        return {name: merged[name] for name in self.names}


def _check_bounds(function: str, lower: float, upper: float) -> None:
    for bound in (lower, upper):
        if isinstance(bound, bool) or (not isinstance(bound, (int, float)) and not hasattr(bound, "__float__")):
            raise TypeError(f"{function}({lower!r}, {upper!r}): both bounds must be numbers")
        if not math.isfinite(bound):
            raise ValueError(f"{function}({lower}, {upper}): both bounds must be finite")
    if not lower < upper:
        raise ValueError(f"{function}({lower}, {upper}): lower must be below upper")


def _of_ray(value: object) -> object:
    """Ray Tune's sampling functions as ours: Snowflake's tuner runs on Ray Tune, so scripts that import `ray.tune` for
    them work there. Only what has an equal here; whatever else stays a value.
    """
    if isinstance(value, Mapping) and set(value) == {"grid_search"}:
        return list(value["grid_search"])
    ray_sample = sys.modules.get("ray.tune.search.sample")
    if ray_sample is None or not isinstance(value, ray_sample.Domain):
        return value
    sampler = type(value.get_sampler()).__name__.strip("_").lower()
    if isinstance(value, ray_sample.Categorical) and sampler == "uniform":
        return Choice(tuple(value.categories))
    if isinstance(value, ray_sample.Integer) and sampler == "uniform":
        return RandInt(value.lower, value.upper)
    if isinstance(value, ray_sample.Float) and sampler == "uniform":
        return Uniform(value.lower, value.upper)
    if isinstance(value, ray_sample.Float) and sampler == "loguniform":
        return LogUniform(value.lower, value.upper)
    raise ValueError(
        f"search_space: {value!r} of ray.tune has no equal in snowflake.ml.modeling.tune; "
        "use tune.uniform, tune.loguniform, tune.randint or tune.choice"
    )
