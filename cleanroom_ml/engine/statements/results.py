"""What a statement gives back, before the protocol room puts it on the wire."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Final

from cleanroom_ml.engine.contracts.table import (
    DDL,
    GET,
    PUT,
    SELECT,
    RowCounts,
    Rows,
)
from cleanroom_ml.engine.sql.binds import Value, Variant
from cleanroom_ml.engine.sql.types.sql_type import SqlType, parse_type
from cleanroom_ml.engine.storage.keys import Key
from cleanroom_ml.engine.warehouse.outcomes import Spooled

VARCHAR: Final = SqlType("VARCHAR")


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


def success(message: str = "Statement executed successfully.", counts: RowCounts | None = None) -> Rows:
    """The one-line answer of a statement that has no data."""
    return Rows((("status", VARCHAR),), ((message,),), DDL, counts=counts)


def encode(rows: Rows) -> str:
    """`rows` as the JSON text that a commit records, to answer a repeated request with."""
    return json.dumps(
        {
            "rows": {
                "columns": [[name, str(kind)] for name, kind in rows.columns],
                "rows": [[plain(value) for value in row] for row in rows.rows],
                "statement_type": rows.statement_type,
                "affected": rows.affected,
                "counts": asdict(rows.counts) if rows.counts else None,
                "never_null": sorted(rows.never_null),
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
        tuple(tuple(typed(value) for value in row) for row in inner["rows"]),
        inner["statement_type"],
        inner["affected"],
        RowCounts(**inner["counts"]) if inner.get("counts") else None,
        frozenset(inner.get("never_null") or ()),
    )


def plain(value: object) -> object:
    """A value as what JSON knows; `typed` gives it back."""
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
        case Variant():
            return {"$": "variant", "v": str(value)}
        case dict() | list() | tuple():
            return {"$": "json", "v": json.dumps(value, default=str)}
        case _:
            return value


def typed(value: Value) -> Value:
    """The value that `plain` was given."""
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
        case "variant":
            return Variant(text)
        case _:
            parsed: Value = json.loads(text)
            return parsed
