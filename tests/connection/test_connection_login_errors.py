"""Why a login came to nothing: refused, badly set, not the address meant, or not reached; each with what helps."""

from __future__ import annotations

import pytest
from snowflake.connector.errors import (
    DatabaseError,
    Error,
    ForbiddenError,
    HttpError,
    NonRetryableTlsError,
    OperationalError,
    ProgrammingError,
    RevocationCheckError,
)

from cleanroom_ml.connection.errors import from_connector


@pytest.mark.parametrize(
    ("error", "what", "helps"),
    [
        (OperationalError(msg="x", errno=290404), "there is no such account at this address", "`account` and `host`"),
        (HttpError(msg="404 Not Found", errno=290003), "there is no such account at this address", "`account`"),
        (ForbiddenError(msg="403", errno=250001), "the address refused the login", "network policy"),
        (OperationalError(msg="x", errno=254007), "the certificate of the address was not accepted", "`host`"),
        (RevocationCheckError(msg="x", errno=1), "the certificate of the address was not accepted", "`host`"),
        (NonRetryableTlsError(msg="x"), "the certificate of the address was not accepted", "`host`"),
        (
            DatabaseError(msg="Failed to connect to DB. MFA authentication failed: h:1. x", errno=250001),
            "the account refused the login",
            "PASSCODE",
        ),
        (DatabaseError(msg="something else"), "the target cannot be reached", "connection explain"),
        (OperationalError(msg="x", errno=251011), "the target cannot be reached", "connection explain"),
        (ProgrammingError(msg="x", errno=251005), "the connection's settings cannot be used", "connection explain"),
        (DatabaseError(msg="x", errno=390201), "the account refused the login", "`warehouse`"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Error) else "",
)
def test_why_a_login_came_to_nothing(error: Error, what: str, helps: str) -> None:
    """The kinds and numbers: the connector's `errors.py` and `errorcode.py`; MFA: its `auth/_auth.py`."""
    ours = from_connector(error, connecting=True)
    assert (ours.exit_code, ours.what) == (3, what)
    assert helps in str(ours.fix)
