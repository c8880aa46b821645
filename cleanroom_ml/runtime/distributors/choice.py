"""Chooses how a training holds its data, by what that takes and what is free, and says so.

What a library takes, its trainer says (`Costs`). What is chosen by that is trained in jobs with little memory by
tests/jobs/test_jobs_boost_memory.py.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from ..data import memory
from ..data.memory import NotEnoughMemoryError
from ..values import Params

_USED: Final = 0.8
"""Of what is free: the rest is for what the script does besides, and for what an estimate has wrong."""

WORKER_BYTES: Final = 200 << 20
"""A fresh interpreter with the library, before it has data."""

BATCH_BYTES: Final = 16 << 20
"""Raw values that a trainer looks at at a time where it does not hold all."""


class Way(enum.Enum):
    """How the data is held while a model is trained."""

    MEMORY = "in memory"
    BINS = "in pieces, with its bins in memory"
    DISK = "in pieces, with its bins on disk"


@dataclass(frozen=True, slots=True)
class Costs:
    """What a library needs in bytes: a value, by the way that the data is held, and a row besides.

    `copies`: of the raw values, made while they are binned whole. `disk`: whether the bins can be left on disk. `hint`
    is what else helps where nothing fits, to follow other advice.
    """

    whole_value: float
    bins_value: float
    missing_value: float
    row: float
    copies: float
    disk: bool
    hint: str = ""


def on_gpu(params: Params) -> bool:
    """Whether these parameters of XGBoost train on a GPU."""
    return str(params.get("device", "cpu")).startswith(("cuda", "gpu")) or params.get("tree_method") == "gpu_hist"


@dataclass(frozen=True, slots=True)
class Size:
    """Of a training's data. `held`: its rows are in this job's memory already. `missing`: values may be missing."""

    rows: int
    features: int
    arrow_bytes: int
    held: bool
    missing: bool
    workers: int = 1


@dataclass(frozen=True, slots=True)
class Choice:
    """The way, what it takes, and what was free when it was chosen (bytes)."""

    way: Way
    needed: int
    available: int

    def __str__(self) -> str:
        return f"{self.way.value} (about {memory.size(self.needed)} of the {memory.size(self.available)} free)"


def choose(size: Size, costs: Costs) -> Choice:
    """The fastest way that fits.

    Raises:
        NotEnoughMemoryError: none does.
    """
    available = memory.available_bytes()
    values = size.rows * size.features
    state = int(size.rows * costs.row) + (WORKER_BYTES * size.workers if size.workers > 1 else 0)
    missing = costs.missing_value if size.missing else 0.0
    # Workers read what is held from files, each its own part.
    raw = size.arrow_bytes * (1 if size.held and size.workers == 1 else 0)
    whole = int(size.arrow_bytes * (1 + costs.copies) - raw + values * (costs.whole_value + missing)) + state
    if whole <= _USED * available:
        return Choice(Way.MEMORY, whole, available)
    bins = int(values * (costs.bins_value + missing)) + state + 4 * BATCH_BYTES * size.workers
    if bins <= _USED * available:
        return Choice(Way.BINS, bins, available)
    least = state + 12 * BATCH_BYTES * size.workers if costs.disk else bins
    if least > available:
        raise NotEnoughMemoryError(
            f"training on {size.rows:,} rows × {size.features} features needs about {memory.size(least)} of memory "
            f"even in pieces, and {memory.size(available)} are free (the job may use "
            f"{memory.size(memory.limit_bytes())}). Train on fewer rows (DataFrame.sample) or fewer input_cols, or run "
            f"the job on a compute pool whose INSTANCE_FAMILY has more memory{costs.hint}",
            least,
            available,
        )
    return Choice(Way.DISK if costs.disk else Way.BINS, least, available)
