"""How a search is run: what is optimised, by which algorithm, how many trials, how many at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .search import RandomSearch, SearchAlgorithm

MODES = ("max", "min")


@dataclass
class TunerConfig:
    """Settings of a `Tuner`, checked as they are given.

    metric: name of the metric that is optimised, a key of what `report` is given.
    mode: "max" or "min".
    search_alg: by default, random search.
    num_trials: how many parameter sets are tried; a grid search ignores it and tries each combination once.
    max_concurrent_trials: how many trials run at the same time, all nodes together; by default, one a node.
    resource_per_trial: for example {"CPU": 2} or {"CPU": 2, "GPU": 1}; by default, trials that run at the same time
        share the processors evenly. A trial's CPUs are how many threads its libraries start.
    uses_snowflake_trainer: `train_func` calls a distributed trainer (XGBEstimator, …), which finds its own processors;
        as in the container runtime, `resource_per_trial` is then {"CPU": 1} unless it is given.

    Raises ValueError or TypeError that names the setting.
    """

    metric: str
    mode: str
    search_alg: SearchAlgorithm = field(default_factory=RandomSearch)
    num_trials: int = 5
    max_concurrent_trials: int | None = None
    resource_per_trial: Mapping[str, float] | None = None
    uses_snowflake_trainer: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.metric, str) or not self.metric:
            raise ValueError(f"metric must be the name of a metric that train_func reports, not {self.metric!r}")
        if self.mode not in MODES:
            raise ValueError(f"mode must be 'max' or 'min', not {self.mode!r}")
        if not isinstance(self.search_alg, SearchAlgorithm):
            raise TypeError(
                f"search_alg must be RandomSearch(), BayesOpt() or GridSearch() of snowflake.ml.modeling.tune.search, "
                f"not {self.search_alg!r}"
            )
        _positive("num_trials", self.num_trials)
        if self.max_concurrent_trials is not None:
            _positive("max_concurrent_trials", self.max_concurrent_trials)
        if self.resource_per_trial is None and self.uses_snowflake_trainer:
            self.resource_per_trial = {"CPU": 1}
        _check_resources(self.resource_per_trial)


def _positive(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, not {value!r}")


def _check_resources(given: Mapping[str, float] | None) -> None:
    if given is None:
        return
    if not isinstance(given, Mapping):
        raise TypeError(f"resource_per_trial must be a dictionary such as {{'CPU': 2}}, not {given!r}")
    for name, amount in given.items():
        if str(name).upper() not in ("CPU", "GPU"):
            raise ValueError(f"resource_per_trial: {name!r} is no resource; there are 'CPU' and 'GPU'")
        if isinstance(amount, bool) or not isinstance(amount, (int, float)) or not 0 <= amount < float("inf"):
            raise ValueError(f"resource_per_trial: {name} must be a number that is not negative, not {amount!r}")
