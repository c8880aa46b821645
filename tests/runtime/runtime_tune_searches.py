"""Searches as the tests of the tuner make them."""

from __future__ import annotations

from cleanroom_ml.runtime import tune


def search(function, space, *, metric="score", mode="max", dataset_map=None, **config):
    return tune.Tuner(function, space, tune.TunerConfig(metric, mode, **config)).run(dataset_map=dataset_map)


def grid(function, values, **config):
    """A trial for each value, named k."""
    return search(function, {"k": list(values)}, search_alg=tune.GridSearch(), **config)
