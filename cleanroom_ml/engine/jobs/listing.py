"""The columns that SHOW and DESCRIBE of compute pools answer with, and how full a pool is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.contracts.table import TextColumns
from cleanroom_ml.engine.jobs.store import Row

_TEXT, _NUMBER, _TIME = "VARCHAR", "NUMBER(38,0)", "TIMESTAMP_LTZ"
_COMMON: Final[TextColumns] = (
    ("name", _TEXT),
    ("state", _TEXT),
    ("min_nodes", _NUMBER),
    ("max_nodes", _NUMBER),
    ("instance_family", _TEXT),
    ("num_services", _NUMBER),
    ("num_jobs", _NUMBER),
    ("auto_suspend_secs", _NUMBER),
    ("auto_resume", _TEXT),
    ("active_nodes", _NUMBER),
    ("idle_nodes", _NUMBER),
    ("target_nodes", _NUMBER),
    ("created_on", _TIME),
    ("resumed_on", _TIME),
    ("updated_on", _TIME),
    ("owner", _TEXT),
    ("comment", _TEXT),
    ("is_exclusive", _TEXT),
    ("application", _TEXT),
)
SHOW_COLUMNS: Final[TextColumns] = (*_COMMON, ("placement_group", _TEXT), ("backup_instance_families", _TEXT))
DESCRIBE_COLUMNS: Final[TextColumns] = (
    *_COMMON,
    ("budget", _TEXT),
    ("error_code", _TEXT),
    ("status_message", _TEXT),
    ("placement_group", _TEXT),
)
FAMILY_COLUMNS: Final[TextColumns] = (
    ("name", _TEXT),
    ("vcpu", _NUMBER),
    ("memory_gib", _NUMBER),
    ("gpu", _TEXT),
    ("gpu_count", _NUMBER),
    ("message", _TEXT),
)


@dataclass(frozen=True, slots=True)
class Usage:
    """How full a pool is: jobs that run, the nodes that they hold, and jobs that wait."""

    jobs: int
    active_nodes: int
    waiting: int

    @classmethod
    def of(cls, unfinished: Sequence[Row], max_nodes: int) -> Usage:
        """The usage of a pool with these jobs."""
        holding = [job for job in unfinished if job.phase.holds_nodes]
        nodes = sum(job.nodes for job in holding)
        return cls(len(holding), min(nodes, max_nodes), len(unfinished) - len(holding))
