"""Guessing is slowed down; nobody else is: not the holder of a key, and not by filling the throttle's memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cleanroom_ml.engine.login.logins import JobTokens, Logins, WrongPassword
from cleanroom_ml.engine.login.throttle import FREE_FAILURES, MOST_HELD, LoginThrottle
from cleanroom_ml.engine.protocol.errors import JWT_INVALID, LOGIN_THROTTLED, WireError
from cleanroom_ml.engine.protocol.login import KEY_PAIR, OAUTH, PASSWORD, LoginRequest
from cleanroom_ml.engine.storage.storage import Storage


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

    return Logins(storage, JobTokens(), nobody, throttle=LoginThrottle(capacity=6))  # type: ignore[arg-type]


def refused(logins: Logins, authenticator: str, user: str = "ANN", sender: str = "") -> WireError:
    with pytest.raises(WireError) as caught:
        logins.open(LoginRequest("ALPHA", user, authenticator, "wrong"), job_id=None, sender=sender)
    return caught.value


@pytest.mark.attack
def test_junk_tokens_do_not_lock_out_the_holder_of_the_key(logins: Logins) -> None:
    codes = {refused(logins, KEY_PAIR).code for _ in range(5 * FREE_FAILURES)}
    assert codes == {JWT_INVALID}, "a stranger's junk must not make the real key wait"


@pytest.mark.attack
def test_free_failures_do_not_push_a_guesser_out_of_the_memory(logins: Logins) -> None:
    for _ in range(FREE_FAILURES):
        refused(logins, PASSWORD)
    assert held(refused(logins, PASSWORD)) > 0
    for number in range(20):
        refused(logins, OAUTH, user=f"U{number}")
        refused(logins, KEY_PAIR, user=f"U{number}")
    assert held(refused(logins, PASSWORD)) > 0


@pytest.mark.attack
def test_wrong_guesses_do_not_lock_out_who_knows_the_password(logins: Logins) -> None:
    for _ in range(2 * FREE_FAILURES):
        refused(logins, PASSWORD)
    session, _ = logins.open(LoginRequest("ALPHA", "ANN", PASSWORD, "a long enough password"), job_id=None)
    assert session.user == "ANN"


@pytest.mark.attack
def test_a_sender_with_too_many_guesses_under_way_is_not_looked_at_and_others_are(logins: Logins) -> None:
    while logins._throttle.wait_seconds(("7", "ALPHA", "ANN")) == 0:
        logins._throttle.failed(("7", "ALPHA", "ANN"))
    assert logins._throttle._failures[("7", "ALPHA", "ANN")].held(0) == MOST_HELD
    assert refused(logins, PASSWORD, sender="7").code == LOGIN_THROTTLED
    right = LoginRequest("ALPHA", "ANN", PASSWORD, "a long enough password")
    assert logins.open(right, job_id=None, sender="8")[0].user == "ANN"


def held(error: WireError) -> float:
    assert isinstance(error, WrongPassword)
    return error.hold_seconds
