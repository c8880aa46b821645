"""A connection that breaks after the account has acted, and a person who presses Ctrl-C: nothing is done twice."""

from __future__ import annotations

from collections.abc import Iterator
from unittest import mock

import pytest
from snowflake.connector.errors import OperationalError
from stand_in_flows import activate, approve, begin, run, submit
from stand_in_parties import NAME, NewPair, Pair
from stand_in_shapes import DOCUMENTED, FIELD
from stand_in_world import Drop

from cleanroom_ml.connection import session


@pytest.fixture
def impatient() -> Iterator[None]:
    """The connector gives a request up after a few tries, not after a minute."""

    def pauses() -> Iterator[float]:
        yield from (0.01, 0.01, 0.01)
        raise OperationalError("it has not answered")

    with mock.patch.object(session, "pauses", pauses):
        yield


@pytest.fixture
def begun(new_pair: NewPair) -> Pair:
    pair = new_pair(DOCUMENTED)
    begin(pair)
    return pair


@pytest.mark.usefixtures("impatient")
def test_what_was_done_before_the_connection_broke_is_found_and_not_done_again(begun: Pair) -> None:
    """Each call that must not happen twice: the account has acted, and its answer never came."""
    world, publisher, advertiser = begun.world, begun.publisher, begun.advertiser
    world.drops.append(Drop("ADD_TEMPLATE_REQUEST"))
    submit(begun)
    assert len(world.rooms[0].requests) == 2

    approve(begun)
    advertiser.types("pool create")
    world.drops.append(Drop("COLLABORATION.RUN("))
    lost = advertiser.types("run", code=4)
    assert "the activity history has a run of it" in lost.err
    assert "cleanroom-ml history" in lost.err
    assert len(world.rooms[0].jobs) == 1
    assert len(world.sent("COLLABORATION.RUN(")) == 1

    run(begun)
    world.drops.append(Drop("COLLABORATION.RUN("))
    lost = advertiser.types("activate --yes", code=4)
    assert "it was sent: batch" in lost.err
    assert "do not repeat it" in lost.err
    assert len(world.rooms[0].activations) == 1

    text = (publisher.directory / "collaboration.yaml").read_text()
    text = text.replace("owner: publisher\n", "owner: publisher\ndistribution: external\n", 1)
    (publisher.directory / "collaboration.yaml").write_text(text)
    world.drops.append(Drop("COLLABORATION.EDIT"))
    sent = publisher.types("collaboration edit --yes")
    assert "PENDING" in sent.out or "REQUESTED" in sent.out
    assert len(world.sent("COLLABORATION.EDIT")) == 1


@pytest.mark.usefixtures("impatient")
def test_what_is_not_listed_after_the_connection_broke_is_not_sent_again(
    begun: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cleanroom_ml.services.templates._PAUSES", (0.0,))
    begun.world.hold = "request"
    object.__setattr__(begun.world.shape, "late", 1)
    try:
        begun.world.drops.append(Drop("ADD_TEMPLATE_REQUEST"))
        begun.publisher.types("stage")
        lost = begun.publisher.types("template submit", code=4)
    finally:
        object.__setattr__(begun.world.shape, "late", 0)
    assert "it was not sent again" in lost.err
    assert "cleanroom-ml requests --all" in lost.err
    assert len(begun.world.sent("ADD_TEMPLATE_REQUEST")) == 1


def test_one_request_is_applied_once_however_often_it_is_sent(begun: Pair) -> None:
    """A socket that breaks once: the connector sends the same request again, and the account answers it again."""
    begun.publisher.types("stage")
    begun.world.drops.append(Drop("REGISTER_CODE_SPEC", again=False))
    begun.publisher.types("spec register")
    assert len(begun.world.sent("REGISTER_CODE_SPEC(")) == 1


WAITS = (
    # What the account is held at, what is typed, what it says after Ctrl-C, what goes on from there.
    ("job", "advertiser", "run --wait", "cleanroom-ml logs", None),
    ("activation", "advertiser", "activate --yes --wait", "cleanroom-ml activation list", None),
    ("status", "advertiser", f"collaboration leave {NAME} --yes", "collaboration leave", "collaboration leave --yes"),
    ("status", "publisher", f"collaboration teardown {NAME} --yes", "teardown", "collaboration teardown --yes"),
)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [DOCUMENTED, FIELD], ids=lambda shape: shape.name)
def test_ctrl_c_ends_the_waiting_and_the_same_again_goes_on(
    new_pair: NewPair, monkeypatch: pytest.MonkeyPatch, shape: object
) -> None:
    pair = new_pair(shape)
    begin(pair)
    submit(pair)
    approve(pair)
    run(pair)
    activate(pair)
    for held, who, typed, told, again in WAITS:
        party = getattr(pair, who)
        pair.world.hold = held
        with monkeypatch.context() as patched:
            patched.setattr("time.sleep", mock.Mock(side_effect=[None, None, KeyboardInterrupt]))
            stopped = party.types(typed, code=130)
        assert told in stopped.err, stopped.err
        pair.world.hold = ""
        if again is not None:
            party.types(again)
