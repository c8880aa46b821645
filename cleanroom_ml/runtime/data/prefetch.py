"""Reads sources ahead of their use, on threads, within a bound of bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

from .memory import limit_bytes

THREADS: Final = 4
_LEAST: Final = 16 << 20
_MOST: Final = 128 << 20
_SHARE: Final = 16

Work = TypeVar("Work")
Result = TypeVar("Result")


def read_ahead_bytes() -> int:
    """How much may be read before it is asked for: a sixteenth of the job's memory, 16 to 128 MiB."""
    return min(max(limit_bytes() // _SHARE, _LEAST), _MOST)


def ahead(
    work: Sequence[Work], read: Callable[[Work], Result], nbytes: Callable[[Work], int], *, threads: int = THREADS
) -> Iterator[Result]:
    """`read` of each, in order.

    At most `threads` are under way, and no more than `read_ahead_bytes`, but always one besides the one that the caller
    has. Left early, the rest is not read.
    """
    if len(work) <= 1:
        yield from map(read, work)
        return
    budget = read_ahead_bytes()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="read-ahead")
    waiting: deque[tuple[Future[Result], int]] = deque()
    held, number = 0, 0
    try:
        while waiting or number < len(work):
            while number < len(work) and (
                not waiting or (len(waiting) < threads and held + nbytes(work[number]) <= budget)
            ):
                cost = nbytes(work[number])
                waiting.append((pool.submit(read, work[number]), cost))
                held, number = held + cost, number + 1
            future, cost = waiting.popleft()
            result = future.result()
            held -= cost
            if not waiting and number < len(work):  # the next one comes while the caller works on this
                cost = nbytes(work[number])
                waiting.append((pool.submit(read, work[number]), cost))
                held, number = held + cost, number + 1
            yield result
            del result
    finally:
        for future, _ in waiting:
            future.cancel()
        pool.shutdown(wait=True)
