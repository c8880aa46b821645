"""The `data` of an answer to a query (connector.

`cursor._init_result_and_meta`, `result_batch.create_batches_from_response`).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.sql.types.sql_type import SqlType

from .parameters import query_parameters

CHUNK_HEADER: Final = "x-cleanroom-chunk"
MULTI_STATEMENT_TYPE: Final = 0xA000
MULTI_STATEMENT_COLUMN: Final = "multiple statement execution"
MULTI_STATEMENT_MESSAGE: Final = "Multiple statements executed successfully."

_STATS: Final = {
    "inserted": "numRowsInserted",
    "deleted": "numRowsDeleted",
    "updated": "numRowsUpdated",
    "duplicates": "numDmlDuplicates",
}


@dataclass(frozen=True, slots=True)
class SessionView:
    """What a session has become by a statement, for the client's own bookkeeping."""

    database: str | None
    schema: str | None
    warehouse: str | None
    role: str | None
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a result that the client fetches itself: where, how many rows, how many bytes."""

    url: str
    rows: int
    size: int


@dataclass(frozen=True, slots=True)
class Reply:
    """The body of an answer, and the address by which its client reaches us: there may be URLs in it."""

    base_url: str
    content: bytes


def arrow_data(
    rowtype: Sequence[Mapping[str, object]], total: int, first: bytes, chunks: Sequence[Chunk], capability: str
) -> dict[str, object]:
    """A result in Arrow.

    `first` is the first batch, always sent inline where there are rows at all: a client that starts with
    remote chunks only can deadlock (docs/measured-facts.md). `capability` is echoed with each chunk's request."""
    return {
        "rowtype": list(rowtype),
        "rowsetBase64": base64.b64encode(first).decode("ascii"),
        "total": total,
        "returned": total,
        "queryResultFormat": "arrow",
        **_chunked(chunks, capability),
    }


def text_data(
    rowtype: Sequence[Mapping[str, object]],
    total: int,
    first: Sequence[Sequence[str | None]],
    chunks: Sequence[Chunk],
    capability: str,
) -> dict[str, object]:
    """A query's result as texts: the first rows inline, and `chunks` as in `arrow_data`."""
    return {
        "rowtype": list(rowtype),
        "rowset": first,
        "total": total,
        "returned": total,
        "queryResultFormat": "json",
        **_chunked(chunks, capability),
    }


def _chunked(chunks: Sequence[Chunk], capability: str) -> dict[str, object]:
    if not chunks:
        return {}
    return {
        "chunks": [
            {"url": chunk.url, "rowCount": chunk.rows, "uncompressedSize": chunk.size, "compressedSize": chunk.size}
            for chunk in chunks
        ],
        "chunkHeaders": {CHUNK_HEADER: capability},
    }


def json_data(
    rowtype: Sequence[Mapping[str, object]],
    rows: Sequence[Sequence[str | None]],
    counts: Mapping[str, int] | None = None,
) -> dict[str, object]:
    """A small result as texts. `counts`: what the statement did to rows, by the fields of `RowCounts`."""
    stats: dict[str, object] = {"stats": {_STATS[name]: count for name, count in counts.items()}} if counts else {}
    return stats | {
        "rowtype": list(rowtype),
        "rowset": [list(row) for row in rows],
        "total": len(rows),
        "returned": len(rows),
        "queryResultFormat": "json",
    }


def finished(data: dict[str, object], *, query_id: str, statement_type: int, session: SessionView) -> dict[str, object]:
    """`data` with what every finished statement tells."""
    return data | {
        "queryId": query_id,
        "statementTypeId": statement_type,
        "sqlState": None,
        "finalDatabaseName": session.database,
        "finalSchemaName": session.schema,
        "finalWarehouseName": session.warehouse,
        "finalRoleName": session.role,
        "databaseProvider": None,
        "numberOfBinds": 0,
        "arrayBindSupported": True,
        "version": 1,
        "parameters": query_parameters(session.parameters),
    }


def multi_statement_data(query_ids: Sequence[str], statement_types: Sequence[int]) -> dict[str, object]:
    """The result of several statements: the client fetches each by its id."""
    column = SqlType("VARCHAR").wire(MULTI_STATEMENT_COLUMN, nullable=False)
    return json_data([column], [[MULTI_STATEMENT_MESSAGE]]) | {
        "resultIds": ",".join(query_ids),
        "resultTypes": ",".join(str(kind) for kind in statement_types),
    }
