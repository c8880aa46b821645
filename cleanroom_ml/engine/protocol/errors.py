"""What a client is told when something is refused (codes.

Snowflake-connector-python, `network.py` and `errorcode.py`).
"""

from __future__ import annotations

from typing import Final

LOGIN_FAILED: Final = 390100
NAME_NOT_FOUND: Final = 390201
LOGIN_THROTTLED: Final = 390102
NOT_LOGGED_IN: Final = 390104
SESSION_GONE: Final = 390111
SESSION_TOKEN_EXPIRED: Final = 390112
MASTER_TOKEN_UNKNOWN: Final = 390113
JWT_INVALID: Final = 390144
OAUTH_TOKEN_INVALID: Final = 390303
BAD_REQUEST: Final = 390400
QUERY_IN_PROGRESS: Final = 333333
QUERY_DETACHED: Final = 333334

CONNECTION_REFUSED_STATE: Final = "08001"


class WireError(Exception):
    """A request that the protocol refuses. `str(error)` is the message that the client sees.

    Args:
        code: Snowflake's error number.
        message: what is wrong; never a secret, never a value of a row.
        sqlstate: five characters.
        status: the HTTP status. 200 where the connector expects to read `success: false` from the body.
    """

    def __init__(
        self,
        code: int,
        message: str,
        *,
        sqlstate: str = CONNECTION_REFUSED_STATE,
        status: int = 200,
        query_id: str = "",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.sqlstate = sqlstate
        self.status = status
        self.query_id = query_id

    def payload(self) -> dict[str, object]:
        """The JSON body."""
        return failure(self.code, self.message, self.sqlstate, self.query_id or None)


def bad_request(message: str, *, status: int = 400) -> WireError:
    """A request that no client of ours sends."""
    return WireError(BAD_REQUEST, message, sqlstate="08000", status=status)


def failure(code: int, message: str, sqlstate: str, query_id: str | None = None) -> dict[str, object]:
    """The JSON body of a refusal, as the connector reads it: a six-digit code, `success: false`.

    A PUT that the connector repeats for one of its files may be refused too. It does not look at `success` then, only
    for the URL, and without one it makes its own (`stages.py`). So every refusal names one that leads nowhere, which no
    client knows how to open, and which says why: it is what the client's error quotes.
    """
    text = f"{code:06d}"
    data: dict[str, object] = {
        "errorCode": text,
        "sqlState": sqlstate,
        "queryId": query_id,
        "internalError": False,
        "line": -1,
        "pos": -1,
        "type": "COMPILATION",
        "stageInfo": {"presignedUrl": f"refused: {message}"},
    }
    return {"data": data, "code": text, "message": message, "success": False, "headers": None}


def success(data: object = None, *, code: str | None = None, message: str | None = None) -> dict[str, object]:
    """The JSON body of an answer."""
    return {"data": data, "code": code, "message": message, "success": True}
