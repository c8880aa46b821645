"""`Tuner`: trials of a training function, one after the other or several at a time, and the best of them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from ..workers.job import cluster_nodes, real_cpus
from . import datasets
from .config import TunerConfig
from .errors import TunerError
from .layout import slots
from .messages import Outcome, Task
from .pool import Pool, open_pool
from .progress import Progress
from .proposals import Scored, Search
from .results import TunerResults, table
from .space import SearchSpace
from .trial import Training


class Tuner:
    """Search for the parameters that make a metric best.

    train_func: takes nothing; asks `get_tuner_context()` for its parameters and data, and reports to it. It runs in
        processes of its own, which live as long as the search: what a trial leaves in a module's variables, the next
        one finds. One that crashes is a failed trial, and the search goes on.
    search_space: for each parameter a sampling function, a list of values (all of them for GridSearch, one at random
        for RandomSearch), or a single value, which every trial gets.

    Raises ValueError or TypeError where the search algorithm cannot search this space.
    """

    def __init__(
        self, train_func: Callable[[], object], search_space: Mapping[str, object], tuner_config: TunerConfig
    ) -> None:
        if not callable(train_func):
            raise TypeError(f"train_func must be a function without parameters, not a {type(train_func).__name__}")
        if not isinstance(tuner_config, TunerConfig):
            raise TypeError(f"tuner_config must be a TunerConfig, not a {type(tuner_config).__name__}")
        self._train_func = train_func
        self._config = tuner_config
        self._space = SearchSpace.of(search_space)
        tuner_config.search_alg.check(self._space)

    def run(self, dataset_map: Mapping[str, object] | None = None) -> TunerResults:
        """Run all trials. With the same seed and the same outcomes: the same parameters in the same order.

        With c trials at a time, an algorithm that learns proposes trial k from the outcomes of the trials up to k-c:
        the next one then waits for the oldest that runs, and timing plays no part.

        Raises:
            TunerError: every trial failed (the message has the first traceback), or none can be started.
            ValueError: the trials do not fit on the nodes.
            TypeError: `train_func`, or what it uses, cannot be sent to another process.
        """
        config = self._config
        search = config.search_alg.begin(self._space, config.num_trials)
        places = slots(config, search.total, cluster_nodes(), real_cpus())
        scratch = Path(tempfile.mkdtemp(prefix="tune-"))
        data = scratch / "data"
        try:
            training = Training(self._train_func, datasets.prepare(dataset_map, data), config.metric, config.mode)
            with open_pool(training, places) as pool:
                results = _search(search, pool, len(places), config, scratch)
        except BaseException:
            shutil.rmtree(scratch, ignore_errors=True)
            raise
        shutil.rmtree(data, ignore_errors=True)
        return results


def _search(search: Search, pool: Pool, width: int, config: TunerConfig, models: Path) -> TunerResults:
    """All trials, `width` at a time. A model's file is deleted as soon as a better trial is known."""
    progress = Progress(search.total, config)
    outcomes: dict[int, Outcome] = {}
    params: list[dict[str, object]] = []
    free = list(range(width))
    while len(outcomes) < search.total:
        while free and len(params) < search.total:
            number = len(params)
            known = max(0, number - width + 1)
            if search.learns and not all(each in outcomes for each in range(known)):
                break
            ended = [Scored(params[each], outcomes[each].score) for each in range(known)] if search.learns else []
            params.append(search.propose(number, ended, params[known:]))
            beat = progress.best.score if progress.best is not None else None
            pool.submit(free.pop(0), Task(number, params[number], str(_model_file(models, number)), beat))
        for slot, outcome in pool.wait():
            before = progress.best
            loser = before if progress.ended(outcome) else outcome
            if loser is not None:
                _model_file(models, loser.number).unlink(missing_ok=True)
            outcomes[outcome.number] = outcome
            free.append(slot)
    progress.over()
    best = progress.best
    if best is None:
        raise TunerError(_all_failed(outcomes))
    rows = table(list(outcomes.values()))
    results = TunerResults(rows, rows.iloc[[best.number]].reset_index(drop=True))
    results.keep_scratch(models, _model_file(models, best.number) if best.has_model else None)
    return results


def _model_file(directory: Path, number: int) -> Path:
    return directory / f"model-{number:05d}.pkl"


def _all_failed(outcomes: Mapping[int, Outcome]) -> str:
    first = outcomes[0]
    what = "the trial failed" if len(outcomes) == 1 else f"all {len(outcomes)} trials failed; the first"
    text = f"{what}: {first.failure}"
    return f"{text}\n\n{first.trace.rstrip()}" if first.trace else text
