"""The processes that run trials, and how a search uses them: on one node our own, on several Ray's actors."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from ..workers.job import node_count
from .layout import Slot
from .messages import Outcome, Task, dumps
from .trial import Training


class Pool(AbstractContextManager["Pool"], Protocol):
    """Slots that run one trial each. A process that dies is the failure of its trial; the next one gets a new process.

    `submit` gives a free slot a trial. `wait` blocks until trials have ended, and gives their slots and outcomes; it
    raises TunerError where no trial can run at all. Leaving the context ends every process.
    """

    def submit(self, slot: int, task: Task) -> None: ...

    def wait(self) -> list[tuple[int, Outcome]]: ...


def open_pool(training: Training, slots: Sequence[Slot]) -> Pool:
    """A pool of these slots. Raises TypeError where the training cannot be pickled."""
    try:
        pickled = dumps(training)
    except Exception as error:
        raise TypeError(
            f"train_func cannot be sent to the processes that run the trials: {error}. What it uses from the script "
            "must be possible to pickle: make connections, sessions, locks and open files inside of train_func, and "
            "give data by run(dataset_map=…)"
        ) from error
    if node_count() > 1:
        from .ray_pool import RayPool

        return RayPool(pickled, slots)
    from .process_pool import ProcessPool

    return ProcessPool(pickled, slots)
