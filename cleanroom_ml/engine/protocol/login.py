"""The login request, and its answer (connector: `auth/_auth.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cleanroom_ml.naming import fold

from .bodies import section, text
from .errors import LOGIN_FAILED, WireError, bad_request, success

PASSWORD = "SNOWFLAKE"
KEY_PAIR = "SNOWFLAKE_JWT"
OAUTH = "OAUTH"

SERVER_VERSION = "9.0.0"

_MAX_SESSION_PARAMETERS = 100


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """Who wants in, and how they prove it.

    Names are folded. `secret` is a password or a token and never leaves this value.
    """

    account: str
    user: str
    authenticator: str
    secret: str = field(repr=False)
    database: str | None = None
    schema: str | None = None
    warehouse: str | None = None
    role: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)


def parse_login(query: Mapping[str, str], body: dict[str, object]) -> LoginRequest:
    """The login request of a URL's query and a body.

    Raises:
        WireError: it is malformed, or asks for an authenticator that does not exist here.
    """
    data = section(body, "data")
    authenticator = (text(data, "AUTHENTICATOR") or PASSWORD).upper()
    if authenticator not in (PASSWORD, KEY_PAIR, OAUTH):
        raise WireError(
            LOGIN_FAILED, "This engine accepts passwords and key pairs; other authenticators it does not know."
        )
    secret = text(data, "PASSWORD" if authenticator == PASSWORD else "TOKEN", limit=16384)
    account, user = text(data, "ACCOUNT_NAME", limit=255), text(data, "LOGIN_NAME", limit=255)
    if not secret or not account or not user:
        raise bad_request("A login needs an account, a user and a credential.")
    parameters = section(data, "SESSION_PARAMETERS")
    if len(parameters) > _MAX_SESSION_PARAMETERS:
        raise bad_request("Too many session parameters.")
    return LoginRequest(
        account=_folded("account", account),
        user=_folded("user", user),
        authenticator=authenticator,
        secret=secret,
        database=_optional("database", query.get("databaseName")),
        schema=_optional("schema", query.get("schemaName")),
        warehouse=_optional("warehouse", query.get("warehouse")),
        role=_optional("role", query.get("roleName")),
        parameters={str(name).upper()[:255]: parameter_text(value)[:4096] for name, value in parameters.items()},
    )


def login_response(
    *,
    token: str,
    master_token: str,
    session_validity: int,
    master_validity: int,
    session_number: int,
    parameters: list[dict[str, object]],
    session_info: dict[str, str | None],
) -> dict[str, object]:
    """The answer to a login that succeeded. `session_number` is what CURRENT_SESSION() shows."""
    return success(
        {
            "token": token,
            "masterToken": master_token,
            "validityInSeconds": session_validity,
            "masterValidityInSeconds": master_validity,
            "displayUserName": "",
            "serverVersion": SERVER_VERSION,
            "firstLogin": False,
            "sessionId": session_number,
            "parameters": parameters,
            "sessionInfo": session_info,
            "idToken": None,
            "idTokenValidityInSeconds": 0,
            "responseData": None,
            "mfaToken": None,
            "mfaTokenValidityInSeconds": 0,
        }
    )


def parameter_text(value: object) -> str:
    """A session parameter as the text that the session keeps: booleans as Snowflake writes them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _folded(what: str, name: str) -> str:
    try:
        return fold(name)
    except ValueError as error:
        raise WireError(LOGIN_FAILED, f"The {what} is not a valid name.") from error


def _optional(what: str, name: str | None) -> str | None:
    return _folded(what, name) if name else None
