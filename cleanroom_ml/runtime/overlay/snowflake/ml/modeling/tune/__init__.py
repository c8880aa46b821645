"""Hyperparameter search of the container runtime (see cleanroom_runtime.tune)."""

from cleanroom_runtime.tune import (
    SamplingFunction,
    Tuner,
    TunerConfig,
    TunerContext,
    TunerResults,
    choice,
    get_tuner_context,
    loguniform,
    randint,
    uniform,
)

__all__ = [
    "SamplingFunction",
    "Tuner",
    "TunerConfig",
    "TunerContext",
    "TunerResults",
    "choice",
    "get_tuner_context",
    "loguniform",
    "randint",
    "uniform",
]
