"""What a training function sees of the tuner: its parameters, its data, and where it says how it went."""

from __future__ import annotations

from collections.abc import Mapping

from ..values import Values


class TunerContext:
    """The trial that is running in this process."""

    def __init__(self, hyper_params: Values, dataset_map: Values | None) -> None:
        self._hyper_params = hyper_params
        self._dataset_map = dataset_map
        self.metrics: dict[str, object] | None = None
        self.model: object = None

    def get_hyper_params(self) -> Values:
        """Parameters of this trial, by name."""
        return self._hyper_params

    def get_dataset_map(self) -> Values | None:
        """The `dataset_map` that `Tuner.run` was given: connectors that read a copy on this machine; None without."""
        return self._dataset_map

    def report(self, metrics: Mapping[str, object], model: object | None = None) -> None:
        """Say how good these parameters are, and which model they gave.

        Called several times, the last metrics count, and the last model that was given, as it is when the function
        returns. Raises TypeError where `metrics` is no dictionary of names.
        """
        if not isinstance(metrics, Mapping) or not all(isinstance(name, str) for name in metrics):
            raise TypeError(f"report(metrics=…) takes a dictionary such as {{'accuracy': 0.9}}, not {metrics!r}")
        self.metrics = dict(metrics)
        if model is not None:
            self.model = model


_running: TunerContext | None = None


def get_tuner_context() -> TunerContext:
    """The context of the trial that calls this. Raises RuntimeError where none is running."""
    if _running is None:
        raise RuntimeError(
            "get_tuner_context() found no trial: it works inside the function that was given to Tuner, "
            "while Tuner.run is running it"
        )
    return _running


def enter(context: TunerContext | None) -> None:
    """Make this the trial that runs in this process; None when it is over."""
    global _running
    _running = context
