"""A room with three real accounts, on real storage, workers and renderer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from freeform_world import prepared
from rooms_world import (
    ADVERTISED,
    CODE_SPEC,
    COLLABORATION,
    HASH,
    JOB_TEMPLATE,
    OFFERING,
    PUBLIC_KEY,
    JobBook,
    Party,
    World,
)

from cleanroom_ml.engine.assembly.job_ports import RoomEnvironments
from cleanroom_ml.engine.assembly.procedures import ProcedureTable, RoomApplications, StatementRunner
from cleanroom_ml.engine.jobs.environments import Environments
from cleanroom_ml.engine.rooms.render import HANDLER, MEMORY_BYTES, PRELOAD, SandboxedRenderer
from cleanroom_ml.engine.rooms.rooms import Rooms
from cleanroom_ml.engine.rooms.schema import SCHEMA
from cleanroom_ml.engine.sandbox.policy import Limits
from cleanroom_ml.engine.sandbox.workers import SandboxedWorkers
from cleanroom_ml.engine.statements.executor import Executor
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.engine.warehouse.pool import Warehouse
from cleanroom_ml.engine.warehouse.python_functions import PythonFunctions


@pytest.fixture(scope="session")
def renderer() -> Iterator[SandboxedRenderer]:
    """Rendering as the engine does it."""
    with SandboxedWorkers(HANDLER, preload=PRELOAD, size=1, limits=Limits(memory_bytes=MEMORY_BYTES)) as workers:
        yield SandboxedRenderer(workers, seconds=5.0)


@pytest.fixture(scope="session")
def sql_workers() -> Iterator[SandboxedWorkers]:
    """SQL workers for all tests; each test has a warehouse of its own over them."""
    with SandboxedWorkers(
        "cleanroom_ml.engine.warehouse.worker:handle",
        preload=("duckdb", "pyarrow"),
        size=1,
        limits=Limits(memory_bytes=1 << 30, scratch_bytes=1 << 28, file_bytes=1 << 28, open_files=1024),
        name="warehouse",
    ) as workers:
        yield workers


@pytest.fixture(scope="session")
def functions() -> Iterator[PythonFunctions]:
    """The processes of functions in Python, for all tests: none are started before one is called."""
    made = PythonFunctions(1)
    yield made
    made.close()


@pytest.fixture
def world(
    tmp_path: Path, renderer: SandboxedRenderer, sql_workers: SandboxedWorkers, functions: PythonFunctions
) -> Iterator[World]:
    """Three accounts that have nothing to do with each other yet, over the real statements and warehouse."""
    with made_world(tmp_path, renderer, sql_workers, functions) as world:
        yield world


@contextmanager
def made_world(
    tmp_path: Path, renderer: SandboxedRenderer, sql_workers: SandboxedWorkers, functions: PythonFunctions
) -> Iterator[World]:
    """`world`, for a fixture of another scope."""
    storage = Storage.open(tmp_path / "home", [SCHEMA])
    warehouse = Warehouse(
        storage.objects, tmp_path / "home" / "spool", memory_bytes=1 << 30, workers=sql_workers, functions=functions
    )
    jobs = JobBook()
    runner = StatementRunner(storage, warehouse)
    # No index: what the tests install are wheels of the code directory.
    environments = Environments(storage.home, storage.objects, environ={"PIP_NO_INDEX": "1"})
    rooms = Rooms(storage, runner, renderer, jobs, RoomEnvironments(environments))
    table = ProcedureTable(rooms)
    executor = Executor(
        storage,
        warehouse,
        procedures=table,
        room_catalogs=rooms.job_catalog,
        applications=RoomApplications(rooms),
        shared=rooms.freeform,
    )
    runner.executor = executor
    made = World(storage, rooms, jobs, runner)
    for account in ("PUBLISHER", "ADVERTISER", "STRANGER"):
        storage.accounts.create(account, "ANN", public_key_pem=PUBLIC_KEY)
        session, _ = storage.sessions.create(account, "ANN")
        session.warehouse = "COMPUTE_WH"
        made.parties[account] = Party(table, session, executor)
    yield made
    storage.close()


@pytest.fixture
def joined(world: World) -> World:
    """The collaboration `lookalike`: the publisher owns it and provides, the advertiser runs; both have joined and
    linked.
    """
    return join(world)


def join(world: World) -> World:
    """`joined`, for a fixture of another scope."""
    rows = {"EMAIL_HASH": [HASH, "b" * 64], "CITY": ["Oslo", None], "SECRET": ["s1", "s2"]}
    for account in ("PUBLISHER", "ADVERTISER"):
        world.table(account, "CUSTOMERS", rows)
    world.publisher.call("REGISTER_DATA_OFFERING", OFFERING)
    world.advertiser.call("REGISTER_DATA_OFFERING", ADVERTISED)
    world.publisher.call("INITIALIZE", COLLABORATION, "COMPUTE_WH")
    world.advertiser.call("REVIEW", "lookalike", "LOCAL.PUBLISHER")
    world.advertiser.call("JOIN", "lookalike")
    world.publisher.call("LINK_DATA_OFFERING", "lookalike", "sales_v1", ["adv"])
    world.advertiser.call("LINK_DATA_OFFERING", "lookalike", "redeemers_v1", ["adv"])
    return world


@pytest.fixture(scope="session")
def free(
    tmp_path_factory: pytest.TempPathFactory,
    renderer: SandboxedRenderer,
    sql_workers: SandboxedWorkers,
    functions: PythonFunctions,
) -> Iterator[World]:
    """One table of the publisher's under each policy for free-form SQL, which the advertiser queries."""
    with made_world(tmp_path_factory.mktemp("free"), renderer, sql_workers, functions) as world:
        yield prepared(join(world))


@pytest.fixture
def submitted(joined: World) -> World:
    """The publisher has sent the template `train_v1` with its code; nobody else has said anything."""
    joined.stage("PUBLISHER", {"model/train.py": "print(1)\n", "model/lib/util.py": "x = 1\n"})
    joined.publisher.call("REGISTER_CODE_SPEC", CODE_SPEC)
    joined.publisher.call("REGISTER_TEMPLATE", JOB_TEMPLATE)
    joined.publisher.call("ADD_TEMPLATE_REQUEST", "lookalike", "train_v1", ["adv"])
    return joined
