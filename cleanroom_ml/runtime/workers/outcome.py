"""What comes of a worker's function, as bytes on their way to the main process: its result, what it raised, its death.

The first byte says which; nothing is unpickled on the way, but by the main process.
"""

from __future__ import annotations

import pickle
import traceback
from typing import Any, Final

from .failures import WorkerFailed
from .placement import Placement

_RETURNED: Final = b"r"
_RAISED: Final = b"x"
_DIED: Final = b"d"


class Ended(Exception):
    """A worker has ended without a result: its rank, and what came of it."""

    def __init__(self, rank: int, answer: bytes) -> None:
        super().__init__(rank, answer)
        self.rank = rank
        self.answer = answer

    def failure(self) -> WorkerFailed:
        """What the caller of `run_workers` is told."""
        message, text, pickled = pickle.loads(self.answer[1:])
        failure = WorkerFailed(self.rank, message, text)
        failure.__cause__ = _unpickled(pickled)
        return failure


def packed(function: object, payload: object) -> bytes:
    """A function and its payload for `run`. What the script itself defines goes along by value: a worker's `__main__`
    is not the script; what modules of the job define is imported there.
    """
    import cloudpickle

    return bytes(cloudpickle.dumps((function, payload), protocol=5))


def run(work: bytes, placement: Placement) -> bytes:
    """Unpickle, call `function(placement, payload)`, pickle what it returns or raises. Never raises itself."""
    try:
        function, payload = pickle.loads(work)
        result = function(placement, payload)
        import cloudpickle  # not before: most functions have imported it by then, and those that have not start sooner

        return _RETURNED + bytes(cloudpickle.dumps(result, protocol=5))
    except BaseException as error:  # noqa: BLE001 - SystemExit too: a worker that leaves without a result has failed
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
            trace = trace.tb_next
        text = "".join(traceback.format_exception(type(error), error, trace))
        message = traceback.format_exception_only(error)[-1].strip()
        return _RAISED + pickle.dumps((message, text, _pickled(error)))


def died(message: str) -> bytes:
    """The answer in place of a worker whose process has ended before it gave one."""
    return _DIED + pickle.dumps((message, "", None))


def is_failure(answer: bytes) -> bool:
    """Whether there is no result in it."""
    return answer[:1] != _RETURNED


def is_death(answer: bytes) -> bool:
    """Whether the worker's process ended before it answered."""
    return answer[:1] == _DIED


def result(rank: int, answer: bytes) -> Any:
    """What the function returned, whose type no pickle tells: `run_workers` knows it.

    Raises WorkerFailed where it cannot be unpickled here.
    """
    try:
        return pickle.loads(answer[1:])
    except Exception as error:
        raise WorkerFailed(rank, f"its result cannot be read: {type(error).__name__}: {error}") from error


def _pickled(error: BaseException) -> bytes | None:
    import cloudpickle

    try:
        return bytes(cloudpickle.dumps(error.with_traceback(None)))
    except Exception:  # noqa: BLE001 - an exception may hold anything; its text goes along in any case
        return None


def _unpickled(pickled: bytes | None) -> BaseException | None:
    try:
        error = pickle.loads(pickled) if pickled else None
    except Exception:  # noqa: BLE001 - many exceptions cannot be made again from their arguments
        return None
    return error if isinstance(error, BaseException) else None
