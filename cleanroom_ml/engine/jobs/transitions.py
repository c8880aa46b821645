"""The one table of how a job moves, for the catalog's `Phase` and for the supervisor's `Step`."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from cleanroom_ml.engine.jobs.errors import IllegalTransition
from cleanroom_ml.engine.jobs.model import Phase


class Step(StrEnum):
    """Where a supervisor is, as its record says."""

    PREPARING = "PREPARING"
    LAUNCHING = "LAUNCHING"
    RUNNING = "RUNNING"
    COLLECTING = "COLLECTING"
    ENDED = "ENDED"


PHASES: Final[dict[Phase, frozenset[Phase]]] = {
    Phase.QUEUED: frozenset({Phase.STARTING, Phase.FAILED, Phase.CANCELLED}),
    Phase.STARTING: frozenset({Phase.RUNNING, Phase.DONE, Phase.FAILED, Phase.CANCELLED}),
    Phase.RUNNING: frozenset({Phase.DONE, Phase.FAILED, Phase.CANCELLED}),
    Phase.DONE: frozenset(),
    Phase.FAILED: frozenset(),
    Phase.CANCELLED: frozenset(),
}

STEPS: Final[dict[Step, frozenset[Step]]] = {
    Step.PREPARING: frozenset({Step.LAUNCHING, Step.ENDED}),
    Step.LAUNCHING: frozenset({Step.RUNNING, Step.ENDED}),
    Step.RUNNING: frozenset({Step.COLLECTING, Step.ENDED}),
    Step.COLLECTING: frozenset({Step.ENDED}),
    Step.ENDED: frozenset(),
}


def check_phase(before: Phase, after: Phase) -> None:
    """Raise IllegalTransition unless the table has this edge."""
    if after not in PHASES[before]:
        raise IllegalTransition(f"a job cannot go from {before} to {after}")


def check_step(before: Step, after: Step) -> None:
    """Raise IllegalTransition unless the table has this edge."""
    if after not in STEPS[before]:
        raise IllegalTransition(f"a supervisor cannot go from {before} to {after}")
