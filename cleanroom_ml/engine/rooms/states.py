"""The state machines of the room, as data (docs/ARCHITECTURE.md, decision 9; states: docs/api-digest.md §3).

A move that a table does not hold raises. Whoever moves something persists the new state before acting on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


class IllegalTransition(Exception):
    """The machine has no such move. `state` is where it is, `wanted` where it should have gone."""

    def __init__(self, machine: str, state: str, wanted: str) -> None:
        super().__init__(f"a {machine} that is {state} cannot become {wanted}")
        self.machine = machine
        self.state = state
        self.wanted = wanted


@dataclass(frozen=True, slots=True)
class Machine:
    """One kind of thing and its moves. A state without moves is terminal."""

    name: str
    moves: Mapping[str, frozenset[str]]

    def move(self, state: str, wanted: str) -> str:
        """`wanted`, if it can be reached from `state` in one step.

        Raises:
            IllegalTransition: it cannot, or one of the two is no state.
        """
        if wanted not in self.moves or wanted not in self.moves.get(state, frozenset()):
            raise IllegalTransition(self.name, state, wanted)
        return wanted

    def terminal(self, state: str) -> bool:
        """Whether nothing leaves `state`."""
        return not self.moves[state]


def _machine(name: str, moves: Mapping[str, str]) -> Machine:
    return Machine(name, {state: frozenset(targets.split()) for state, targets in moves.items()})


MEMBER = _machine(
    "collaborator",
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

REQUEST = _machine(
    "update request",
    {
        "REQUESTED": "APPROVED REJECTED FAILED",
        "APPROVED": "COMPLETED FAILED",
        "REJECTED": "",
        "COMPLETED": "",
        "FAILED": "",
    },
)

DECISION = _machine("decision", {"PENDING": "APPROVED REJECTED", "APPROVED": "", "REJECTED": ""})

# The sender's own say, given with the request, is taken back by withdrawing it: as long as it is open, and for good.
SENDERS_DECISION = _machine(
    "sender's decision", {"PENDING": "APPROVED REJECTED", "APPROVED": "REJECTED", "REJECTED": ""}
)

ACTIVATION = _machine(
    "activation",
    {
        "PENDING": "SHARED FAILED",
        "SHARED": "PROCESSED FAILED",
        "PROCESSED": "",
        "FAILED": "",
    },
)
