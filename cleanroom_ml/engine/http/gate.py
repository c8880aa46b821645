"""The one way in: every request is authenticated here, before a handler, and by default it needs a session.

Deny by default: what a path needs is decided by `access_of`, for every path that there is and every path that there
is not.
Three paths are open; nothing else is.
"""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from cleanroom_ml.engine.http.transfers import InThread
from cleanroom_ml.engine.load.owners import Owner, owner
from cleanroom_ml.engine.protocol.capabilities import Capabilities, CapabilityExpiredError, CapabilityRefusedError
from cleanroom_ml.engine.protocol.errors import (
    MASTER_TOKEN_UNKNOWN,
    NOT_LOGGED_IN,
    SESSION_GONE,
    SESSION_TOKEN_EXPIRED,
    WireError,
    bad_request,
)
from cleanroom_ml.engine.protocol.results import CHUNK_HEADER
from cleanroom_ml.engine.storage.errors import SessionGone, TokenExpired
from cleanroom_ml.engine.storage.sessions import Session

LOGIN_PATH: Final = "/session/v1/login-request"
IDENTITY_PATH: Final = "/cleanroom/identity"
HEALTH_PATH: Final = "/cleanroom/health"
RENEW_PATH: Final = "/session/token-request"
ADMIN_PREFIX: Final = "/cleanroom/admin/"
CHUNK_PREFIX: Final = "/chunks/"
UPLOAD_PREFIX: Final = "/stage/upload/"
DOWNLOAD_PREFIX: Final = "/stage/download/"

OPEN: Final = frozenset({("POST", LOGIN_PATH), ("GET", IDENTITY_PATH), ("GET", HEALTH_PATH)})

MAX_HEADERS: Final = 64

# What a job calls us is its own loopback address: 8099 in a sandbox, any free port where there is none.
_JOB_HOST = re.compile(r"(127\.0\.0\.1|localhost):[0-9]{1,5}\Z")
_TOKEN = re.compile(r'Snowflake Token="([A-Za-z0-9_-]{1,256})"\Z')


class Access(Enum):
    """What a request must bring."""

    OPEN = "nothing"
    SESSION = "a session token"
    MASTER = "a master token"
    OPERATOR = "the operator's secret"
    CHUNK = "the capability of a result"
    UPLOAD = "the capability of an upload"
    DOWNLOAD = "the capability of a download"


_PROVEN: Final = frozenset(Access) - {Access.OPEN, Access.MASTER}
"""A master token is looked at by the handler: who brings one has proved nothing yet."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request, as the gate found out. `base_url` is the address that the client reached us by.

    `audience` names the socket: a job's id at its own, empty at the engine's address. `secret` is the master token of a
    renewal.
    """

    access: Access
    base_url: str
    host: str
    audience: str
    session: Session | None = None
    claims: dict[str, object] = field(default_factory=dict)
    secret: str = field(default="", repr=False)

    @property
    def job_id(self) -> str | None:
        return self.audience or None

    @property
    def owner(self) -> Owner:
        """Whose load this request is: a capability tells for whom it was made."""
        return Owner(
            self.session.account if self.session is not None else str(self.claims.get("owner", "")), self.audience
        )


def access_of(method: str, path: str) -> Access:
    """What a request for this path must bring; a session, unless it is listed here."""
    if (method, path) in OPEN:
        return Access.OPEN
    if path == RENEW_PATH:
        return Access.MASTER
    for prefix, access in (
        (ADMIN_PREFIX, Access.OPERATOR),
        (CHUNK_PREFIX, Access.CHUNK),
        (UPLOAD_PREFIX, Access.UPLOAD),
        (DOWNLOAD_PREFIX, Access.DOWNLOAD),
    ):
        if path.startswith(prefix):
            return access
    return Access.SESSION


class Gate:
    """ASGI middleware. `scope["state"]["caller"]` is set for every request that gets through.

    Args:
        hosts: the values of `Host` answered to at the engine's address (DNS rebinding).
        session_of: the session of a session token; blocking, so it is awaited through `in_thread`.
        known: the same where it need not be looked up; None where it has to.
        operator_secret: hexadecimal text.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: frozenset[str],
        session_of: Callable[[str], Session],
        known: Callable[[str], Session | None],
        in_thread: InThread,
        capabilities: Capabilities,
        operator_secret: str,
    ) -> None:
        self._app = app
        self._hosts = hosts
        self._session_of = session_of
        self._known = known
        self._in_thread = in_thread
        self._capabilities = capabilities
        self._operator_secret = operator_secret.encode("ascii")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        try:
            caller = await self._admit(scope)
            connection = scope.get("state", {}).get("connection")
            if connection is not None and caller.access in _PROVEN:
                connection.belongs_to(caller.owner)
        except WireError as error:
            await JSONResponse(error.payload(), error.status)(scope, receive, send)
            return
        scope.setdefault("state", {})["caller"] = caller
        owner.set(caller.owner)
        await self._app(scope, receive, send)

    async def _admit(self, scope: Scope) -> Caller:
        job_id: str | None = scope.get("state", {}).get("job_id")
        headers = _headers(scope)
        host = headers.get("host", "").lower()
        if host not in self._hosts if job_id is None else not _JOB_HOST.match(host):
            raise bad_request("This engine does not answer to that host name.", status=421)
        if "origin" in headers:
            raise bad_request("Requests of web pages are not answered.", status=403)
        access = access_of(scope["method"], scope["path"])
        audience = job_id or ""
        session: Session | None = None
        claims: dict[str, object] = {}
        secret = ""
        match access:
            case Access.OPEN:
                if audience and scope["path"] != LOGIN_PATH:
                    raise _not_here()
            case Access.OPERATOR:
                self._check_operator(headers, audience)
            case Access.MASTER:
                secret = _token(headers)
            case Access.SESSION:
                session = await self._session(headers, job_id)
            case Access.CHUNK:
                claims = self._claims("chunk", headers.get(CHUNK_HEADER, ""), audience)
            case _:  # an upload, a download; and whatever comes to be, until it has a case of its own
                purpose = "upload" if access is Access.UPLOAD else "download"
                claims = self._claims(
                    purpose, scope["path"].removeprefix(f"/stage/{purpose}/").partition("/")[0], audience
                )
        return Caller(access, f"http://{host}", host, audience, session, claims, secret)

    async def _session(self, headers: dict[str, str], job_id: str | None) -> Session:
        token = _token(headers)
        try:
            known = self._known(token)
            session: Session = known if known is not None else await self._in_thread(self._session_of, token)
        except TokenExpired as error:
            raise WireError(SESSION_TOKEN_EXPIRED, "Session token has expired. Renew it.") from error
        except SessionGone as error:
            raise WireError(
                SESSION_GONE, "Session no longer exists. New login required to access the service."
            ) from error
        if session.job_id != job_id:
            raise WireError(SESSION_GONE, "Session no longer exists. New login required to access the service.")
        return session

    def _check_operator(self, headers: dict[str, str], audience: str) -> None:
        given = headers.get("authorization", "").removeprefix("Bearer ").encode("utf-8", "replace")
        if audience or not hmac.compare_digest(given, self._operator_secret):
            raise WireError(NOT_LOGGED_IN, "The operator's secret is needed.", status=401)

    def _claims(self, purpose: str, capability: str, audience: str) -> dict[str, object]:
        try:
            claims = self._capabilities.check(purpose, capability, now=time.time())
        except CapabilityExpiredError as error:
            # What the connector takes for "expired": it asks for another URL, and tries again.
            raise bad_request("This URL has expired.") from error
        except CapabilityRefusedError as error:
            raise _not_here() from error
        if claims.get("audience") != audience:
            raise _not_here()
        return claims


def master_token_refused() -> WireError:
    """The answer to a renewal with a token that renews nothing: the client must log in again."""
    return WireError(MASTER_TOKEN_UNKNOWN, "The session is gone. Log in again.")


def _not_here() -> WireError:
    return bad_request("Not found.", status=404)


def _token(headers: dict[str, str]) -> str:
    match = _TOKEN.match(headers.get("authorization", ""))
    if match is None:
        raise WireError(NOT_LOGGED_IN, "A session token is needed. Log in first.", status=401)
    return match.group(1)


def _headers(scope: Scope) -> dict[str, str]:
    """The headers by lower-case name. A name that decides something here may be there only once."""
    raw = scope["headers"]
    if len(raw) > MAX_HEADERS:
        raise bad_request("Too many headers.", status=431)
    headers: dict[str, str] = {}
    for name_bytes, value in raw:
        name = name_bytes.decode("latin-1").lower()
        if name in headers and name in ("host", "authorization", "content-length", "content-encoding", CHUNK_HEADER):
            raise bad_request(f"The header {name} is there twice.")
        headers[name] = value.decode("latin-1")
    return headers
