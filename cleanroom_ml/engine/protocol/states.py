"""The names by which clients know the states of a query (connector: `constants.QueryStatus`)."""

from __future__ import annotations

from typing import Final

CLIENT_STATUS: Final = {
    "QUEUED": "QUEUED",
    "RUNNING": "RUNNING",
    "SUCCESS": "SUCCESS",
    "FAILED": "FAILED_WITH_ERROR",
    # Clients see one that was cancelled as one that failed (connector: `test_async.py`, SYSTEM$CANCEL_QUERY).
    "ABORTED": "FAILED_WITH_ERROR",
}


def is_final(state: str) -> bool:
    """Whether a query never leaves this state of the catalog."""
    return state not in ("QUEUED", "RUNNING")
