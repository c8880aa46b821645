from __future__ import annotations

from itertools import pairwise

import pytest

from cleanroom_ml.engine.contracts.machine import IllegalTransition, Machine
from cleanroom_ml.engine.rooms.states import (
    ACTIVATION,
    ACTIVITY,
    DECISION,
    MEMBER,
    REQUEST,
    SENDERS_DECISION,
)

MACHINES = [MEMBER, REQUEST, DECISION, SENDERS_DECISION, ACTIVATION, ACTIVITY]


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_every_pair_of_states_is_either_in_the_table_or_raises(machine: Machine[str]) -> None:
    for state, targets in machine.moves.items():
        assert targets <= machine.moves.keys(), "a move to a state that does not exist"
        for wanted in machine.moves:
            if wanted in targets:
                assert machine.move(state, wanted) == wanted
            else:
                with pytest.raises(IllegalTransition, match=rf"that is {state} cannot become {wanted}"):
                    machine.move(state, wanted)


@pytest.mark.parametrize(
    ("machine", "path"),
    [
        (MEMBER, "CREATING CREATED INSTALLING IN_REVIEW JOINING JOINED LEAVING LOCAL_DROP_PENDING LEFT"),
        (MEMBER, "INVITED INSTALLING INSTALLATION_FAILED INSTALLING IN_REVIEW JOINING JOIN_FAILED JOINING JOINED"),
        (REQUEST, "REQUESTED APPROVED COMPLETED"),
        (ACTIVATION, "PENDING SHARED PROCESSED"),
    ],
)
def test_documented_paths(machine: Machine, path: str) -> None:
    states = path.split()
    for state, wanted in pairwise(states):
        assert machine.move(state, wanted) == wanted


@pytest.mark.parametrize(
    ("machine", "state"),
    [
        (REQUEST, "REJECTED"),
        (REQUEST, "COMPLETED"),
        (DECISION, "APPROVED"),
        (DECISION, "REJECTED"),
        (SENDERS_DECISION, "REJECTED"),
        (ACTIVATION, "PROCESSED"),
    ],
)
def test_terminal_states_are_left_by_nothing(machine: Machine, state: str) -> None:
    assert machine.terminal(state)


def test_unknown_states_raise() -> None:
    with pytest.raises(IllegalTransition):
        REQUEST.move("REQUESTED", "DELETED")
    with pytest.raises(IllegalTransition):
        REQUEST.move("DELETED", "APPROVED")
