"""Guessing is slowed down; nobody else is: not the holder of a key, and not by filling the throttle's memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cleanroom_ml.engine.logins import JobTokens, Logins
from cleanroom_ml.engine.protocol.errors import JWT_INVALID, LOGIN_THROTTLED, WireError
from cleanroom_ml.engine.protocol.login import KEY_PAIR, OAUTH, PASSWORD, LoginRequest
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.engine.throttle import FREE_FAILURES, LoginThrottle


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    opened = Storage.open(tmp_path / "home", [])
    opened.accounts.create("ALPHA", "ANN", password="a long enough password")
    yield opened
    opened.close()


@pytest.fixture
def logins(storage: Storage) -> Logins:
    def nobody(job_id: str) -> None:
        raise LookupError(job_id)

    return Logins(storage, JobTokens(), nobody, throttle=LoginThrottle(capacity=4))  # type: ignore[arg-type]


def refused(logins: Logins, authenticator: str, user: str = "ANN") -> int | str:
    with pytest.raises(WireError) as caught:
        logins.open(LoginRequest("ALPHA", user, authenticator, "wrong"), job_id=None)
    return caught.value.code


@pytest.mark.attack
def test_junk_tokens_do_not_lock_out_the_holder_of_the_key(logins: Logins) -> None:
    codes = {refused(logins, KEY_PAIR) for _ in range(5 * FREE_FAILURES)}
    assert codes == {JWT_INVALID}, "a stranger's junk must not make the real key wait"


@pytest.mark.attack
def test_free_failures_do_not_push_a_guesser_out_of_the_memory(logins: Logins) -> None:
    for _ in range(FREE_FAILURES):
        refused(logins, PASSWORD)
    assert refused(logins, PASSWORD) == LOGIN_THROTTLED
    for number in range(20):
        refused(logins, OAUTH, user=f"U{number}")
        refused(logins, KEY_PAIR, user=f"U{number}")
    assert refused(logins, PASSWORD) == LOGIN_THROTTLED
