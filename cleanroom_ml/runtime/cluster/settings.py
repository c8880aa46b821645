"""Ray's settings in a job, as environment variables: inherited by everything that Ray or the script starts.

Sources: ray/_private/ray_constants.py, src/ray/common/ray_config_def.h.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

_ALWAYS: Final = {
    # A sandbox has no network but loopback. (The name is historical: off, Ray takes loopback for the node's address,
    # on Linux too, and does not look for another one.)
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_enable_metrics_collection": "0",
    # Every line of a worker is in the job's log, as often as it was written.
    "RAY_DEDUP_LOGS": "0",
    # The sandbox's own limit counts; Ray would kill workers by the memory of the whole machine.
    "RAY_memory_monitor_refresh_ms": "0",
    # Where more processes start than there are processors, starting takes longer than Ray expects.
    "RAY_agent_register_timeout_ms": "180000",
    "RAY_raylet_start_wait_time_s": "180",
    "RAY_worker_register_timeout_seconds": "180",
    "RAY_LOGGER_LEVEL": "warning",
    "RAY_AUTH_MODE": "token",
    # Processes that nobody has asked for yet, one a CPU and node.
    "RAY_enable_worker_prestart": "0",
    "RAY_prestart_worker_first_driver": "0",
    # Ray Data's and Tune's progress bars redraw themselves, which a log cannot.
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_AIR_NEW_OUTPUT": "0",
}


def set_always() -> None:
    """What holds in every job. What the environment says already is left as it is."""
    for name, value in _ALWAYS.items():
        os.environ.setdefault(name, value)


def set_for_cluster(directory: Path) -> None:
    """For the keeper, for the script's own `ray.init`, and for what the script starts."""
    os.environ["RAY_TMPDIR"] = str(directory)
    os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
