"""Query requests, and what is said about a query that still runs (connector: `connection.cmd_query`)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cleanroom_ml.engine.sql.binds import StagedRows
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.tokens import STRING, Token, tokenize

from .bindings import Bindings, parse_bindings
from .bodies import section, text
from .errors import QUERY_DETACHED, QUERY_IN_PROGRESS, WireError, bad_request, success
from .login import parameter_text
from .stages import transfer_verb

MAX_SQL_TEXT = 4 << 20
_MAX_BODY_TEXT = 1 << 30
"""Bodies are bounded before they are read."""
_LONGEST_READ = 200
"""Characters: clients send these statements as they were written for them, and other texts are none of them."""
_LONGEST_STAGE = 1024
_BIND_STAGE = re.compile(r"@([A-Za-z_][A-Za-z0-9_$]{0,254})/([A-Za-z0-9_.-]{1,255})/?\Z")
_ANY = ""
_RESULT_SCAN = ("SELECT", "*", "FROM", "TABLE", "(", "RESULT_SCAN", "(", _ANY, ")", ")")
_CANCEL_ALL = ("SELECT", "SYSTEM$CANCEL_ALL_QUERIES", "(", _ANY, ")")
_CANCEL_ONE = ("SELECT", "SYSTEM$CANCEL_QUERY", "(", _ANY, ")")
_LONG_NAME = re.compile("[_$]")
"""Of what these statements are told by: no other text is cut into tokens for it."""


@dataclass(frozen=True, slots=True)
class Cancellation:
    """`SYSTEM$CANCEL_ALL_QUERIES(session)` (Snowpark sends it when it closes) or `SYSTEM$CANCEL_QUERY('id')`."""

    session_id: str | None = None
    query_id: str | None = None


@dataclass(frozen=True, slots=True)
class QueryRequest:
    """One query request. `request_id` is the client's: a retry carries the same one.

    `statements` is MULTI_STATEMENT_COUNT, 0 for any number; None: the request does not say, and the session's holds.
    `parameters` hold for this statement only. `asynchronous`: the client asks for the outcome later. PUT and GET never
    are: what the client is to move stands in the answer.
    """

    request_id: str
    sql: str
    bindings: Bindings | None = None
    asynchronous: bool = False
    describe_only: bool = False
    statements: int | None = 1
    parameters: Mapping[str, str] = field(default_factory=dict)
    moves_files: bool = True
    """Whether the client moves the files of a PUT or GET, if it is one."""


def moves_files(headers: Mapping[str, str]) -> bool:
    """Whether the sender of a request took its text for a PUT or GET, or may have: Python's connector looks at how the
    text begins, and then asks for another form of the answer (connector: `network.request`, `sfsql_file_transfer`).
    """
    agent, wanted = headers.get("user-agent", ""), headers.get("accept", "")
    return not (agent.startswith("PythonConnector/") and wanted == "application/snowflake")


def parse_query(query: Mapping[str, str], body: dict[str, object], *, moves_files: bool = True) -> QueryRequest:
    """The query request of a URL's query and a body; `moves_files`: as its headers say.

    Raises:
        WireError: it is malformed.
    """
    sql = text(body, "sqlText", limit=_MAX_BODY_TEXT)
    if sql is None:
        raise bad_request("A query request needs sqlText.")
    if len(sql) > MAX_SQL_TEXT:  # anybody may write it: an error of the statement, which no client sends again
        message = f"SQL compilation error:\nThe text has more than {MAX_SQL_TEXT >> 20} MiB: put the rows into a stage."
        raise WireError(1003, message, sqlstate="42000")
    bindings = parse_bindings(section(body, "bindings"))
    stage = text(body, "bindStage", limit=_LONGEST_STAGE)
    if stage:
        if bindings is not None:
            raise bad_request("Values are bound in the request or through a stage, not both.")
        bindings = Bindings(staged=_staged(stage))
    parameters = {str(name).upper(): parameter_text(value) for name, value in section(body, "parameters").items()}
    said = parameters.pop("MULTI_STATEMENT_COUNT", None)
    count = None if said is None else statement_count(said)
    if said is not None and count is None:
        raise bad_request("MULTI_STATEMENT_COUNT is not a number.")
    return QueryRequest(
        request_id=checked_uuid(query.get("requestId"), "requestId"),
        sql=sql,
        bindings=bindings,
        asynchronous=body.get("asyncExec") is True and transfer_verb(sql) is None,
        describe_only=body.get("describeOnly") is True,
        statements=count,
        parameters=parameters,
        moves_files=moves_files,
    )


def statement_count(text: str) -> int | None:
    """What a MULTI_STATEMENT_COUNT says; None: it is no number."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else None


def _staged(stage: str) -> StagedRows:
    """Where a driver has put the rows of a batch (connector: `bind_upload_agent`): `@STAGE/directory`.

    Raises:
        WireError: it is written in another way.
    """
    found = _BIND_STAGE.match(stage)
    if found is None:
        raise bad_request("bindStage is not @STAGE/directory.")
    return StagedRows((found.group(1).upper(),), f"{found.group(2)}/")


def parse_abort(body: dict[str, object]) -> str:
    """The request id of the query that an abort request is about. Raises WireError where it has none."""
    return checked_uuid(text(body, "requestId", limit=64), "requestId")


def checked_uuid(value: str | None, what: str) -> str:
    """The canonical text of a UUID. Raises WireError where it is none."""
    try:
        return str(uuid.UUID(value or ""))
    except ValueError as error:
        raise bad_request(f"{what} is not a UUID.") from error


def scanned_result(sql: str) -> str | None:
    """The query id of `select * from table(result_scan('<id>'))`.

    How clients collect the result of an asynchronous query.
    """
    return _query_id(_argument(sql, _RESULT_SCAN))


def cancellation(sql: str) -> Cancellation | None:
    """What the statement cancels; None where it is another statement."""
    session = _argument(sql, _CANCEL_ALL)
    if session is not None:
        value = session.value() if session.kind == STRING else session.text
        return Cancellation(session_id=value) if value.isdecimal() and len(value) <= 20 else None
    query_id = _query_id(_argument(sql, _CANCEL_ONE))
    return None if query_id is None else Cancellation(query_id=query_id)


def _argument(sql: str, shape: Sequence[str]) -> Token | None:
    """The token in the place of `_ANY`, where the statement is of this shape."""
    if len(sql) > _LONGEST_READ or next(filter(_LONG_NAME.search, shape)) not in sql.upper():
        return None
    try:
        tokens = tokenize(sql)
    except SqlError:
        return None  # it is sent on, and whoever reads it as a statement says what is wrong
    if tokens and tokens[-1].text == ";":
        tokens.pop()
    if len(tokens) != len(shape):
        return None
    if any(part not in (_ANY, token.upper) for part, token in zip(shape, tokens, strict=True)):
        return None
    return tokens[shape.index(_ANY)]


def _query_id(token: Token | None) -> str | None:
    value = token.value().lower() if token is not None and token.kind == STRING else ""
    return value if len(value) == 36 and not set(value) - set("0123456789abcdef-") else None


def in_progress(query_id: str, *, asynchronous: bool) -> dict[str, object]:
    """The answer about a query that still runs: the client asks again at `getResultUrl`."""
    code = QUERY_DETACHED if asynchronous else QUERY_IN_PROGRESS
    data = {
        "queryId": query_id,
        "getResultUrl": f"/queries/{query_id}/result",
        "queryAbortsAfterSecs": 300,
        "progressDesc": None,
    }
    return success(data, code=str(code), message="Query execution in progress.")


def query_status(query_id: str, status: str, *, error: tuple[int, str] | None = None) -> dict[str, object]:
    """The answer to a question after a query's state. `error` is the code and message of one that failed."""
    entry: dict[str, object] = {"id": query_id, "status": status, "state": status}
    if error is not None:
        entry |= {"errorCode": f"{error[0]:06d}", "errorMessage": error[1]}
    return success({"queries": [entry]})


def unknown_query() -> dict[str, object]:
    """The answer about a query that there is not, or that this session may not know of."""
    return success({"queries": []})
