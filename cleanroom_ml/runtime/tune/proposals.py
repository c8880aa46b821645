"""A search under way: what it is asked for, and what it learns of the trials before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Scored:
    """A trial that has ended, as an algorithm sees it. `score` is better the larger it is; None where there is none:
    the trial failed, or its metric is not finite.
    """

    params: Mapping[str, object]
    score: float | None


class Search(Protocol):
    """One search. `total` is how many trials it has; `learns` says whether `propose` looks at what it is given."""

    total: int
    learns: bool

    def propose(
        self, number: int, ended: Sequence[Scored], running: Sequence[Mapping[str, object]]
    ) -> dict[str, object]:
        """Parameters of trial `number`, from 0: asked in order, once for each.

        ended: the trials before it whose outcome is known, in order; running: those after them, in order.
        """
