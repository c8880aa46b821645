"""The handler that runs inside of the sandbox of a party's procedure: its code, and a Snowpark Session that asks the
front for everything.

What it says is data to whoever reads it: a value of JSON, or the id of one of the statements that it sent itself.
"""

from __future__ import annotations

import json
import os
import socket
from typing import TypedDict

from snowflake.snowpark import DataFrame, Session

from cleanroom_ml.engine.sql.types.sql_type import parse_type
from cleanroom_ml.engine.warehouse import procedure_session, procedure_values
from cleanroom_ml.engine.warehouse.python_handlers import loaded
from cleanroom_ml.engine.warehouse.python_values import Plain
from cleanroom_ml.engine.warehouse.python_worker import place_imports, settle, text_of


class Request(TypedDict):
    """What the front asks: the procedure, its arguments as JSON, the names of the files after the line."""

    name: str
    handler: str
    body: str
    types: list[str]
    arguments: list[object]
    table: bool
    strict: bool
    silent: bool
    imports: list[str]
    zone: str


def handle(request: Request, fds: list[int]) -> dict[str, object]:
    """Calls the procedure. The answer has `value`, or `query` (the id of what gives the table), or `error`."""
    with socket.socket(fileno=fds[0]) as line:
        try:
            settle(request["zone"])
            os.environ["HOME"] = "/tmp"
            place_imports(request["imports"], fds[1:])
            arguments = [
                procedure_values.given(value, parse_type(name))
                for value, name in zip(request["arguments"], request["types"], strict=True)
            ]
            if request["strict"] and None in arguments:
                return {"value": None}
            handler = loaded(request["handler"], request["body"])
            session = procedure_session.opened(line)
            return _answer(handler(session, *arguments), session, table=request["table"])
        except BaseException as error:  # noqa: BLE001 - whatever a party's code raises, SystemExit included, is its error
            kind = "memory" if isinstance(error, MemoryError) else "python"
            text = {"kind": kind, "function": request["name"], "text": text_of(error, silent=bool(request["silent"]))}
            text["text"] = f"{text['text']}\n in function {request['name']} with handler {request['handler']}"
            return {"error": json.loads(json.dumps(text))}


def _answer(returned: Plain, session: Session, *, table: bool) -> dict[str, object]:
    if not table:
        return {"value": procedure_values.plain(returned)}
    if not isinstance(returned, DataFrame):
        raise TypeError(f"a procedure that RETURNS TABLE returns a DataFrame, not {type(returned).__name__}")
    return {"query": str(returned._execute_and_get_query_id())}
