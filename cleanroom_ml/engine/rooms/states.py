"""The state machines of the room, as data; the states are those of docs/api-digest.md §3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cleanroom_ml.engine.contracts.machine import Machine


def _machine(name: str, begins: str, moves: Mapping[str, str]) -> Machine[str]:
    return Machine.of(name, begins.split(), {state: targets.split() for state, targets in moves.items()})


MEMBER: Final = _machine(
    "collaborator",
    "CREATING INVITED",
    {
        "CREATING": "CREATED CREATE_FAILED",
        "CREATED": "INSTALLING",
        "INVITED": "INSTALLING",
        "INSTALLING": "IN_REVIEW INSTALLATION_FAILED",
        "INSTALLATION_FAILED": "INSTALLING",
        "IN_REVIEW": "JOINING",
        "JOINING": "JOINED JOIN_FAILED",
        "JOIN_FAILED": "JOINING",
        "JOINED": "LEAVING",
        "LEAVING": "LOCAL_DROP_PENDING",
        "LOCAL_DROP_PENDING": "LEFT DROPPED",
        "CREATE_FAILED": "",
        "LEFT": "",
        "DROPPED": "",
    },
)

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
