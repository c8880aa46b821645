"""The GPUs of this process, as its environment tells them; no library is loaded and no device is opened.

The engine sets CUDA_VISIBLE_DEVICES where a job has GPUs, and the runtime narrows it for workers. Where it is not set
there is none: a sandbox without it has no device node either.
"""

from __future__ import annotations

import os
from typing import Final

VARIABLE: Final = "CUDA_VISIBLE_DEVICES"


def visible() -> tuple[str, ...]:
    """The entries of CUDA_VISIBLE_DEVICES, in order. As CUDA does, whatever follows an entry below 0 is not seen."""
    found: list[str] = []
    for entry in os.environ.get(VARIABLE, "").split(","):
        if not entry.strip() or entry.strip().startswith("-"):
            break
        found.append(entry.strip())
    return tuple(found)


def count() -> int:
    """How many GPUs this process may use."""
    return len(visible())


def of_node(rank: int, nodes: int) -> tuple[str, ...]:
    """The share of node `rank` of `nodes` in the GPUs of the whole job: all nodes are alike and lie in one sandbox."""
    everything = visible()
    each = len(everything) // nodes
    return everything[rank * each : (rank + 1) * each]
