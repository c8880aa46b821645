"""Lists of large specifications are read as big texts are: of each party one at a time."""

from __future__ import annotations

import pytest
from rooms_world import World

from cleanroom_ml.engine.load.big_texts import BigTexts
from cleanroom_ml.engine.rooms import listing

LISTS = (
    ("VIEW_REGISTERED_TEMPLATES",),
    ("VIEW_REGISTERED_CODE_SPECS",),
    ("VIEW_UPDATE_REQUESTS", "lookalike"),
    ("VIEW_TEMPLATES", "lookalike"),
    ("VIEW_CODE_SPECS", "lookalike"),
)


@pytest.fixture
def weighed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What the lists weighed."""
    found: list[int] = []

    class Texts(BigTexts):
        def weigh(self, characters: int, *, more: bool = False) -> None:
            found.append(characters)

    monkeypatch.setattr(listing, "BIG_TEXTS", Texts())
    return found


@pytest.mark.attack
def test_a_large_list_waits_for_its_partys_place(
    submitted: World, weighed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before, four of 86 MiB at once took the front to 2 GiB, and other parties' statements to nine seconds."""
    for asked in LISTS:
        submitted.publisher.call(*asked)
    assert weighed == []
    monkeypatch.setattr(listing, "LARGE", 100)
    for number, asked in enumerate(LISTS, 1):
        submitted.publisher.call(*asked)
        assert len(weighed) == number, asked
    assert min(weighed) > 100


def test_an_empty_list_weighs_nothing(world: World, weighed: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "LARGE", 0)
    assert world.stranger.call("VIEW_REGISTERED_TEMPLATES") == []
    assert weighed == []
