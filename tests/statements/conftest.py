"""A real home with two accounts, ALPHA and BETA, a room's database, and an executor over real workers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from statements_client import Client
from statements_foreign import INSIDE, SETUP

from cleanroom_ml.engine.sandbox.workers import SandboxedWorkers
from cleanroom_ml.engine.statements.executor import Executor
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.engine.warehouse.pool import Warehouse, start_workers
from cleanroom_ml.engine.warehouse.python_functions import PythonFunctions


@pytest.fixture(scope="session")
def public_key() -> str:
    """A key is made once, a password is hashed for each account, and nobody logs in here."""
    key = rsa.generate_private_key(65537, 2048).public_key()
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, public_key: str) -> Path:
    """A home with both accounts, made once: what waits for the disk a hundred times is to copy it."""
    home = tmp_path_factory.mktemp("made") / "home"
    storage = Storage.open(home)
    for account in ("ALPHA", "BETA"):
        storage.accounts.create(account, f"{account}_USER", public_key_pem=public_key)
        storage.namespaces.create_database(account, f"{account}_DB")
    storage.namespaces.create_database("ALPHA", "SFDCR_ROOM", "application")
    storage.namespaces.create_schema("ALPHA", "SFDCR_ROOM", "CLEANROOM")
    storage.close()
    return home


@pytest.fixture
def storage(tmp_path: Path, made: Path) -> Iterator[Storage]:
    shutil.copytree(made, tmp_path / "home")
    storage = Storage.open(tmp_path / "home")
    yield storage
    storage.close()


@pytest.fixture(scope="session")
def workers() -> Iterator[SandboxedWorkers]:
    """Of all tests' warehouses: starting them takes longer than most tests do."""
    with start_workers() as started:
        yield started


@pytest.fixture(scope="session")
def functions() -> Iterator[PythonFunctions]:
    """The processes of functions in Python, for all tests: none are started before one is called."""
    started = PythonFunctions()
    yield started
    started.close()


@pytest.fixture
def warehouse(storage: Storage, workers: SandboxedWorkers, functions: PythonFunctions) -> Warehouse:
    return Warehouse(storage.objects, storage.queries.spool, workers=workers, functions=functions)


@pytest.fixture
def executor(storage: Storage, warehouse: Warehouse) -> Executor:
    return Executor(storage, warehouse)


def client(storage: Storage, executor: Executor, account: str) -> Client:
    session, _ = storage.sessions.create(
        account, f"{account}_USER", database=f"{account}_DB", schema="PUBLIC", warehouse="COMPUTE_WH"
    )
    return Client(storage, executor, session)


@pytest.fixture
def alpha(storage: Storage, executor: Executor) -> Client:
    return client(storage, executor, "ALPHA")


@pytest.fixture
def alpha_again(storage: Storage, executor: Executor) -> Client:
    """A second session of ALPHA."""
    return client(storage, executor, "ALPHA")


@pytest.fixture
def beta(storage: Storage, executor: Executor) -> Client:
    return client(storage, executor, "BETA")


@pytest.fixture
def admin(alpha: Client) -> Client:
    for text in SETUP:
        alpha.result(text)
    return alpha


@pytest.fixture
def reader(admin: Client, alpha_again: Client) -> Client:
    """Another session of the same user, whose role has nothing but the way in."""
    for text in INSIDE:
        admin.result(text)
    alpha_again.result("USE ROLE reader")
    return alpha_again
