"""USAGE on a compute pool ends with the pool: another one made under its name is another one."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from jobs_harness import FakeFronts

from cleanroom_ml.engine.assembly.job_ports import SessionPools
from cleanroom_ml.engine.jobs import store
from cleanroom_ml.engine.jobs.service import JobService
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.storage.storage import Storage

OPTIONS = {"MIN_NODES": 1, "MAX_NODES": 1, "INSTANCE_FAMILY": "CPU_X64_XS"}


@dataclass(frozen=True)
class Acme:
    """What `SessionPools` asks of a session."""

    account: str = "ACME"
    role: str = "ACCOUNTADMIN"


@pytest.fixture
def storage(home):
    storage = Storage.open(home, (store.SCHEMA,))
    storage.accounts.create("ACME", "ANA", password="a long password of Ana's")
    storage.namespaces.create_database("ACME", "SFDCR_ROOM", "application")
    yield storage
    storage.close()


@pytest.fixture
def service(home, storage):
    return JobService(home, storage.database, FakeFronts(home))


def usage(storage):
    return storage.warehouses.has_usage("ACME", "COMPUTE POOL", "POOL", "SFDCR_ROOM")


def test_a_dropped_pool_takes_its_grants_along(storage, service):
    pools = SessionPools(service, storage)
    pools.create(Acme(), "POOL", OPTIONS, None)
    storage.warehouses.grant_usage("ACME", "COMPUTE POOL", "POOL", "SFDCR_ROOM")
    assert pools.drop(Acme(), "POOL")
    pools.create(Acme(), "POOL", OPTIONS, None)
    assert not usage(storage)


def test_without_that_the_next_pool_would_have_them(storage, service):
    service.pools.create("ACME", "POOL", OPTIONS)
    storage.warehouses.grant_usage("ACME", "COMPUTE POOL", "POOL", "SFDCR_ROOM")
    service.pools.drop("ACME", "POOL")
    service.pools.create("ACME", "POOL", OPTIONS)
    assert usage(storage)


def test_a_drop_that_is_refused_takes_nothing(storage, service):
    pools = SessionPools(service, storage)
    storage.warehouses.grant_usage("ACME", "COMPUTE POOL", "POOL", "SFDCR_ROOM")
    with pytest.raises(SqlError, match="does not exist"):
        pools.drop(Acme(), "POOL")
    assert usage(storage)
