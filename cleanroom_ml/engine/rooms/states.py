"""The state machines of the room, as data; the states are those of docs/api-digest.md §3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cleanroom_ml.engine.contracts.machine import Machine


def _machine(name: str, begins: str, moves: Mapping[str, str]) -> Machine[str]:
    return Machine.of(name, begins.split(), {state: targets.split() for state, targets in moves.items()})


# Where several states go to LOCAL_DROP_PENDING or DROPPED, the owner has torn the collaboration down, or an edit has
# removed the collaborator. The engine itself never replicates and creates in no time: those states are the service's.
MEMBER: Final = _machine(
    "collaborator",
    "CREATING INVITED",
    {
        "CREATING": "CREATED CREATE_FAILED CREATE_TIMED_OUT",
        "CREATED": "INSTALLING REPLICATING",
        "INVITED": "INSTALLING REPLICATING DROPPED",
        "REPLICATING": "CREATED INVITED DROPPED",
        "INSTALLING": "IN_REVIEW INSTALLATION_FAILED LOCAL_DROP_PENDING",
        "INSTALLATION_FAILED": "INSTALLING LOCAL_DROP_PENDING",
        "IN_REVIEW": "JOINING LOCAL_DROP_PENDING",
        "JOINING": "JOINED JOIN_FAILED LOCAL_DROP_PENDING",
        "JOIN_FAILED": "JOINING LOCAL_DROP_PENDING",
        "JOINED": "LEAVING DROPPING LOCAL_DROP_PENDING",
        "LEAVING": "LOCAL_DROP_PENDING LEAVE_FAILED",
        "LEAVE_FAILED": "LEAVING LOCAL_DROP_PENDING",
        "DROPPING": "LOCAL_DROP_PENDING DROP_FAILED",
        "DROP_FAILED": "DROPPING",
        "LOCAL_DROP_PENDING": "LEFT DROPPED",
        "CREATE_FAILED": "",
        "CREATE_TIMED_OUT": "",
        "LEFT": "",
        "DROPPED": "",
    },
)
NOT_INSTALLED: Final = frozenset({"CREATING", "CREATE_FAILED", "CREATE_TIMED_OUT", "CREATED", "INVITED", "REPLICATING"})
"""Nothing of the collaboration is in the collaborator's account yet."""
ENDING: Final = frozenset({"LEAVING", "LEAVE_FAILED", "DROPPING", "DROP_FAILED", "LOCAL_DROP_PENDING"})
"""On the way out, for good: nothing of the collaboration is to be had any more, but to end it."""
ENDED: Final = frozenset({"LEFT", "DROPPED"})
"""Out. The account's name for the collaboration is free again."""


def leading_to(wanted: str) -> tuple[str, ...]:
    """The states from which a collaborator gets to `wanted` in one step."""
    return tuple(state for state, targets in MEMBER.moves.items() if wanted in targets)


REQUEST: Final = _machine(
    "update request",
    "REQUESTED",
    {
        "REQUESTED": "APPROVED REJECTED FAILED",
        "APPROVED": "COMPLETED FAILED",
        "REJECTED": "",
        "COMPLETED": "",
        "FAILED": "",
    },
)

DECISION: Final = _machine("decision", "PENDING", {"PENDING": "APPROVED REJECTED", "APPROVED": "", "REJECTED": ""})

# The sender's own say, given with the request, is taken back by withdrawing it: as long as it is open, and for good.
SENDERS_DECISION: Final = _machine(
    "sender's decision", "PENDING", {"PENDING": "APPROVED REJECTED", "APPROVED": "REJECTED", "REJECTED": ""}
)

ACTIVATION: Final = _machine(
    "activation",
    "PENDING",
    {
        "PENDING": "REPLICATING SHARED FAILED",
        "REPLICATING": "SHARED FAILED",
        "SHARED": "PROCESSED FAILED",
        "PROCESSED": "",
        "FAILED": "",
    },
)

ACTIVITY: Final = _machine("activity", "RUNNING", {"RUNNING": "SUCCESS ERROR", "SUCCESS": "", "ERROR": ""})
