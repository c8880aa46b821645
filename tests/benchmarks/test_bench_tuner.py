"""What a search costs beside its training: a trial that trains nothing, here and with Optuna, in the same run.

A trial here runs in a process of its own, which Optuna's does not: what crashes in it, and what it leaks, is its own.
Start-up (of that process, and of what the libraries import) is printed apart: overhead a trial is the time from the end
of the first trial to the end of the last one.
"""

from __future__ import annotations

import json
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest

from cleanroom_ml.runtime import tune

TRIALS = {"random": 200, "grid": 60, "Bayesian": 40}
MOST_MILLISECONDS = {"random": 20, "grid": 20, "Bayesian": 120}


def score(x: float, y: float, z: float) -> float:
    return -((x - 0.3) ** 2) - (y - 0.6) ** 2 - (z - 0.5) ** 2


def train() -> None:
    context = tune.get_tuner_context()
    context.report(metrics={"score": score(**context.get_hyper_params())})


def ours(algorithm: tune.SearchAlgorithm, trials: int, events: Path) -> tuple[float, float]:
    """Seconds to the end of the first trial, and from there to the end of the last."""
    space = {name: tune.uniform(0, 1) for name in "xyz"}
    if isinstance(algorithm, tune.GridSearch):
        space = {"x": [number / trials for number in range(trials)], "y": [0.5], "z": [0.5]}
    began = time.time()
    tune.Tuner(train, space, tune.TunerConfig("score", "max", algorithm, num_trials=trials)).run()
    ended = [json.loads(line)["t"] for line in events.read_text().splitlines()]
    events.unlink()
    assert len(ended) == trials
    return ended[0] - began, ended[-1] - ended[0]


def optunas(sampler: optuna.samplers.BaseSampler, trials: int) -> tuple[float, float]:
    """The same."""

    def objective(trial: optuna.Trial) -> float:
        return score(*(trial.suggest_float(name, 0, 1) for name in "xyz"))

    began = time.time()
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(objective, n_trials=trials)
    ended = [trial.datetime_complete.timestamp() for trial in study.trials]
    assert len(ended) == trials
    return ended[0] - began, ended[-1] - ended[0]


@pytest.mark.bench
def test_overhead_of_a_trial_beside_optuna(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLEANROOM_ML_EVENTS", str(tmp_path / "events"))
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    grid = {"x": [number / TRIALS["grid"] for number in range(TRIALS["grid"])], "y": [0.5], "z": [0.5]}
    runs: list[tuple[str, str, Callable[[int], tuple[float, float]]]] = [
        ("random", "Tuner, RandomSearch", lambda trials: ours(tune.RandomSearch(1), trials, tmp_path / "events")),
        ("random", "Optuna, RandomSampler", lambda trials: optunas(optuna.samplers.RandomSampler(1), trials)),
        ("grid", "Tuner, GridSearch", lambda trials: ours(tune.GridSearch(), trials, tmp_path / "events")),
        ("grid", "Optuna, GridSampler", lambda trials: optunas(optuna.samplers.GridSampler(grid, 1), trials)),
        ("Bayesian", "Tuner, BayesOpt", lambda trials: ours(tune.BayesOpt(), trials, tmp_path / "events")),
        ("Bayesian", "Optuna, GPSampler", lambda trials: optunas(optuna.samplers.GPSampler(seed=1), trials)),
        ("Bayesian", "Optuna, TPESampler", lambda trials: optunas(optuna.samplers.TPESampler(seed=1), trials)),
    ]
    cost: dict[str, float] = {}
    for kind, name, run in runs:
        run(3)  # what is imported once is not a trial's
        first, rest = run(TRIALS[kind])
        cost[name] = rest / (TRIALS[kind] - 1) * 1000
        with capsys.disabled():
            print(f"\n{name:22} {cost[name]:7.2f} ms a trial of {TRIALS[kind]:3}, first after {first:.2f} s", end="")
    names = [name for _, name, _ in runs]
    with capsys.disabled():
        for mine, peer in ((0, 1), (2, 3), (4, 5), (4, 6)):
            print(f"\nratio, {names[mine]} / {names[peer]:22} {cost[names[mine]] / cost[names[peer]]:7.2f}", end="")
        print(f"\n({os.cpu_count()} processors)")
    for kind, name, _ in runs:
        if name.startswith("Tuner"):
            assert cost[name] < MOST_MILLISECONDS[kind], name
