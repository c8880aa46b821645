"""One engine for the whole room: what it is put together of is looked at, and little of it is used."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cleanroom_ml.engine.assembly import engine as app
from cleanroom_ml.engine.assembly.memory_shares import GIB
from cleanroom_ml.engine.home.paths import open_home
from cleanroom_ml.engine.jobs import families


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[app.Engine]:
    """An engine on a machine of 8 GiB."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (families, app):
            patch.setattr(module, "total_memory", lambda: 8 * GIB)
        made = app.Engine(open_home(tmp_path_factory.mktemp("assembly") / "home"))
        pem = rsa.generate_private_key(65537, 2048).public_key()
        text = pem.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        made.storage.accounts.create("ACME", "ANA", public_key_pem=text)
        yield made
        made.close()
