"""Files into read tasks: small ones together, in order, so that a task is worth its start, and of a bounded size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

TASK_BYTES: Final = 64 << 20

File = TypeVar("File")


def grouped(files: Sequence[File], nbytes: Callable[[File], int], parallelism: int) -> list[list[File]]:
    """The files, neighbours together, in about `parallelism` groups, or more: none has more than TASK_BYTES.

    A file that is larger than that by itself is a group of its own.
    """
    total = sum(nbytes(file) for file in files)
    most = min(TASK_BYTES, -(-total // max(1, parallelism)))
    longest = -(-len(files) // max(1, parallelism))
    groups: list[list[File]] = []
    room = 0
    for file in files:
        size = nbytes(file)
        if not groups or size > room or len(groups[-1]) >= longest:
            groups.append([])
            room = most
        groups[-1].append(file)
        room -= size
    return groups
