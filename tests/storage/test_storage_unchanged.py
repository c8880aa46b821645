"""What was read of the catalog stands while nothing was committed, and not for a moment longer."""

from __future__ import annotations

import pytest

from cleanroom_ml.engine.storage.database import Database
from cleanroom_ml.engine.storage.roles import ADMIN, PUBLIC
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.engine.storage.unchanged import Unchanged


def test_a_value_is_read_again_after_every_commit_that_counts(storage: Storage) -> None:
    kept: Unchanged[str, int] = Unchanged(storage.database)
    read = iter(range(10))
    assert (kept.seen("a"), kept.get("a", read.__next__), kept.get("a", read.__next__)) == (None, 0, 0)
    with storage.database.transaction(counted=False):
        pass
    assert kept.get("a", read.__next__) == 0
    with storage.database.transaction():
        assert kept.get("a", read.__next__) == 1, "a thread sees what it is about to commit"
        assert kept.get("a", read.__next__) == 2
    assert (kept.seen("a"), kept.get("a", read.__next__), kept.seen("a")) == (None, 3, 3)


def test_what_was_read_while_something_was_committed_is_not_kept(storage: Storage) -> None:
    kept: Unchanged[str, str] = Unchanged(storage.database)

    def read() -> str:
        with storage.database.transaction():
            return "before the commit"

    assert kept.get("a", read) == "before the commit"
    assert kept.seen("a") is None
    storage.database.changes += 1  # another thread's commit is being made
    assert kept.get("a", lambda: "in the middle") == "in the middle"
    storage.database.changes += 1
    assert kept.seen("a") is None


def test_they_are_bounded(storage: Storage) -> None:
    kept: Unchanged[int, int] = Unchanged(storage.database, most=2)
    for number in range(3):
        kept.get(number, lambda number=number: number)  # type: ignore[misc]
    assert [kept.seen(number) for number in range(3)] == [None, None, 2]


@pytest.mark.attack
def test_what_was_revoked_or_closed_is_gone_at_once(
    storage: Storage, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a session's roles, and of the session itself; without the count of commits both would go on."""
    roles, account, user = storage.roles, session.account, session.user
    roles.create(account, "R", owner=ADMIN)
    roles.grant(account, "R", "USER", user, by=ADMIN)
    mine, _ = storage.sessions.create(account, user, role="R")

    def acting() -> frozenset[str]:
        return roles.acting(account, user, "R", mine.id)

    assert acting() == acting() == {"R", PUBLIC}
    assert storage.sessions.get(mine.id) == storage.sessions.get(mine.id) == mine
    roles.set_secondary(mine.id, "ALL")
    assert acting() >= {"R", ADMIN}
    roles.revoke(account, "R", "USER", user)
    roles.set_secondary(mine.id, "")
    assert acting() == frozenset()
    storage.sessions.close(mine.id)
    assert storage.sessions.get(mine.id) is None
    other, _ = storage.sessions.create(account, user)
    assert storage.sessions.get(other.id) == other
    monkeypatch.setattr(Database, "changes", 0, raising=False)
    monkeypatch.setattr(Unchanged, "seen", lambda self, key: self._kept[1].get(key))
    storage.sessions.close(other.id)
    assert storage.sessions.get(other.id) == other, "without the control it does"
