"""What the search and its workers say to each other."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..values import Values


@dataclass(frozen=True)
class Task:
    """What a worker is asked to do. `beat`: the best score so far; a model that does not beat it need not be kept."""

    number: int
    params: dict[str, object]
    model_file: str
    beat: float | None


@dataclass(frozen=True)
class Outcome:
    """How a trial ended. `score` is better the larger it is, None without a finite metric; `failure` is its reason, on
    one line.
    """

    number: int
    params: dict[str, object]
    metrics: Values = field(default_factory=dict)
    score: float | None = None
    seconds: float = 0.0
    failure: str | None = None
    trace: str = ""
    has_model: bool = False

    @property
    def failed(self) -> bool:
        return self.failure is not None


@dataclass(frozen=True)
class Ready:
    """A worker has loaded the training."""


@dataclass(frozen=True)
class Unready:
    """It could not: no trial can run. `trace` is its traceback."""

    trace: str


def dumps(thing: object) -> bytes:
    """Pickled; functions and classes of the script itself by value, as they cannot be imported."""
    import cloudpickle

    return bytes(cloudpickle.dumps(thing))
