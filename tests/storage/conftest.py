from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from storage_clock import MovingClock

from cleanroom_ml.engine.storage.keys import Column, Key, TableObject
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage


@pytest.fixture(scope="session")
def pem() -> str:
    key = rsa.generate_private_key(65537, 2048).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, pem: str) -> Path:
    """A home with an account, made once: what waits for the disk a hundred times is to copy it."""
    home = tmp_path_factory.mktemp("made") / "home"
    opened = Storage.open(home)
    opened.accounts.create("ACME", "ALICE", public_key_pem=pem)
    opened.namespaces.create_database("ACME", "DB")
    opened.close()
    return home


@pytest.fixture
def storage(home: Path, clock: MovingClock, made: Path) -> Iterator[Storage]:
    shutil.copytree(made, home)
    opened = Storage.open(home, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def session(storage: Storage) -> Session:
    return storage.sessions.create("ACME", "ALICE")[0]


@pytest.fixture
def other_session(storage: Storage) -> Session:
    return storage.sessions.create("ACME", "ALICE")[0]


@pytest.fixture
def key() -> Key:
    return Key("ACME", "DB", "PUBLIC", "T")


@pytest.fixture
def columns() -> tuple[Column, ...]:
    return (Column("ID", "NUMBER(38,0)", nullable=False), Column("V", "VARCHAR"))


@pytest.fixture
def stored(storage: Storage) -> Callable[[str], TableObject]:
    """Makes an object of a text."""

    def put(text: str) -> TableObject:
        return TableObject(storage.objects.put_bytes(text.encode()), rows=len(text), bytes=len(text))

    return put
