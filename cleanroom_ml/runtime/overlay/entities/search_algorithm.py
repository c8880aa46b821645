"""The module of the runtime's first releases, which published scripts still name (see cleanroom_runtime.tune)."""

from cleanroom_runtime.tune import BayesOpt, GridSearch, RandomSearch, SearchAlgorithm

__all__ = ["BayesOpt", "GridSearch", "RandomSearch", "SearchAlgorithm"]
