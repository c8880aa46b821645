"""Search algorithms of the container runtime (see cleanroom_runtime.tune.search)."""

from cleanroom_runtime.tune import BayesOpt, GridSearch, RandomSearch

__all__ = ["BayesOpt", "GridSearch", "RandomSearch"]
