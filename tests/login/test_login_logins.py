"""Who gets a session: each way to be refused one, at the seam."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.engine.login import logins as module
from cleanroom_ml.engine.login.identity import EngineIdentity
from cleanroom_ml.engine.login.logins import JobTokens, Logins
from cleanroom_ml.engine.protocol.errors import WireError
from cleanroom_ml.engine.protocol.login import KEY_PAIR, OAUTH, PASSWORD, LoginRequest
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.local.home import ensure_home

WORD = "a long enough password"


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    opened = Storage.open(tmp_path / "home", [])
    opened.accounts.create("ALPHA", "ANN", password=WORD)
    yield opened
    opened.close()


def logins(storage: Storage, **jobs: SimpleNamespace) -> Logins:
    def identity(job_id: str) -> SimpleNamespace:
        return jobs[job_id]

    return Logins(storage, JobTokens(), identity)  # type: ignore[arg-type]


def refused(made: Logins, request: LoginRequest, job_id: str | None = None) -> str:
    with pytest.raises(WireError) as caught:
        made.open(request, job_id=job_id, sender="here")
    return caught.value.message


def test_each_wrong_proof_is_refused_and_a_sender_who_guesses_waits(storage: Storage) -> None:
    made = logins(storage)
    asked = LoginRequest("ALPHA", "ANN", PASSWORD, WORD)
    assert refused(made, LoginRequest("ALPHA", "ANN", KEY_PAIR, "no token")) == "JWT token is invalid."
    assert refused(made, LoginRequest("ALPHA", "ANN", OAUTH, "t" * 43)) == "Invalid OAuth access token."
    assert refused(made, LoginRequest("ALPHA", "ANN", "EXTERNALBROWSER", WORD)) == "Invalid OAuth access token."
    made._throttle.wait_seconds = lambda key: 7.5 if key == ("here", "ALPHA", "ANN") else 0.0  # type: ignore[method-assign]
    assert refused(made, asked) == "Too many failed logins. Try again in 8 seconds."
    session, _ = made.open(asked, job_id=None, sender="elsewhere")
    assert session.user == "ANN"


@pytest.mark.parametrize("what", ["database", "schema", "warehouse"])
def test_who_wants_its_defaults_checked_is_told_which_is_not_there(storage: Storage, what: str) -> None:
    """Connector: `validate_default_parameters` sends CLIENT_VALIDATE_DEFAULT_PARAMETERS."""
    storage.namespaces.create_database("ALPHA", "D")
    asked = {"database": "D", "schema": "PUBLIC", "warehouse": "APP_WH", what: "NOWHERE"}
    validated = {module._VALIDATE: "true"}
    request = LoginRequest("ALPHA", "ANN", PASSWORD, WORD, parameters=validated, **asked)
    assert refused(logins(storage), request) == f"The requested {what} does not exist or not authorized."
    assert logins(storage).open(LoginRequest("ALPHA", "ANN", PASSWORD, WORD, **asked), job_id=None)
    right = {"database": "D", "warehouse": "APP_WH"}
    assert logins(storage).open(
        LoginRequest("ALPHA", "ANN", PASSWORD, WORD, parameters=validated, **right), job_id=None
    )


@pytest.mark.attack
def test_a_jobs_token_opens_sessions_of_its_job_alone(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    storage.namespaces.create_database("ALPHA", "SFDCR_C", "application")
    job = SimpleNamespace(account="ALPHA", user="ANN", application="SFDCR_C", warehouse="APP_WH")
    made = logins(storage, JOB_A=job)
    token, other = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    for job_id, each in (("JOB_A", token), ("JOB_GONE", other)):
        made._tokens.open(job_id, hashlib.sha256(each.encode()).hexdigest())
    right = LoginRequest("ALPHA", "ANN", OAUTH, token)
    for request, at in (
        (LoginRequest("ALPHA", "ANN", PASSWORD, WORD), "JOB_A"),  # a person's password
        (LoginRequest("ALPHA", "ANN", OAUTH, other), "JOB_A"),  # another job's token
        (LoginRequest("ALPHA", "ANN", OAUTH, other), "JOB_GONE"),  # of a job that nobody knows
        (LoginRequest("BETA", "ANN", OAUTH, token), "JOB_A"),
        (LoginRequest("ALPHA", "BOB", OAUTH, token), "JOB_A"),
        (right, None),  # not at its own socket
    ):
        assert refused(made, request, at) == "Invalid OAuth access token.", request
    monkeypatch.setattr(module, "MAX_SESSIONS_OF_A_JOB", 1)
    session, _ = made.open(right, job_id="JOB_A")
    assert (session.job_id, session.database) == ("JOB_A", "SFDCR_C")
    assert refused(made, right, "JOB_A") == "A job has at most 1 sessions at once."
    with monkeypatch.context() as patch:  # without the control any token opens it
        patch.setattr(JobTokens, "matches", lambda self, job_id, secret: True)
        patch.setattr(module, "MAX_SESSIONS_OF_A_JOB", 9)
        assert made.open(LoginRequest("ALPHA", "ANN", OAUTH, other), job_id="JOB_A")[0].job_id == "JOB_A"


def test_an_engine_signs_for_its_own_address_and_proper_questions_alone(tmp_path: Path) -> None:
    home: Home = ensure_home(tmp_path / "home")
    made = EngineIdentity(home)
    made.listens_at = "127.0.0.1:20000"
    nonce = secrets.token_urlsafe(32)
    assert made.answer(nonce, "127.0.0.1:20000")["home_id"] == EngineIdentity(home).home_id
    for asked, address in ((nonce, "127.0.0.1:20001"), ("short", made.listens_at), (nonce + "\n", made.listens_at)):
        with pytest.raises(WireError):
            made.answer(asked, address)
    home.identity_key.write_bytes(_another_kind_of_key())
    with pytest.raises(ValueError, match="not an Ed25519 key"):
        EngineIdentity(home)


def _another_kind_of_key() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
