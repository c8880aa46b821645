from __future__ import annotations

import base64
import hashlib
import statistics
import subprocess
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cleanroom_ml.engine.contracts.public_key import PublicKey
from cleanroom_ml.engine.storage import accounts as accounts_module
from cleanroom_ml.engine.storage.errors import AlreadyExists, InvalidName, NotFound
from cleanroom_ml.engine.storage.storage import Storage


def pem_of(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.fixture
def storage_with_password(storage: Storage) -> Storage:
    storage.accounts.create("WORD", "WILL", password="correct horse")
    return storage


def test_account_comes_with_user_warehouse_and_system_database(storage: Storage) -> None:
    storage.accounts.create("NEW", "BOB", password="b")
    assert [(account.name, account.users) for account in storage.accounts.list()] == [
        ("ACME", ("ALICE",)),
        ("NEW", ("BOB",)),
    ]
    assert [(d.name, d.kind) for d in storage.namespaces.databases("NEW")] == [
        ("SAMOOHA_BY_SNOWFLAKE_LOCAL_DB", "system")
    ]
    assert [warehouse.name for warehouse in storage.warehouses.list("NEW")] == ["APP_WH", "COMPUTE_WH"]
    with pytest.raises(AlreadyExists):
        storage.accounts.create("NEW", "EVE", password="e")


@pytest.mark.parametrize(("account", "user"), [("acme", "BOB"), ("A-B", "BOB"), ("", "BOB"), ("NEW", "bob\n")])
def test_names_are_folded_identifiers(storage: Storage, account: str, user: str) -> None:
    with pytest.raises(InvalidName):
        storage.accounts.create(account, user, password="b")


@pytest.mark.parametrize("password", [None, "", "x" * 257])
def test_account_needs_credentials(storage: Storage, password: str | None) -> None:
    with pytest.raises(ValueError):
        storage.accounts.create("NEW", "BOB", password=password)
    assert not storage.accounts.exists("NEW")


def test_passwords(storage_with_password: Storage, home: Path, pem: str) -> None:
    assert storage_with_password.accounts.verify_password("WORD", "WILL", "correct horse")
    storage_with_password.accounts.create("KEYED", "KIM", public_key_pem=pem)
    for account, user, password in [
        ("WORD", "WILL", "wrong"),
        ("WORD", "WILL", ""),
        ("WORD", "WILL", "x" * 1000),
        ("WORD", "NOBODY", "correct horse"),
        ("NOWHERE", "WILL", "correct horse"),
        ("KEYED", "KIM", ""),
        ("KEYED", "KIM", "-"),
    ]:
        assert not storage_with_password.accounts.verify_password(account, user, password)
    on_disk = b"".join(path.read_bytes() for path in home.glob("catalog.sqlite*"))
    assert b"correct horse" not in on_disk


@pytest.mark.slow
@pytest.mark.attack
def test_unknown_user_costs_what_a_wrong_password_costs(
    storage_with_password: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def seconds(user: str) -> float:
        def once() -> float:
            begin = time.thread_time()
            assert not storage_with_password.accounts.verify_password("WORD", user, "guess")
            return time.thread_time() - begin

        return statistics.median(once() for _ in range(3))

    assert 0.5 < seconds("NOBODY") / seconds("WILL") < 2
    monkeypatch.setattr(
        accounts_module,
        "password_matches",
        lambda stored, password: stored is not None and accounts_module.hash_password(password) == stored,
    )
    assert seconds("NOBODY") / seconds("WILL") < 0.5


def test_fingerprint_is_that_of_openssl(storage: Storage, pem: str) -> None:
    """As Snowflake documents: openssl rsa -pubin -outform DER | openssl dgst -sha256 -binary | openssl enc -base64."""
    storage.accounts.create("KEYED", "KIM", public_key_pem=pem)
    key = storage.accounts.public_key("KEYED", "KIM")
    assert key is not None
    body = "".join(pem.strip().splitlines()[1:-1])
    expected = base64.b64encode(hashlib.sha256(base64.b64decode(body)).digest()).decode()
    assert key.fingerprint == f"SHA256:{expected}"
    der = subprocess.run(
        ["openssl", "rsa", "-pubin", "-outform", "DER"], input=pem.encode(), capture_output=True, check=True
    ).stdout
    assert key.fingerprint == f"SHA256:{base64.b64encode(hashlib.sha256(der).digest()).decode()}"
    assert PublicKey.read(body) == key
    assert storage.accounts.public_key("ACME", "NOBODY") is None


@pytest.mark.parametrize("kind", ["elliptic", "short", "junk", "empty", "private"])
def test_only_rsa_of_2048_bits(storage: Storage, kind: str) -> None:
    text = {
        "elliptic": lambda: pem_of(ec.generate_private_key(ec.SECP256R1())),
        "short": lambda: pem_of(rsa.generate_private_key(65537, 1024)),
        "junk": lambda: "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        "empty": lambda: "",
        "private": lambda: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    }[kind]()
    with pytest.raises(ValueError):
        storage.accounts.create("KEYED", "KIM", public_key_pem=text)


def test_grants_to_applications(storage: Storage) -> None:
    storage.namespaces.create_database("ACME", "SFDCR_ROOM", "application")
    assert not storage.warehouses.has_usage("ACME", "WAREHOUSE", "COMPUTE_WH", "SFDCR_ROOM")
    for name, application in [("NO_WH", "SFDCR_ROOM"), ("COMPUTE_WH", "DB"), ("COMPUTE_WH", "NO_APP")]:
        with pytest.raises(NotFound):
            storage.warehouses.grant_usage("ACME", "WAREHOUSE", name, application)
    for _ in range(2):
        storage.warehouses.grant_usage("ACME", "WAREHOUSE", "COMPUTE_WH", "SFDCR_ROOM")
        storage.warehouses.grant_usage("ACME", "COMPUTE POOL", "POOL", "SFDCR_ROOM")
    assert [(g.kind, g.name) for g in storage.warehouses.grants("ACME", "SFDCR_ROOM")] == [
        ("COMPUTE POOL", "POOL"),
        ("WAREHOUSE", "COMPUTE_WH"),
    ]
    storage.warehouses.create("ACME", "COMPUTE_WH", if_exists="replace")
    assert not storage.warehouses.has_usage("ACME", "WAREHOUSE", "COMPUTE_WH", "SFDCR_ROOM")
    storage.namespaces.drop_database("ACME", "SFDCR_ROOM")
    storage.namespaces.create_database("ACME", "SFDCR_ROOM", "application")
    assert not storage.warehouses.has_usage("ACME", "COMPUTE POOL", "POOL", "SFDCR_ROOM")


def test_namespaces(storage: Storage) -> None:
    assert storage.namespaces.database_kind("ACME", "DB") == "standard"
    assert storage.namespaces.database_kind("ACME", "") is None
    assert storage.namespaces.database_kind("OTHER", "DB") is None
    assert [schema.name for schema in storage.namespaces.schemas("ACME", "DB")] == ["PUBLIC"]
    assert storage.namespaces.create_schema("ACME", "DB", "S")
    assert not storage.namespaces.create_schema("ACME", "DB", "S", if_exists="ignore")
    with pytest.raises(AlreadyExists):
        storage.namespaces.create_database("ACME", "SAMOOHA_BY_SNOWFLAKE_LOCAL_DB", if_exists="replace")
    with pytest.raises(NotFound):
        storage.namespaces.drop_database("ACME", "")
    with pytest.raises(NotFound):
        storage.namespaces.create_database("NOBODY", "X")
