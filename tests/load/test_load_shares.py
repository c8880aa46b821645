"""Who gets the next place: nobody is left without one, nobody has more than a fair part while others wait."""

from __future__ import annotations

import pytest

from cleanroom_ml.engine.load.owners import Owner
from cleanroom_ml.engine.load.shares import Place, Shares

A, B, C = Owner("A"), Owner("B"), Owner("C")


def ask(shares: Shares, owner: Owner, count: int = 1) -> list[Place]:
    return [shares.ask(owner, lambda _: None) for _ in range(count)]


def granted(places: list[Place]) -> int:
    return sum(place.granted for place in places)


def test_one_may_have_everything_while_nobody_else_waits() -> None:
    shares = Shares(3, 5)
    places = ask(shares, A, 7)
    assert granted(places) == 3
    shares.give_back(places[0])
    assert granted(places) == 4
    assert shares.taken == 3


@pytest.mark.attack
@pytest.mark.parametrize(("most", "first"), [(5, True), (2, False)])
def test_whoever_has_none_gets_one_at_once(most: int, first: bool) -> None:
    """With no places beyond the size, who came first and never ends keeps everybody out."""
    shares = Shares(2, most)
    ask(shares, A, 20)
    for other in (B, C):
        assert granted(ask(shares, other, 3)) == (1 if first else 0)


def test_a_hundred_jobs_are_no_hundred_guarantees() -> None:
    shares = Shares(2, 10)
    ask(shares, A, 2)
    jobs = [place for number in range(100) for place in ask(shares, Owner("A", f"J{number}"))]
    assert granted(jobs) == 1
    assert granted(ask(shares, B)) == 1


def test_what_becomes_free_goes_to_who_has_the_fewest_in_turn() -> None:
    shares = Shares(4, 4)
    of_a = ask(shares, A, 8)
    of_b, of_c = ask(shares, B, 2), ask(shares, C, 2)
    for place in of_a[:4]:
        shares.give_back(place)
    assert (granted(of_a[4:]), granted(of_b), granted(of_c)) == (1, 2, 1), "one each, and then in turn"
    shares.give_back(of_b[0])
    assert (granted(of_a[4:]), granted(of_b), granted(of_c)) == (1, 2, 2)


def test_jobs_of_an_account_take_turns() -> None:
    shares = Shares(1, 1)
    held = ask(shares, B)
    order: list[str] = []
    waiting = [
        shares.ask(Owner("A", job), lambda place: order.append(place.owner.job)) for job in ("J1", "J1", "J1", "J2")
    ]
    shares.give_back(held[0])
    for _ in range(3):
        shares.give_back(next(place for place in waiting if place.granted and not place.over))
    assert order[:2] == ["J1", "J2"]


def test_who_gives_up_waiting_is_out_of_the_line() -> None:
    shares = Shares(1, 1)
    (held,), (gone,), (waiting,) = ask(shares, A), ask(shares, B), ask(shares, C)
    for _ in range(2):
        shares.give_back(gone)
    shares.give_back(held)
    assert (gone.granted, waiting.granted, shares.taken) == (False, True, 1)
    shares.give_back(waiting)
    assert shares.taken == 0
    assert not any((shares._waiting, shares._owners, shares._parties, shares._last_turn)), "nothing is kept of them"


def test_what_is_free_is_taken_without_waiting_and_nobody_is_overtaken() -> None:
    shares = Shares(2, 4)
    first = shares.take(A)
    assert first is not None
    assert (first.granted, shares.taken) == (True, 1)
    [second] = ask(shares, A)
    assert shares.take(B) is None, "there is none within the size"
    assert granted(ask(shares, B)) == 1, "what is kept for who has none is asked for"
    waiting = ask(shares, A, 2)
    shares.give_back(first)
    shares.give_back(second)
    assert granted(waiting) == 1
    shares.give_back(waiting[0])
    assert granted(waiting) == 2
    shares.give_back(waiting[1])
    again = shares.take(A)
    assert again is not None
    for _ in range(2):
        shares.give_back(again)
    assert shares.taken == 1
