"""What a statement gives back, before the protocol room puts it on the wire."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final

from cleanroom_ml.engine.sql.types.sql_type import SqlType, parse_type
from cleanroom_ml.engine.storage.keys import Key
from cleanroom_ml.engine.warehouse.pool import Spooled

# The connector knows a result by these (snowflake/connector/cursor.py, STATEMENT_TYPE_ID_*): 0x3000 to 0x3500 make the
# row count the sum of the counts, and everything else the number of rows.
SELECT: Final = 0x1000
INSERT: Final = 0x3100
UPDATE: Final = 0x3200
DELETE: Final = 0x3300
MERGE: Final = 0x3400
COPY: Final = 0x3000 + 0x600
SESSION: Final = 0x4000
TRANSACTION: Final = 0x5400
DDL: Final = 0x6000
SHOW: Final = 0x4100
DESCRIBE: Final = 0x4200
LIST: Final = 0x4300
REMOVE: Final = 0x7300
CALL: Final = 0x8000
PUT: Final = 0x7100
GET: Final = 0x7200

VARCHAR: Final = SqlType("VARCHAR")


@dataclass(frozen=True, slots=True)
class Rows:
    """A small result by value. `affected`: how many rows a DML changed, else None.

    Values are None, bool, int, float, Decimal, str, bytes, date, time, datetime, and what JSON knows for VARIANT.
    """

    columns: tuple[tuple[str, SqlType], ...]
    rows: Sequence[tuple[Any, ...]]
    statement_type: int = SELECT
    affected: int | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    """PUT: the client sends its files `source` (its own path or pattern) into `directory` (`""` or `a/b/`) of a stage.

    `session_id` is set when `stage` is a temporary stage of that session.
    """

    stage: Key
    session_id: str | None
    directory: str
    source: str
    parallel: int = 4
    auto_compress: bool = True
    source_compression: str = "AUTO_DETECT"
    overwrite: bool = False
    statement_type: int = PUT


@dataclass(frozen=True, slots=True)
class StagedDownload:
    """One file of a GET: its path in the stage, and the object that holds it."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Download:
    """GET: the client takes `files` into its own directory `target`."""

    stage: Key
    session_id: str | None
    target: str
    files: tuple[StagedDownload, ...]
    parallel: int = 4
    statement_type: int = GET


StatementResult = Rows | Spooled | Upload | Download


def statement_type(result: StatementResult) -> int:
    """The wire's statementTypeId; a spooled result is always a SELECT's."""
    return SELECT if isinstance(result, Spooled) else result.statement_type


def stamped(result: StatementResult, wire: int | None) -> StatementResult:
    """A result with the statement type of its kind; None: with its own."""
    if wire is None or isinstance(result, Spooled) or result.statement_type == wire:
        return result
    return replace(result, statement_type=wire)


def success(message: str = "Statement executed successfully.") -> Rows:
    """The one-line answer of a statement that has no data."""
    return Rows((("status", VARCHAR),), ((message,),), DDL)


def encode(rows: Rows) -> str:
    """`rows` as the JSON text that a commit records, to answer a repeated request with."""
    return json.dumps(
        {
            "rows": {
                "columns": [[name, str(kind)] for name, kind in rows.columns],
                "rows": [[_plain(value) for value in row] for row in rows.rows],
                "statement_type": rows.statement_type,
                "affected": rows.affected,
            }
        },
        ensure_ascii=False,
    )


def decode(text: str) -> Rows | None:
    """What `encode` wrote; None where the text is another's (the front replaces it by what it sends to the client)."""
    outer = json.loads(text)
    inner = outer.get("rows") if isinstance(outer, dict) else None
    if not isinstance(inner, dict) or not inner.keys() >= {"columns", "rows", "statement_type", "affected"}:
        return None
    return Rows(
        tuple((name, parse_type(kind)) for name, kind in inner["columns"]),
        tuple(tuple(_value(value) for value in row) for row in inner["rows"]),
        inner["statement_type"],
        inner["affected"],
    )


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return {"$": "datetime", "v": value.isoformat()}
        case date():
            return {"$": "date", "v": value.isoformat()}
        case time():
            return {"$": "time", "v": value.isoformat()}
        case Decimal():
            return {"$": "decimal", "v": str(value)}
        case bytes():
            return {"$": "bytes", "v": base64.b64encode(value).decode("ascii")}
        case dict() | list() | tuple():
            return {"$": "json", "v": json.dumps(value, default=str)}
        case _:
            return value


def _value(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    text = value["v"]
    match value["$"]:
        case "datetime":
            return datetime.fromisoformat(text)
        case "date":
            return date.fromisoformat(text)
        case "time":
            return time.fromisoformat(text)
        case "decimal":
            return Decimal(text)
        case "bytes":
            return base64.b64decode(text)
        case _:
            return json.loads(text)
