from __future__ import annotations

import pytest

from cleanroom_ml.engine.login.throttle import (
    FORGET_SECONDS,
    FREE_FAILURES,
    LONGEST_WAIT_SECONDS,
    MOST_HELD,
    MOST_HELD_OF_ONE,
    LoginThrottle,
)

KEY = ("1000", "ALPHA", "ANN")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.attack
def test_whoever_guesses_waits_longer_and_longer_for_the_answer() -> None:
    throttle = LoginThrottle(clock=Clock())
    waits = [throttle.failed(KEY) for _ in range(20)]
    assert waits[:FREE_FAILURES] == [0.0] * FREE_FAILURES
    assert waits[FREE_FAILURES:] == sorted(waits[FREE_FAILURES:])
    assert waits[FREE_FAILURES] > 0
    assert waits[-1] == LONGEST_WAIT_SECONDS
    assert throttle.wait_seconds(KEY) == 0, "the right password is still looked at"


@pytest.mark.attack
def test_a_sender_guesses_no_faster_by_not_waiting() -> None:
    """Two minutes of guessing on as many connections as it likes: what is looked at is bounded by time alone."""
    clock = Clock()
    throttle = LoginThrottle(clock=clock)
    looked_at = 0
    for _ in range(1200):
        for _ in range(50):
            if throttle.wait_seconds(KEY) == 0:
                throttle.failed(KEY)
                looked_at += 1
        clock.now += 0.1
    assert looked_at < 1.2 * MOST_HELD * 120 / LONGEST_WAIT_SECONDS + MOST_HELD


@pytest.mark.attack
def test_many_users_are_guessed_at_no_faster() -> None:
    throttle = LoginThrottle(clock=Clock())
    for number in range(3 * MOST_HELD_OF_ONE):
        key = ("1000", "ALPHA", f"USER{number % 50}")
        if throttle.wait_seconds(key) == 0:
            throttle.failed(key)
    assert throttle.wait_seconds(("1000", "ALPHA", "NOBODY YET")) > 0
    assert throttle.wait_seconds(("1001", "ALPHA", "USER0")) == 0


@pytest.mark.attack
@pytest.mark.parametrize("known", [False, True])
def test_a_new_name_for_each_guess_is_no_way_around(known: bool) -> None:
    """Nor is a right password of one's own in between: each check of a password costs the engine time and memory."""
    clock = Clock()
    throttle = LoginThrottle(clock=clock)
    looked_at = 0
    for number in range(6000):
        key = ("1000", "ALPHA", f"USER{number}")
        if throttle.wait_seconds(key) == 0:
            throttle.failed(key)
            looked_at += 1
        if known:
            throttle.succeeded(("1000", "ALPHA", "OWN"))
        clock.now += 0.01
    assert looked_at < 1.2 * MOST_HELD_OF_ONE * 60 / LONGEST_WAIT_SECONDS + MOST_HELD_OF_ONE


def test_who_guesses_at_a_user_slows_down_neither_the_user_nor_other_senders() -> None:
    throttle = LoginThrottle(clock=Clock())
    while throttle.wait_seconds(KEY) == 0:
        throttle.failed(KEY)
    assert throttle.wait_seconds(("1001", "ALPHA", "ANN")) == 0
    assert throttle.wait_seconds(("", "ALPHA", "ANN")) == 0
    assert throttle.failed(("1001", "ALPHA", "ANN")) == 0
    assert throttle.wait_seconds(("1000", "ALPHA", "BOB")) == 0


def test_it_ages_out() -> None:
    clock = Clock()
    throttle = LoginThrottle(clock=clock)
    while throttle.wait_seconds(KEY) == 0:
        throttle.failed(KEY)
    assert throttle.wait_seconds(KEY) <= LONGEST_WAIT_SECONDS
    clock.now += LONGEST_WAIT_SECONDS
    assert throttle.wait_seconds(KEY) == 0
    assert throttle.failed(KEY) == LONGEST_WAIT_SECONDS, "not forgotten yet"
    clock.now += FORGET_SECONDS
    assert [throttle.failed(KEY) for _ in range(FREE_FAILURES)] == [0.0] * FREE_FAILURES


def test_a_success_forgets() -> None:
    throttle = LoginThrottle()
    for _ in range(10):
        throttle.failed(KEY)
    throttle.succeeded(KEY)
    assert throttle.failed(KEY) == 0


@pytest.mark.attack
def test_memory_is_bounded() -> None:
    throttle = LoginThrottle(capacity=100)
    for number in range(10_000):
        throttle.failed((str(number), "ALPHA", "ANN"))
    assert len(throttle) == 100
