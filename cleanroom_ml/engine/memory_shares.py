"""How the engine divides the memory of its machine: what its own processes may use, and what is left for jobs.

Limits of everything that may run at once never add up to more than there is: so what statements and the rendering of
templates are limited to is taken off before jobs are admitted (jobs/scheduler.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

GIB: Final = 1 << 30

FRONT_BYTES: Final = GIB // 2
"""The front itself, which never holds a table, and the supervisors of jobs."""

MOST_FOR_A_STATEMENT: Final = 3 * GIB
_PART_OF_THE_MACHINE: Final = 4


@dataclass(frozen=True, slots=True)
class MemoryShares:
    """`statement_bytes` limits one statement; `engine_bytes` is what all that is the engine's own may use together."""

    statement_bytes: int
    engine_bytes: int


def memory_shares(total: int, *, statements: int, others: int) -> MemoryShares:
    """The shares of a machine with `total` bytes.

    Args:
        statements: how many may run at once. Together they have a quarter of the machine at most.
        others: bytes that other workers of the engine are limited to, all together.
    """
    each = min(MOST_FOR_A_STATEMENT, total // (_PART_OF_THE_MACHINE * statements))
    return MemoryShares(each, FRONT_BYTES + statements * each + others)
