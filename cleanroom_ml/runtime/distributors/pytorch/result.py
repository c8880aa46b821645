"""What a finished run tells."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...values import Values


@dataclass(frozen=True, slots=True)
class PyTorchDistributorResult:
    """Where the model is, and what rank 0 reported."""

    _model_dir: str
    _metrics: Values = field(default_factory=dict)

    def get_model_dir(self) -> str:
        """The directory that the workers saved to, for as long as the job runs; where a stage was given to `run`, the
        location there: `DB.SCHEMA.STAGE/model/<run>`.
        """
        return self._model_dir

    def get_metrics(self) -> Values:
        """What rank 0 gave to `log_metrics`: every name with its last value."""
        return dict(self._metrics)
