"""What a search returns: a table of its trials, the row of the best one, and the model that it reported."""

from __future__ import annotations

import pickle
import shutil
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..values import Model
from .messages import Outcome

if TYPE_CHECKING:
    import pandas as pd


class TunerResults:
    """Outcome of a search.

    results: a DataFrame of one row a trial, in the order of the trials: the reported metrics, `time_total_s`,
        `trial_id`, `failure` (None, or the reason in one line), and `config/<parameter>`. A metric that has the name of
        one of these takes its place. Metrics of a failed trial are missing.
    best_result: the best trial's row, as a DataFrame of one row with index 0.
    best_model: the model that the best trial reported, or None; read from its file when it is first asked for.
    """

    def __init__(self, results: pd.DataFrame, best_result: pd.DataFrame, best_model: Model | None = None) -> None:
        self.results = results
        self.best_result = best_result
        self._best_model = best_model
        self._file: Path | None = None

    @property
    def best_model(self) -> Model | None:
        if self._file is not None:
            self._best_model = pickle.loads(self._file.read_bytes())
            self._file = None
        return self._best_model

    def keep_scratch(self, directory: Path, model: Path | None) -> None:
        """The best model is in this file of the directory, which goes when the results do."""
        self._file = model
        weakref.finalize(self, shutil.rmtree, directory, ignore_errors=True)

    def __reduce__(self) -> tuple[type[TunerResults], tuple[pd.DataFrame, pd.DataFrame, Model | None]]:
        return TunerResults, (self.results, self.best_result, self.best_model)

    def __repr__(self) -> str:
        return f"TunerResults({len(self.results)} trials)\n{self.best_result.to_string(index=False)}"


def better(one: Outcome, other: Outcome | None) -> bool:
    """Whether one ended trial beats another: the first of equals wins, any score beats none, and any end a failure."""
    return other is None or _rank(one) > _rank(other)


def table(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """One row a trial; see TunerResults."""
    import pandas as pd

    rows = []
    for outcome in sorted(outcomes, key=lambda each: each.number):
        about = {"time_total_s": outcome.seconds, "trial_id": f"{outcome.number:05d}", "failure": outcome.failure}
        config = {f"config/{name}": value for name, value in outcome.params.items()}
        rows.append((outcome.metrics, about, config))
    # Trials may have reported different metrics: columns in the order in which they first appear, groups apart.
    columns = list(dict.fromkeys(name for part in range(3) for row in rows for name in row[part]))
    values = [{**about, **metrics, **config} for metrics, about, config in rows]
    return pd.DataFrame({name: _column([row.get(name) for row in values]) for name in columns})


def _column(values: list[Any]) -> pd.Series[Any]:  # whatever scripts report
    import pandas as pd

    if any(isinstance(value, (list, tuple, dict, set)) or hasattr(value, "__array__") for value in values):
        column = pd.Series([None] * len(values), dtype=object)
        for place, value in enumerate(values):
            column.iat[place] = value
        return column
    return pd.Series(values, dtype=None if any(value is not None for value in values) else object)


def _rank(outcome: Outcome) -> tuple[bool, bool, float, int]:
    score = outcome.score
    return not outcome.failed, score is not None, 0.0 if score is None else score, -outcome.number
