"""Compute pools as the page prints them, and what is sent again when a command is repeated.

Source: ML jobs, "Set up the compute pool"; SQL reference, CREATE COMPUTE POOL and ALTER COMPUTE POOL.
"""

from __future__ import annotations

from typing import Any

import pytest

from cleanroom_ml.errors import ConflictError, UsageError
from cleanroom_ml.services import pools


class Account:
    """An account with at most one pool."""

    def __init__(self, **pool: Any) -> None:
        self.pool, self.sent = pool, []

    def execute(self, sql: str) -> list[dict[str, Any]]:
        if sql == "SHOW COMPUTE POOLS":
            return [self.pool] if self.pool else []
        self.sent.append(sql)
        if sql.startswith("CREATE"):
            self.pool = POOL
        return []


POOL = {
    "name": "P", "state": "IDLE", "instance_family": "CPU_X64_XS", "min_nodes": 1, "max_nodes": 2,
    "application": "SFDCR_ROOM", "auto_suspend_secs": 600,
}  # fmt: skip


def create(account: Account, **more: Any) -> pools.PoolOutcome:
    asked: dict[str, Any] = {"nodes": 2, "min_nodes": 1, "collaboration": "room", "warehouse": "APP_WH"}
    return pools.create_pool(account, "p", "CPU_X64_XS", **(asked | more))  # type: ignore[arg-type]


def test_a_pool_is_created_and_granted_as_the_page_prints_it() -> None:
    account = Account()
    assert create(account, auto_suspend_seconds=600).created
    assert account.sent == [
        "CREATE COMPUTE POOL p FOR APPLICATION SFDCR_room MIN_NODES = 1 MAX_NODES = 2 "
        "INSTANCE_FAMILY = CPU_X64_XS AUTO_RESUME = TRUE AUTO_SUSPEND_SECS = 600",
        "GRANT USAGE ON COMPUTE POOL p TO APPLICATION SFDCR_room",
        "GRANT USAGE ON WAREHOUSE APP_WH TO APPLICATION SFDCR_room",
    ]
    assert not create(account).created
    assert len(account.sent) == 5


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"min_nodes": 2}, "min_nodes: 1, not 2"),
        ({"nodes": 3}, "max_nodes: 2, not 3"),
        ({"auto_suspend_seconds": 60}, "auto_suspend_secs: 600, not 60"),
        ({"collaboration": "other"}, "application: SFDCR_ROOM, not SFDCR_OTHER"),
    ],
)
def test_a_pool_that_is_there_otherwise_is_told_by_what_differs(more: dict[str, Any], said: str) -> None:
    with pytest.raises(ConflictError) as caught:
        create(Account(**POOL), **more)
    assert caught.value.differences == (said,)
    # What serves another room is not to be dropped for this one.
    assert ("pool drop P" in str(caught.value.fix)) is ("collaboration" not in more)
    assert str(caught.value.fix).startswith("another name: cleanroom-ml pool create NAME --family CPU_X64_XS")


@pytest.mark.parametrize(
    ("given", "found"),
    [((3, None, None), (3, 3)), ((None, 1, 4), (1, 4)), ((None, None, None), (1, 1)), ((None, 2, None), (2, 2))],
)
def test_the_bounds_of_a_pool(given: Any, found: tuple[int, int]) -> None:
    assert pools.bounds(*given) == found


def test_bounds_that_contradict_one_another_are_refused() -> None:
    with pytest.raises(UsageError):
        pools.bounds(2, 1, None)
    with pytest.raises(UsageError, match="at least 3 and at most 2"):
        create(Account(), min_nodes=3)


@pytest.mark.parametrize(
    ("change", "state", "sent"),
    [
        (pools.suspend_pool, "IDLE", ["ALTER COMPUTE POOL P SUSPEND"]),
        (pools.suspend_pool, "SUSPENDED", []),
        (pools.resume_pool, "SUSPENDED", ["ALTER COMPUTE POOL P RESUME"]),
        (pools.resume_pool, "ACTIVE", []),
    ],
)
def test_a_pool_is_suspended_and_resumed_once(change: Any, state: str, sent: list[str]) -> None:
    account = Account(**POOL | {"state": state})
    change(account, "p")
    assert account.sent == sent
    with pytest.raises(UsageError, match="no compute pool q"):
        change(account, "q")
