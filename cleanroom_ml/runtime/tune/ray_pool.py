"""Workers on several nodes: one Ray actor a slot, on the slot's node, which runs its trials as a single node would.

So a trial's process is the same everywhere, and so is how its death is told.
"""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final

from ..cluster.worker_output import MARKED_ALREADY, catch_up
from .errors import TunerError
from .layout import Slot
from .messages import Outcome, Task, dumps
from .process_pool import ProcessPool

if TYPE_CHECKING:
    from ray import ObjectRef
    from ray.actor import ActorHandle

_LEAVE_SECONDS: Final = 5.0


class RayPool:
    """See `pool.Pool`.

    Actors ask Ray for no CPUs: `layout` has counted, and so a search never waits for what the script's own Ray tasks
    hold, nor do distributed trainers in a trial wait for what the search holds.
    """

    def __init__(self, training: bytes, slots: Sequence[Slot]) -> None:
        import ray

        ray.init(ignore_reinit_error=True)
        self._ray = ray
        self._nodes = {node["NodeName"]: node["NodeID"] for node in ray.nodes() if node["Alive"]}
        self._training = ray.put(training)
        self._slots = slots
        self._actors: dict[int, ActorHandle] = {}
        self._running: dict[ObjectRef, tuple[int, Task]] = {}

    def submit(self, slot: int, task: Task) -> None:
        if slot not in self._actors:
            self._actors[slot] = self._actor(self._slots[slot])
        self._running[self._actors[slot].run.remote(dumps(task))] = slot, task

    def wait(self) -> list[tuple[int, Outcome]]:
        done, _ = self._ray.wait(list(self._running))
        return [self._outcome(ref) for ref in done]

    def __enter__(self) -> RayPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            leaving = [actor.leave.remote() for actor in self._actors.values()]
            with contextlib.suppress(self._ray.exceptions.RayError):
                self._ray.wait(leaving, num_returns=len(leaving), timeout=_LEAVE_SECONDS)
        catch_up()
        for actor in self._actors.values():
            self._ray.kill(actor, no_restart=True)

    def _actor(self, slot: Slot) -> ActorHandle:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        here = NodeAffinitySchedulingStrategy(self._nodes[slot.node.name], soft=False)
        options = {"num_cpus": 0, "max_restarts": 0, "scheduling_strategy": here}
        actor_class = self._ray.remote(type(MARKED_ALREADY, (_SlotWorker,), {}))
        return actor_class.options(**options).remote(self._training, slot)

    def _outcome(self, ref: ObjectRef) -> tuple[int, Outcome]:
        slot, task = self._running.pop(ref)
        try:
            came = pickle.loads(self._ray.get(ref))
        except self._ray.exceptions.RayError as error:
            # The actor itself is gone, and its process with it.
            del self._actors[slot]
            reason = f"the worker on {self._slots[slot].node.name} is gone: {type(error).__name__}"
            return slot, Outcome(task.number, task.params, failure=reason)
        if isinstance(came, str):
            raise TunerError(came)
        return slot, came


class _SlotWorker:
    """The actor. `run` answers a pickled Outcome, or a pickled text where no trial can run at all."""

    def __init__(self, training: bytes, slot: Slot) -> None:
        self._pool = ProcessPool(training, [slot])

    def run(self, task: bytes) -> bytes:
        self._pool.submit(0, pickle.loads(task))
        try:
            ((_, outcome),) = self._pool.wait()
        except TunerError as error:
            return dumps(str(error))
        return dumps(outcome)

    def leave(self) -> None:
        self._pool.__exit__(None, None, None)
