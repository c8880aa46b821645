"""Who gets a session: passwords and key pairs of users at the engine's address, a job's token at its own socket."""

from __future__ import annotations

import hashlib
import hmac
import logging
import threading
import time
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from cleanroom_ml.engine.home.logs import REFUSALS
from cleanroom_ml.engine.login.throttle import LoginThrottle
from cleanroom_ml.engine.protocol import jwt
from cleanroom_ml.engine.protocol.errors import (
    JWT_INVALID,
    LOGIN_FAILED,
    LOGIN_THROTTLED,
    NAME_NOT_FOUND,
    OAUTH_TOKEN_INVALID,
    WireError,
)
from cleanroom_ml.engine.protocol.login import KEY_PAIR, OAUTH, PASSWORD, LoginRequest
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.rights import Rights
from cleanroom_ml.engine.storage.roles import ADMIN
from cleanroom_ml.engine.storage.sessions import Session, Tokens
from cleanroom_ml.engine.storage.storage import Storage

logger = logging.getLogger(__name__)
refusals = logging.getLogger(REFUSALS)

JOB_SCHEMA: Final = "CLEANROOM"
MAX_PASSWORD_CHECKS: Final = 4
_VALIDATE: Final = "CLIENT_VALIDATE_DEFAULT_PARAMETERS"
"""A client that sets it wants no session that begins elsewhere than it asked for (connector: `connect`)."""
MAX_SESSIONS_OF_A_JOB: Final = 64

_WRONG = "Incorrect username or password was specified."


class WrongPassword(WireError):
    """A guess was wrong. `hold_seconds`: what its sender waits for the answer."""

    def __init__(self, error: WireError, hold_seconds: float) -> None:
        super().__init__(error.code, error.message)
        self.hold_seconds = hold_seconds


@dataclass(frozen=True, slots=True)
class JobIdentity:
    """As whom a job logs in, and where its session starts."""

    account: str
    user: str
    application: str
    warehouse: str


class JobIdentities(Protocol):
    """What the logins ask of the job pools. Raises LookupError for an unknown job."""

    def __call__(self, job_id: str) -> JobIdentity: ...


@dataclass(slots=True)
class JobTokens:
    """The SHA-256 of the token of each job that is alive. What is not in here opens nothing."""

    _hashes: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self, job_id: str, token_sha256: str) -> None:
        """From now on this token is the job's."""
        with self._lock:
            self._hashes[job_id] = token_sha256.lower()

    def close(self, job_id: str) -> None:
        """From now on the job has no token."""
        with self._lock:
            self._hashes.pop(job_id, None)

    def matches(self, job_id: str, token: str) -> bool:
        """Whether this is the token of the job; compared in constant time."""
        with self._lock:
            expected = self._hashes.get(job_id)
        given = hashlib.sha256(token.encode()).hexdigest()
        return expected is not None and hmac.compare_digest(expected, given)


class Logins:
    """Checks credentials and opens sessions. Blocking; a check of a password costs time and memory on purpose."""

    def __init__(
        self, storage: Storage, tokens: JobTokens, job_identity: JobIdentities, *, throttle: LoginThrottle | None = None
    ) -> None:
        self._storage = storage
        self._tokens = tokens
        self._job_identity = job_identity
        self._throttle = throttle or LoginThrottle()
        self._password_checks = threading.BoundedSemaphore(MAX_PASSWORD_CHECKS)

    def open(self, request: LoginRequest, *, job_id: str | None, sender: str = "") -> tuple[Session, Tokens]:
        """A session for who proved to be somebody.

        Args:
            job_id: the socket's, None at the engine's address.
            sender: who asks, as far as the machine knows: the failures of one are not another's.

        Raises:
            WrongPassword: hold the answer back.
            WireError: the credentials are wrong, do not belong here, or this sender guesses too fast.
        """
        if job_id is not None:
            return self._open_job(request, job_id)
        # Passwords only: nobody guesses a signature, so counting those would only let a stranger slow down the holder
        # of a key, and let failures that cost nothing push the counts of passwords out of the throttle's memory.
        guessable = request.authenticator == PASSWORD
        key = (sender, request.account, request.user)
        wait = self._throttle.wait_seconds(key) if guessable else 0.0
        if wait > 0:
            raise WireError(LOGIN_THROTTLED, f"Too many failed logins. Try again in {int(wait) + 1} seconds.")
        try:
            self._check_user(request)
        except WireError as error:
            refusals.warning("login refused: account %s, user %s, %s", request.account, request.user, error.code)
            if guessable:
                raise WrongPassword(error, self._throttle.failed(key)) from error
            raise
        if guessable:
            self._throttle.succeeded(key)
        request = self._with_defaults(request)
        roles = self._storage.roles
        if request.role is not None and request.role not in roles.available(request.account, request.user):
            raise WireError(LOGIN_FAILED, f"The role {request.role} does not exist or not authorized.")
        role = request.role or roles.default(request.account, request.user)
        rights = Rights.of_role(self._storage, request.account, role)
        database, schema = self._start(request, rights)
        warehouse = self._warehouse(request, rights)
        if request.parameters.get(_VALIDATE, "").lower() == "true":
            asked = {"database": request.database, "schema": request.schema, "warehouse": request.warehouse}
            got = {"database": database, "schema": schema, "warehouse": warehouse}
            for what, name in asked.items():
                if name is not None and got[what] is None:
                    raise WireError(NAME_NOT_FOUND, f"The requested {what} does not exist or not authorized.")
        session, tokens = self._storage.sessions.create(
            request.account,
            request.user,
            role=role,
            database=database,
            schema=schema,
            warehouse=warehouse,
            parameters=dict(request.parameters),
        )
        logger.info("login: account %s, user %s, session %s", session.account, session.user, session.id)
        return session, tokens

    def _with_defaults(self, request: LoginRequest) -> LoginRequest:
        """The request with what ALTER USER … SET DEFAULT_… says where it says nothing itself; a default role that the
        user has no longer is none.
        """
        user = self._storage.users.get(request.account, request.user)
        said = {} if user is None else user.settings
        role = said.get("DEFAULT_ROLE")
        if role not in self._storage.roles.available(request.account, request.user):
            role = None
        database, _, schema = said.get("DEFAULT_NAMESPACE", "").partition(".")
        place = (request.database, request.schema) if request.database else (database or None, schema or request.schema)
        return replace(
            request,
            role=request.role or role,
            warehouse=request.warehouse or said.get("DEFAULT_WAREHOUSE"),
            database=place[0],
            schema=place[1],
        )

    def _check_user(self, request: LoginRequest) -> None:
        if request.authenticator == PASSWORD:
            with self._password_checks:
                if not self._storage.accounts.verify_password(request.account, request.user, request.secret):
                    raise WireError(LOGIN_FAILED, _WRONG)
        elif request.authenticator == KEY_PAIR:
            key = self._storage.accounts.public_key(request.account, request.user)
            try:
                if key is None:
                    raise jwt.JwtRefusedError("no key is enrolled")
                jwt.verify(
                    request.secret, account=request.account, user=request.user, public_key_pem=key.pem, now=time.time()
                )
            except jwt.JwtRefusedError as error:
                refusals.warning("key pair refused: account %s, user %s: %s", request.account, request.user, error)
                raise WireError(JWT_INVALID, "JWT token is invalid.") from error
        else:
            raise WireError(OAUTH_TOKEN_INVALID, "Invalid OAuth access token.")

    def _open_job(self, request: LoginRequest, job_id: str) -> tuple[Session, Tokens]:
        refused = WireError(OAUTH_TOKEN_INVALID, "Invalid OAuth access token.")
        if request.authenticator != OAUTH or not self._tokens.matches(job_id, request.secret):
            refusals.warning("login refused at the socket of job %s", job_id)
            raise refused
        try:
            identity = self._job_identity(job_id)
        except LookupError as error:
            raise refused from error
        if (request.account, request.user) != (identity.account, identity.user):
            raise refused
        if len(self._storage.sessions.list(job_id=job_id)) >= MAX_SESSIONS_OF_A_JOB:
            raise WireError(LOGIN_FAILED, f"A job has at most {MAX_SESSIONS_OF_A_JOB} sessions at once.")
        session, tokens = self._storage.sessions.create(
            identity.account,
            identity.user,
            role=ADMIN,
            database=identity.application,
            schema=JOB_SCHEMA,
            warehouse=identity.warehouse,
            parameters=dict(request.parameters),
            kind="job",
            job_id=job_id,
        )
        logger.info("login: job %s, session %s", job_id, session.id)
        return session, tokens

    def _start(self, request: LoginRequest, rights: Rights) -> tuple[str | None, str | None]:
        """The database and schema that the session starts in.

        Those asked for, where they exist for its role, as Snowflake does it.
        """
        names = self._storage.namespaces
        if request.database is None or names.database_kind(request.account, request.database) != "standard":
            return None, None
        if not rights.sees(Thing("DATABASE", request.database)):
            return None, None
        schema = request.schema or "PUBLIC"
        there = names.schema_exists(request.account, request.database, schema)
        return request.database, schema if there and rights.sees(Thing("SCHEMA", request.database, schema)) else None

    def _warehouse(self, request: LoginRequest, rights: Rights) -> str | None:
        if request.warehouse is None:
            return None
        found = self._storage.warehouses.get(request.account, request.warehouse)
        there = found is not None and rights.sees(Thing("WAREHOUSE", name=found.name))
        return request.warehouse if there else None
