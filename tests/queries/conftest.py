"""A real catalog with two accounts, and a service of queries over it; what runs statements is the test's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from queries_statements import SECONDS, Statements, opened

from cleanroom_ml.engine.protocol.capabilities import Capabilities
from cleanroom_ml.engine.queries.answers import Answers
from cleanroom_ml.engine.queries.service import QueryService
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    storage = Storage.open(tmp_path_factory.mktemp("queries") / "home")
    key = rsa.generate_private_key(65537, 2048).public_key()
    public = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    for account in ("ALPHA", "BETA"):
        storage.accounts.create(account, f"{account}_USER", public_key_pem=public)
        storage.namespaces.create_database(account, "D")
    yield storage
    storage.close()


@pytest.fixture
def statements(storage: Storage) -> Statements:
    return Statements(storage.queries.spool)


@pytest.fixture
def service(storage: Storage, statements: Statements) -> Iterator[QueryService]:
    made = QueryService(storage, statements, Answers(storage.queries.spool, Capabilities(bytes(32))))
    yield made
    statements.over.set()
    assert made.close(SECONDS)


@pytest.fixture
def session(storage: Storage) -> Session:
    return opened(storage)
