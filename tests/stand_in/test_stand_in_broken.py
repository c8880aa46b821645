"""A connection that breaks after the account has acted, and a person who presses Ctrl-C: nothing is done twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from unittest import mock

import pytest
from snowflake.connector.errors import OperationalError
from stand_in_flows import ACCOUNTS, activate, approve, begin, run, submit
from stand_in_parties import NAME, NewPair
from stand_in_shapes import DOCUMENTED, FIELD, Shape
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


@pytest.mark.slow
@pytest.mark.usefixtures("impatient")
def test_what_was_done_before_the_connection_broke_is_found_and_not_done_again(new_pair: NewPair) -> None:
    """Each call that must not happen twice: the account has acted, and its answer never came."""
    pair = new_pair(replace(DOCUMENTED, late=1))
    begin(pair)
    world, publisher, advertiser = pair.world, pair.publisher, pair.advertiser
    publisher.types("stage")
    # A socket that breaks once: the connector sends the same request again, which is applied once.
    world.drops.append(Drop("REGISTER_CODE_SPEC(", again=False))
    publisher.types("spec register")
    assert len(world.sent("REGISTER_CODE_SPEC(")) == 1

    world.drops.append(Drop("ADD_TEMPLATE_REQUEST"))
    world.hold = "request"
    lost = publisher.types("template submit train.yaml", code=4)
    assert "it was not sent again" in lost.err
    assert "cleanroom-ml requests --all" in lost.err
    assert len(world.sent("ADD_TEMPLATE_REQUEST")) == 1
    world.hold = ""
    publisher.types("requests --all")
    world.drops.append(Drop("ADD_TEMPLATE_REQUEST"))
    sent = publisher.types("template submit --format json").json["requests"]
    assert [(each["template_id"], each["new"]) for each in sent] == [
        (f"{NAME}_train_V1", False),
        (f"{NAME}_activate_V1", True),
    ]
    assert len(world.sent("ADD_TEMPLATE_REQUEST")) == 2

    approve(pair)
    advertiser.types("pool create")
    assert "is being upgraded" in advertiser.types("run").err
    world.drops.append(Drop("COLLABORATION.RUN("))
    lost = advertiser.types("run", code=4)
    assert "the activity history has a run of it" in lost.err
    assert "cleanroom-ml history" in lost.err
    assert len(world.rooms[0].jobs) == 2

    world.drops.append(Drop("COLLABORATION.RUN("))
    lost = advertiser.types("activate --yes", code=4)
    assert "it was sent: batch" in lost.err
    assert "do not repeat it" in lost.err
    assert len(world.rooms[0].activations) == 1

    file = publisher.directory / "collaboration.yaml"
    file.write_text(file.read_text().replace("#distribution: external", "distribution: external", 1))
    world.drops.append(Drop("COLLABORATION.EDIT"))
    assert "request_" in publisher.types("collaboration edit --yes").out
    assert len(world.sent("COLLABORATION.EDIT")) == 1


WAITS = (
    # What the account is held at, what is typed, what it says after Ctrl-C, what goes on from there.
    ("job", "advertiser", "run --wait", "cleanroom-ml logs", None),
    ("activation", "advertiser", "activate --yes --wait --again", "cleanroom-ml activation list", None),
    ("status", "advertiser", f"collaboration leave {NAME} --yes", "collaboration leave", "collaboration leave --yes"),
    ("status", "publisher", f"collaboration teardown {NAME} --yes", "teardown", "collaboration teardown --yes"),
)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [DOCUMENTED, FIELD], ids=lambda shape: shape.name)
def test_ctrl_c_ends_the_waiting_and_the_same_again_goes_on(
    new_pair: NewPair, monkeypatch: pytest.MonkeyPatch, shape: Shape
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
            patched.setattr("stand_in_parties._sleep", mock.Mock(side_effect=[None, None, KeyboardInterrupt]))
            stopped = party.types(typed, code=130)
        assert told in stopped.err, stopped.err
        pair.world.hold = ""
        if again is not None:
            party.types(again)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [DOCUMENTED, FIELD], ids=lambda shape: shape.name)
def test_ctrl_c_while_creating_joining_and_submitting(
    new_pair: NewPair, monkeypatch: pytest.MonkeyPatch, shape: Shape
) -> None:
    pair = new_pair(shape)
    publisher, advertiser = pair.publisher, pair.advertiser
    publisher.types(f"init --role provider {ACCOUNTS}")
    advertiser.types(f"init --role runner {ACCOUNTS}")
    for held, party, typed, told in (
        ("status", publisher, "collaboration create", "goes on from there: cleanroom-ml collaboration create"),
        (
            "status",
            advertiser,
            "collaboration join --yes",
            "goes on from there: cleanroom-ml collaboration join --yes",
        ),
    ):
        pair.world.hold = held
        with monkeypatch.context() as patched:
            patched.setattr("stand_in_parties._sleep", mock.Mock(side_effect=[None, None, KeyboardInterrupt]))
            assert told in party.types(typed, code=130).err
        pair.world.hold = ""
        party.types(typed)
    publisher.types("stage")
    if shape.late:
        pair.world.hold = "request"
        with monkeypatch.context() as patched:
            patched.setattr("stand_in_parties._sleep", mock.Mock(side_effect=[None, KeyboardInterrupt]))
            assert "look: cleanroom-ml requests --all" in publisher.types("template submit train.yaml", code=130).err
        pair.world.hold = ""
        publisher.types("requests --all")
        publisher.types("requests --all")
    publisher.types("template submit")
    assert len(pair.world.sent("ADD_TEMPLATE_REQUEST(")) == 2
