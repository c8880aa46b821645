"""A session of a test, as a client would use it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.binds import Binds, Variant
from cleanroom_ml.engine.sql.types.sql_type import parse_type
from cleanroom_ml.engine.statements.executor import Executor
from cleanroom_ml.engine.statements.results import Spooled, StatementResult
from cleanroom_ml.engine.storage.keys import Key
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage


@dataclass
class Client:
    """One session, as a client would use it."""

    storage: Storage
    executor: Executor
    session: Session

    def result(self, text: str, *values: Any, **options: Any) -> StatementResult:
        binds = options.pop("binds", None) or (Binds.of(*values) if values else None)
        options.setdefault("query_id", str(uuid.uuid4()))
        return self.executor.execute(self.session, text, binds=binds, **options)

    def rows(self, text: str, *values: Any, **options: Any) -> list[tuple[Any, ...]]:
        result = self.result(text, *values, **options)
        if isinstance(result, Rows):
            return [tuple(_shown(value) for value in row) for row in result.rows]
        assert isinstance(result, Spooled), result
        return spooled_rows(result)

    def dicts(self, text: str, *values: Any) -> list[dict[str, Any]]:
        result = self.result(text, *values)
        assert isinstance(result, Rows)
        return [dict(zip((name for name, _ in result.columns), row, strict=True)) for row in result.rows]

    def recorded(self, text: str, request_id: str, *values: Any) -> list[tuple[Any, ...]]:
        """As the front does it: the request is recorded before it runs, and a repeated one is not run."""
        query_id = str(uuid.uuid4())
        record, _ = self.storage.queries.start(query_id, self.session.id, request_id, "hash")
        return self.rows(text, *values, query_id=record.query_id, request_id=request_id)

    def put(self, stage: str, path: str, data: bytes, session_id: str | None = None) -> str:
        """A file in a stage of the current schema, as an upload leaves it there."""
        key = Key(self.session.account, self.session.database or "", self.session.schema or "", stage)
        sha256 = self.storage.objects.put_bytes(data)
        self.storage.stages.put_file(key, path, sha256, len(data), "0" * 32, session_id=session_id)
        return sha256


def _shown(value: Any) -> Any:
    """A VARIANT as the wire shows it."""
    return parse_type("VARIANT").record.write(value) if isinstance(value, Variant) else value


def spooled_rows(result: Spooled) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    data = result.path.read_bytes()
    for batch in result.batches:
        table = pa.ipc.open_stream(data[batch.offset : batch.offset + batch.length]).read_all()
        assert table.num_rows == batch.rows
        rows += list(zip(*(values(table, number) for number in range(table.num_columns)), strict=True))
    assert len(rows) == result.rows
    return rows


def values(table: pa.Table, number: int) -> list[Any]:
    """A column as the connector gives it to Python: decimals that travel as 64-bit numbers are decimals again."""
    field, found = table.schema.field(number), table.column(number).to_pylist()
    scale = int(field.metadata[b"scale"])
    if field.metadata[b"logicalType"] != b"FIXED" or not scale or not pa.types.is_int64(field.type):
        return found
    return [None if value is None else Decimal(value).scaleb(-scale) for value in found]
