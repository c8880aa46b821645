"""Random histories of a collaboration: whatever its parties call, in whatever order, and wherever the engine is killed.

Every change of a status is caught where it is written, by a trigger of the catalog, and held against the documented
pathways (user-guide/cleanrooms/collaboration-api-reference, GET_STATUS), which are written out here once more.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from rooms_histories import BOTH, OTHERS, PATHWAYS, STEPS, THREE, Histories, play

from cleanroom_ml.engine.rooms import registries
from cleanroom_ml.engine.rooms.states import ACTIVATION, MEMBER, REQUEST, SENDERS_DECISION
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.specs.parse import parse_as


@pytest.fixture(scope="module")
def histories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Histories]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registries, "parse_as", cache(parse_as))  # of the same three texts, over and over
        made = Histories(tmp_path_factory.mktemp("histories"))
        yield made
        made.storage.close()


HEALTH = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]


@settings(max_examples=25, deadline=None, suppress_health_check=HEALTH)
@given(STEPS)
def test_no_history_makes_a_move_that_is_not_documented(histories: Histories, steps: list[Any]) -> None:
    play(histories, steps)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(10))
def test_no_history_of_ten_thousand_makes_a_move_that_is_not_documented(histories: Histories, part: int) -> None:
    """A thousand in each part, never the same ones: the parts can run beside each other."""

    @seed(part)
    @settings(max_examples=1_000, deadline=None, database=None, suppress_health_check=HEALTH)
    @given(STEPS)
    def holds(steps: list[Any]) -> None:
        play(histories, steps)

    holds()


def test_the_table_of_moves_is_the_documented_one() -> None:
    for machine, written in (
        (MEMBER, PATHWAYS),
        (REQUEST, OTHERS["room_requests"]),
        (SENDERS_DECISION, OTHERS["room_decisions"]),
        (ACTIVATION, OTHERS["room_activations"]),
    ):
        assert {state: set(targets) for state, targets in machine.moves.items() if targets} == written


# Who may call what in which status of its own; in every other one it is refused by name.
ANY = frozenset(MEMBER.moves)
MAY = {
    ("PUBLISHER", "REVIEW"): set(),
    ("PUBLISHER", "JOIN"): {"CREATED", "INSTALLATION_FAILED", "IN_REVIEW", "JOIN_FAILED"},
    ("PUBLISHER", "LEAVE"): set(),
    ("PUBLISHER", "TEARDOWN"): {"JOINED", "DROPPING", "DROP_FAILED", "LOCAL_DROP_PENDING"},
    ("PUBLISHER", "EDIT"): {"JOINED"},
    ("PUBLISHER", "SET_CONFIGURATION"): {"JOINED"},
    ("PUBLISHER", "GET_STATUS"): ANY,
    ("ADVERTISER", "REVIEW"): {"INVITED", "INSTALLATION_FAILED", "IN_REVIEW", "JOIN_FAILED"},
    ("ADVERTISER", "JOIN"): {"IN_REVIEW", "JOIN_FAILED"},
    ("ADVERTISER", "LEAVE"): {"JOINED", "LEAVING", "LEAVE_FAILED", "LOCAL_DROP_PENDING"},
    ("ADVERTISER", "TEARDOWN"): set(),
    ("ADVERTISER", "EDIT"): set(),
    ("ADVERTISER", "SET_CONFIGURATION"): {"JOINED"},
    ("ADVERTISER", "GET_STATUS"): ANY,
    ("STRANGER", "GET_STATUS"): set(),
    ("STRANGER", "JOIN"): set(),
    ("STRANGER", "EDIT"): set(),
}
ARGUMENTS: dict[str, tuple[object, ...]] = {
    "REVIEW": ("r", "LOCAL.PUBLISHER"),
    "EDIT": ("r", THREE),
    "SET_CONFIGURATION": ("r", "TEMPLATE_AUTO_APPROVAL", "true"),
}
NAMED = (
    "CollaborationNotFoundException: ",
    "CollaborationInvitationNotFound: ",
    "CollaborationAlreadyReviewed: ",
    "InvalidCollaborationStatusError: ",
    "PermissionDeniedException: ",
)


class UndoneError(Exception):
    """Nothing of it is to stay."""


@pytest.mark.parametrize(("account", "procedure"), MAY, ids=lambda each: str(each).lower())
def test_every_status_opens_what_it_opens_and_refuses_the_rest(
    histories: Histories, account: str, procedure: str
) -> None:
    histories.forget()
    histories.step("PUBLISHER", ("INITIALIZE", (BOTH, "COMPUTE_WH")), None)
    histories.step("ADVERTISER", ("into", ()), None)
    for status in sorted(ANY):
        said = ""
        with suppress(UndoneError), histories.storage.database.transaction() as connection:
            kept = status not in ("INVITED", "REPLICATING", "LEFT", "DROPPED")
            connection.execute(
                "UPDATE room_members SET status = ?1, local_key = CASE WHEN ?2 THEN local_key END WHERE account = ?3",
                (status, kept, account),
            )
            try:
                histories.parties[account].call(procedure, *ARGUMENTS.get(procedure, ("r",)))
            except SqlError as error:
                said = error.message
            raise UndoneError
        assert bool(said) == (status not in MAY[account, procedure]), f"{status}: {said}"
        assert not said or said.startswith(NAMED), f"{status}: {said}"
