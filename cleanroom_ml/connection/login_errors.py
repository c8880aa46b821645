"""Why a login came to nothing: the account refused it, the connection's settings cannot be used, or nobody was reached.

The account's own numbers are 39xxxx (the connector's `network.py` and the documentation of the authenticators name
some); 251xxx are the connector's own, raised before anything is sent; HTTP 403 and 404 come from what stands before the
accounts. Only what is left was not reached.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from cleanroom_ml.errors import ConnectError

if TYPE_CHECKING:
    from snowflake.connector.errors import Error

_EXPLAIN: Final = "cleanroom-ml connection explain  shows what is sent, and where it comes from"
_SERVERS: Final = range(390_000, 400_000)
_SETTINGS: Final = range(251_000, 252_000)
_TIMED_OUT: Final = frozenset({251_011, 251_012})
"""Of 251xxx, what is no setting: a login that timed out, or that the connector would try again."""
_TLS: Final = range(254_000, 255_000)
_HTTP_NOT_FOUND: Final = frozenset({290_404, 404})

_KEY: Final = "ALTER USER <user> SET RSA_PUBLIC_KEY = '<the key of private_key_file>'; or check user and account of it"
_TOKEN: Final = "put a token that is valid into `token` or `token_file_path`"
_ROLE: Final = "--role ROLE, or `role` of the connection, with one that is granted: SHOW GRANTS TO USER <user>"
_ABOUT_ROLE: Final = re.compile(r"\b[Rr]ole '?[\w\"$]+'? (?:specified in the connect string )?does not exist")
# The connector puts the address before what the account says; both are told elsewhere.
_FAILED: Final = re.compile(r"\AFailed to connect to DB: \S+:\d+[.,] ")
_MFA: Final = "cleanroom-ml … with SNOWFLAKE_PASSCODE, or allow the login on the second device"
_HELP: Final = {
    390_100: "check user and password: " + _EXPLAIN,
    390_144: _KEY,
    390_189: _ROLE,
    390_195: "log in again; `client_store_temporary_credential = true` keeps the token that the browser gives",
    390_201: "check `database`, `schema` and `warehouse`: " + _EXPLAIN,
    390_303: _TOKEN,
    390_318: _TOKEN,
    390_422: "a network policy of the account or the user does not allow this address: ask its administrator",
}
_MFA_NUMBERS: Final = frozenset({390_120, 390_123, 390_126, 390_127, 390_128, 390_129, 390_132, 390_133, 394_507})
_JWT_NUMBERS: Final = range(394_300, 394_310)


def login_error(error: Error, said: str) -> ConnectError:
    """Our error for one that the connector raised while it connected; `said` is its text, bounded."""
    from snowflake.connector import errors as connector_errors

    number, lines = error.errno or -1, _FAILED.sub("", said).strip().splitlines()
    why = lines[0] if lines else None
    if number in _SERVERS:
        fix = _ROLE if _ABOUT_ROLE.search(why or "") else _help(number)
        return ConnectError("the account refused the login", why=why, fix=fix)
    if number in _HTTP_NOT_FOUND or isinstance(error, connector_errors.HttpError):
        return ConnectError(
            "there is no such account at this address", why=why, fix="check `account` and `host`: " + _EXPLAIN
        )
    if isinstance(error, connector_errors.ForbiddenError):
        fix = "check `account`, and whether a network policy allows this address: " + _EXPLAIN
        return ConnectError("the address refused the login", why=why, fix=fix)
    if number in _SETTINGS and number not in _TIMED_OUT:
        return ConnectError("the connection's settings cannot be used", why=why, fix=_EXPLAIN)
    if number in _TLS or isinstance(
        error, connector_errors.RevocationCheckError | connector_errors.NonRetryableTlsError
    ):
        return ConnectError("the certificate of the address was not accepted", why=why, fix="check `host`: " + _EXPLAIN)
    if type(error) is connector_errors.DatabaseError and "MFA authentication failed" in said:
        return ConnectError("the account refused the login", why=why, fix=_MFA)
    return ConnectError("the target cannot be reached", why=why, fix=_EXPLAIN)


def _help(number: int) -> str:
    if number in _JWT_NUMBERS:
        return _KEY
    return _MFA if number in _MFA_NUMBERS else _HELP.get(number, _EXPLAIN)
