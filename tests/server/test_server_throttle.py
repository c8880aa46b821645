from __future__ import annotations

import pytest

from cleanroom_ml.engine.throttle import FREE_FAILURES, LONGEST_WAIT_SECONDS, LoginThrottle

KEY = ("ALPHA", "ANN", "SNOWFLAKE")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.attack
def test_whoever_guesses_waits_longer_and_longer() -> None:
    clock = Clock()
    throttle = LoginThrottle(clock=clock)
    waits = []
    for _ in range(20):
        waits.append(throttle.wait_seconds(KEY))
        throttle.failed(KEY)
    assert waits[:FREE_FAILURES] == [0.0] * FREE_FAILURES
    assert waits[FREE_FAILURES:] == sorted(waits[FREE_FAILURES:])
    assert waits[FREE_FAILURES] > 0
    assert throttle.wait_seconds(KEY) == LONGEST_WAIT_SECONDS
    clock.now += LONGEST_WAIT_SECONDS
    assert throttle.wait_seconds(KEY) == 0


def test_others_and_other_credentials_do_not_wait() -> None:
    throttle = LoginThrottle()
    for _ in range(10):
        throttle.failed(KEY)
    assert throttle.wait_seconds(("ALPHA", "ANN", "SNOWFLAKE_JWT")) == 0
    assert throttle.wait_seconds(("ALPHA", "BOB", "SNOWFLAKE")) == 0


def test_a_success_forgets() -> None:
    throttle = LoginThrottle()
    for _ in range(10):
        throttle.failed(KEY)
    throttle.succeeded(KEY)
    assert throttle.wait_seconds(KEY) == 0


@pytest.mark.attack
def test_memory_is_bounded() -> None:
    throttle = LoginThrottle(capacity=100)
    for number in range(10_000):
        throttle.failed(("ALPHA", f"USER{number}", "SNOWFLAKE"))
    assert len(throttle) == 100
