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

ENOUGH_FOR_A_STATEMENT: Final = 3 * GIB // 2
"""While each would have that, there may be as many statements at once as there are processors."""
LEAST_STATEMENTS: Final = 2
MOST_FOR_A_STATEMENT: Final = 3 * GIB
SPARE_STATEMENT_BYTES: Final = GIB // 2
MOST_SPARES: Final = 8
"""Workers for parties that would have none while others have them all: the people and the jobs of four accounts."""

_STATEMENTS_PART: Final = 4
_SPARE_STATEMENTS_PART: Final = 8
_SPARE_RENDERERS_PART: Final = 16
MOST_FOR_FUNCTIONS: Final = GIB
LEAST_FOR_FUNCTIONS: Final = GIB // 4
"""Of one statement's functions in Python: pandas alone needs half of the least."""
_FUNCTIONS_PART: Final = 32
MOST_FUNCTIONS: Final = 4
"""Statements with functions at once."""
LEAST_FOR_PROCEDURES: Final = 3 * GIB // 8
"""Of one procedure in Python: Snowpark alone needs half of it."""
ENOUGH_FOR_PROCEDURES: Final = 6 * GIB
"""A machine with less has none."""
_MORE_PROCEDURES: Final = 2
"""One for a party that has none, and one that procedures call; not on a small machine."""
_SMALL_MACHINE: Final = 16 * GIB
"""Below it the functions of one statement run at once, and of one more for a party that has none."""


@dataclass(frozen=True, slots=True)
class MemoryShares:
    """How much each worker of the engine may use, and how many spare ones there may be.

    `engine_bytes` is what all that is the engine's own may use together.
    """

    statement_bytes: int
    spare_statement_bytes: int
    spare_statements: int
    spare_renderers: int
    functions_bytes: int
    functions: int
    spare_functions: int
    procedures_bytes: int
    procedures: int
    more_procedures: int
    engine_bytes: int


def statements_at_once(total: int, processors: int) -> int:
    """How many statements may run at once on a machine with `total` bytes: sessions scale to its processors."""
    return max(LEAST_STATEMENTS, min(processors, total // (_STATEMENTS_PART * ENOUGH_FOR_A_STATEMENT)))


def memory_shares(total: int, *, statements: int, rendering_bytes: int) -> MemoryShares:
    """The shares of a machine with `total` bytes.

    Args:
        statements: how many may run at once. Together they have a quarter of the machine at most, spare ones an eighth.
        rendering_bytes: of one worker that renders templates. There is one, and spare ones in a sixteenth of the
            machine.
    """
    each = min(MOST_FOR_A_STATEMENT, total // (_STATEMENTS_PART * statements))
    spare_each = min(each, SPARE_STATEMENT_BYTES)
    spares = max(1, min(MOST_SPARES, total // (_SPARE_STATEMENTS_PART * spare_each)))
    renderers = max(1, min(MOST_SPARES, total // (_SPARE_RENDERERS_PART * rendering_bytes)))
    functions_each = max(LEAST_FOR_FUNCTIONS, min(MOST_FOR_FUNCTIONS, total // _FUNCTIONS_PART))
    functions = 1 if total < _SMALL_MACHINE else min(statements, MOST_FUNCTIONS)
    procedures = 0 if total < ENOUGH_FOR_PROCEDURES else 1 if total < 2 * _SMALL_MACHINE else 2
    engine = FRONT_BYTES + statements * each + spares * spare_each + (1 + renderers) * rendering_bytes
    engine += (functions + 1) * functions_each
    procedures_each = max(LEAST_FOR_PROCEDURES, functions_each)
    more = 0 if total < _SMALL_MACHINE else _MORE_PROCEDURES
    engine += (procedures + more) * procedures_each
    return MemoryShares(
        *(each, spare_each, spares, renderers, functions_each, functions, 1),
        *(procedures_each, procedures, more, engine),
    )
