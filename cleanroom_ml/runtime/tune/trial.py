"""How a worker runs one trial."""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from .. import events
from ..values import Values
from .context import TunerContext, enter
from .messages import Outcome, Task


@dataclass(frozen=True)
class Training:
    """What is the same for all trials of a search; goes to each worker once."""

    function: Callable[[], object]
    dataset_map: Values | None
    metric: str
    mode: str

    def run(self, task: Task) -> Outcome:
        """Run one trial in this process. What the function raises is the trial's failure, `SystemExit` included."""
        began = time.monotonic()
        datasets = None if self.dataset_map is None else dict(self.dataset_map)
        context = TunerContext(dict(task.params), datasets)
        enter(context)
        try:
            with events.of_trial(task.number + 1):
                self.function()
            metrics = {name: _plain(value) for name, value in (context.metrics or {}).items()}
            score = self._score(context.metrics, metrics)
            has_model = context.model is not None and (task.beat is None or (score is not None and score > task.beat))
            if has_model:
                _keep(context.model, Path(task.model_file))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, it ends this trial and no other
            return Outcome(
                task.number,
                task.params,
                seconds=time.monotonic() - began,
                failure=_one_line(error),
                trace="".join(traceback.format_exception(type(error), error, _without_ours(error))),
            )
        finally:
            enter(None)
        return Outcome(task.number, task.params, metrics, score, time.monotonic() - began, has_model=has_model)

    def _score(self, reported: Mapping[str, object] | None, metrics: Values) -> float | None:
        if reported is None:
            raise ValueError(
                f"train_func returned without a report; call get_tuner_context().report(metrics={{{self.metric!r}: …}})"
            )
        if self.metric not in metrics:
            names = ", ".join(map(repr, metrics)) or "nothing"
            raise ValueError(f"train_func did not report {self.metric!r}, the metric of TunerConfig, but {names}")
        value = metrics[self.metric]
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise TypeError(f"the metric {self.metric!r} is no number but a {type(value).__name__}") from None
        if not math.isfinite(number):
            return None
        return number if self.mode == "max" else -number


def _keep(model: object, path: Path) -> None:
    import cloudpickle

    try:
        with path.open("wb") as file:
            cloudpickle.dump(model, file)
    except Exception as error:
        path.unlink(missing_ok=True)
        raise TypeError(f"the reported model, a {type(model).__name__}, cannot be kept: {error}") from error


def _plain(value: object) -> object:
    """NumPy's scalars, and tensors of one number, as Python's; anything else as it is."""
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        return value.item()
    return value


def _one_line(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"train_func ended with sys.exit({'' if error.code is None else repr(error.code)})"
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _without_ours(error: BaseException) -> TracebackType | None:
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__ and trace.tb_next is not None:
        trace = trace.tb_next
    return trace
