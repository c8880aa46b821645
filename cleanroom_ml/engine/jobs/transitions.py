"""How a job moves, for the catalog's `Phase` and for the supervisor's `Step`."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from cleanroom_ml.engine.contracts.machine import Machine
from cleanroom_ml.engine.jobs.model import Phase


class Step(StrEnum):
    """Where a supervisor is, as its record says."""

    PREPARING = "PREPARING"
    LAUNCHING = "LAUNCHING"
    RUNNING = "RUNNING"
    COLLECTING = "COLLECTING"
    ENDED = "ENDED"


JOB: Final = Machine.of(
    "job",
    (Phase.QUEUED,),
    {
        Phase.QUEUED: (Phase.STARTING, Phase.FAILED, Phase.CANCELLED),
        Phase.STARTING: (Phase.RUNNING, Phase.DONE, Phase.FAILED, Phase.CANCELLED),
        Phase.RUNNING: (Phase.DONE, Phase.FAILED, Phase.CANCELLED),
        Phase.DONE: (),
        Phase.FAILED: (),
        Phase.CANCELLED: (),
    },
)

SUPERVISOR: Final = Machine.of(
    "supervisor",
    (Step.PREPARING,),
    {
        Step.PREPARING: (Step.LAUNCHING, Step.ENDED),
        Step.LAUNCHING: (Step.RUNNING, Step.ENDED),
        Step.RUNNING: (Step.COLLECTING, Step.ENDED),
        Step.COLLECTING: (Step.ENDED,),
        Step.ENDED: (),
    },
)
