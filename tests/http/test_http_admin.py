"""What the operator asks for, at the seam: accounts that are made once, and never over somebody's."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cleanroom_ml.engine.home import no_isolation
from cleanroom_ml.engine.http import admin
from cleanroom_ml.engine.protocol.errors import WireError
from cleanroom_ml.engine.storage.storage import Storage


def key() -> str:
    public = rsa.generate_private_key(65537, 2048).public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_an_account_is_made_once_and_its_key_is_never_replaced(tmp_path: Path) -> None:
    storage = Storage.open(tmp_path)
    first, second = key(), key()
    ann = {"name": "ALPHA", "user": "ANN", "public_key": first}
    assert admin.create_account(storage, ann, True) == {"created": True, "same_key": True}
    assert admin.create_account(storage, ann, True) == {"created": False, "same_key": True}
    for other in ({"public_key": second}, {"public_key": None, "password": "long enough, too"}):
        assert admin.create_account(storage, {**ann, **other}, True) == {"created": False, "same_key": False}
    there = storage.accounts.public_key("ALPHA", "ANN")
    assert there is not None
    assert there.pem.split() == first.split()
    (listed,) = admin.list_accounts(storage)["accounts"]  # type: ignore[misc]
    assert (listed["name"], listed["users"]) == ("ALPHA", ["ANN"])
    wrongs = ({"public_key": "no key"}, {"name": ""}, {"user": ""}, {"name": "not a name\0"})
    for wrong in wrongs:
        with pytest.raises(WireError):
            admin.create_account(storage, {**ann, **wrong}, True)
    assert [account.name for account in storage.accounts.list()] == ["ALPHA"]
    storage.close()


def test_without_isolation_there_are_the_demos_accounts_alone(tmp_path: Path) -> None:
    storage = Storage.open(tmp_path)
    with pytest.raises(WireError, match="it has the demo's accounts only") as caught:
        admin.create_account(storage, {"name": "ALPHA", "user": "ANN", "password": "long enough"}, False)
    assert admin.refusal(caught.value) == {"message": caught.value.message}
    name = sorted(no_isolation.ACCOUNTS)[0]
    assert admin.create_account(storage, {"name": name, "user": "ANN", "password": "long enough"}, False)["created"]
    storage.close()
