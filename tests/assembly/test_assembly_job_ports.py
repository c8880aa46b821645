"""Compute pools as statements ask for them: made, changed and dropped by name, and refused by the clean room's errors.

sql-reference/sql/create-compute-pool, alter-compute-pool, show-compute-pools, show-compute-pool-instance-families.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cleanroom_ml.engine.assembly.engine import Engine
from cleanroom_ml.engine.assembly.job_ports import SYSTEM_POOL, RoomLauncher, SessionPools, refusals
from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.jobs.errors import ComputePoolError, MLJobResultTooLargeError
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.sessions import Session

pytestmark = pytest.mark.sandbox

OPTIONS = {"MIN_NODES": 1, "MAX_NODES": 1, "INSTANCE_FAMILY": "CPU_X64_XS"}
POOL = Thing("COMPUTE POOL", name="P")


@pytest.fixture
def pools(engine: Engine) -> Iterator[SessionPools]:
    made = SessionPools(engine.jobs, engine.storage)
    yield made
    made.drop(engine.storage.sessions.create("ACME", "ANA")[0], "P", if_exists=True)


@pytest.fixture
def session(engine: Engine) -> Session:
    engine.storage.roles.create("ACME", "MAKER", owner="ACCOUNTADMIN", if_exists="ignore")
    return engine.storage.sessions.create("ACME", "ANA", role="MAKER")[0]


def state(rows: Rows, name: str) -> str | None:
    """The state of a pool, None where it is not there."""
    names = [column for column, _ in rows.columns]
    found = [dict(zip(names, row, strict=True)) for row in rows.rows]
    return next((str(row["state"]) for row in found if row["name"] == name), None)


def test_a_pool_is_its_makers_until_it_is_dropped(engine: Engine, pools: SessionPools, session: Session) -> None:
    pools.create(session, "P", OPTIONS, None)
    assert engine.storage.grants.owner("ACME", POOL) == "MAKER"
    pools.create(session, "P", OPTIONS, None, if_not_exists=True)
    with pytest.raises(SqlError, match="ComputePoolError"):
        pools.create(session, "P", OPTIONS, None)
    with pytest.raises(SqlError, match="OR REPLACE"):
        pools.create(session, "P", OPTIONS, None, or_replace=True)
    assert state(pools.describe(session, "P"), "P") == state(pools.show(session, "p%"), "P") is not None
    assert pools.drop(session, "P")
    assert engine.storage.grants.owner("ACME", POOL) == "ACCOUNTADMIN"
    assert not pools.drop(session, "P", if_exists=True)
    for refused in (lambda: pools.drop(session, "P"), lambda: pools.describe(session, "P")):
        with pytest.raises(SqlError, match="ComputePoolError"):
            refused()


def test_a_pool_is_altered_by_what_is_documented_and_nothing_else(pools: SessionPools, session: Session) -> None:
    pools.create(session, "P", OPTIONS, None)
    pools.alter(session, "P", "suspend", {})
    assert state(pools.show(session), "P") == "SUSPENDED"
    pools.alter(session, "P", "RESUME", {})
    assert state(pools.show(session), "P") != "SUSPENDED"
    pools.alter(session, "P", "STOP ALL", {})
    pools.alter(session, "P", "SET", {"MAX_NODES": 2})
    described = pools.describe(session, "P")
    names = [column for column, _ in described.columns]
    assert dict(zip(names, described.rows[0], strict=True))["max_nodes"] == 2
    with pytest.raises(SqlError, match="ALTER COMPUTE POOL MODIFY"):
        pools.alter(session, "P", "MODIFY", {})
    with pytest.raises(SqlError, match="ComputePoolError"):
        pools.alter(session, "NONE", "RESUME", {})


def test_every_account_has_the_systems_pool_without_making_it(pools: SessionPools, session: Session) -> None:
    """developer-guide/snowpark-container-services/working-with-compute-pool, "System compute pools"."""
    for _ in range(2):
        assert state(pools.describe(session, SYSTEM_POOL), SYSTEM_POOL) is not None
        assert state(pools.show(session), SYSTEM_POOL) is not None
    assert any("CPU_X64_S" in row for row in pools.show_families(session).rows)


def test_a_refusal_has_its_name_and_whatever_helps() -> None:
    with pytest.raises(SqlError) as refused, refusals():
        raise ComputePoolError("no such pool", why="nobody made it", fix="CREATE COMPUTE POOL")
    assert refused.value.message == "ComputePoolError: no such pool; nobody made it; CREATE COMPUTE POOL"
    with pytest.raises(SqlError, match="MLJobResultTooLargeError: 7 MiB"), refusals():
        raise MLJobResultTooLargeError("7 MiB")
    with pytest.raises(LookupError), refusals():
        raise LookupError("a defect of ours is none of the clean room's errors")


def test_of_a_job_that_is_not_there_nothing_is_told(engine: Engine) -> None:
    launcher = RoomLauncher(engine.jobs)
    assert launcher.list("ACME", "room") == []
    for ask in (launcher.request, launcher.status, launcher.logs, launcher.tail, launcher.events, launcher.usage):
        with pytest.raises(LookupError):
            ask("job-nobody")
