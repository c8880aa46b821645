"""The handler that runs inside a warehouse's sandbox: one statement, or the queries of one session, one DuckDB, one
process.

It is handed DuckDB text, descriptors of exactly the objects that the text may read, and one descriptor to write.
Whatever the text says, there is nothing else here to be read. Its answer is treated as hostile by the front (pool.py):
it is data, never a message.
"""

from __future__ import annotations

import datetime
import gzip
import os
import re
from decimal import Decimal
from typing import Final, TypedDict

import duckdb
import pyarrow as pa

from cleanroom_ml.engine.sql.files.staged import REJECTS
from cleanroom_ml.engine.sql.types.sql_type import SqlType, from_duckdb
from cleanroom_ml.engine.sql.values.moments import TooFine
from cleanroom_ml.engine.sql.values.table import ERRORS
from cleanroom_ml.engine.warehouse import foreign, json_out, parquet_out, python_calls, spool, unspool
from cleanroom_ml.engine.warehouse.arrow_out import convert, wire_schema
from cleanroom_ml.engine.warehouse.confined import Database
from cleanroom_ml.engine.warehouse.depth import TooDeep, check, check_each
from cleanroom_ml.engine.warehouse.failing import failure, streamed, target_of
from cleanroom_ml.engine.warehouse.functions import without_pandas
from cleanroom_ml.engine.warehouse.outcomes import NO_TEXT, TOO_LONG
from cleanroom_ml.engine.warehouse.python_signature import Signature

FIRST_ROWS: Final = 2048
BATCH_ROWS: Final = 122_880
BATCH_BYTES: Final = 64 << 20
"""A table may have a thousand columns, or a document in each row: then fewer rows make a chunk."""

_KEPT: Final = frozenset({"query", "describe"})
"""After these another request may follow: what they give is the session's own, and nothing that is kept."""
_KEPT_ROWS: Final = 1 << 16
"""After a larger result the process ends with its memory."""
_VECTOR_ROWS: Final = 2048
_GUESSED_BYTES: Final = 1024
"""Of a value whose type does not bound it, a text: what is read at a time is cut by guesses, what is sent by bytes."""
_WIDTHS = re.compile(r"Expected Number of Columns: (\d{1,9}) Found: (\d{1,9})")


class Request(TypedDict, total=False):
    """What `pool.py` asks: `op`, the text with its token and how many inputs it has; the rest is by the op."""

    op: str
    sql: str
    token: str
    zone: str
    inputs: int
    columns: list[list[str]]
    operations: bool
    limit: int
    packed: bool
    functions: list[Signature]
    channel: int
    spooled: list[list[int]]
    texts: bool
    seconds: list[int | None]
    indent: int | None
    keep: bool
    quoting: bool
    foreign: dict[str, str]


class Handler:
    """Serves one request (`__call__`): `op` is query, rows, write or describe.

    `fds` are the inputs in marker order; query and write bring the output as the last one. The answer has `error` (a
    kind and details, see `failure`) or the op's result. Of queries that are to be kept (`keep`) it can serve more.
    """

    def __init__(self) -> None:
        self._ready: Database | None = None
        self._prepared = False
        self._again = False

    def open_once(self) -> None:
        """Open DuckDB before any request: 30 ms that no request waits for or pays. Every child has a copy of it, which
        ends with the child and is never closed: taking a database down takes longer than most queries.
        """
        without_pandas()
        self._ready = Database()
        _use(self._ready.connection)

    def prepare(self) -> None:
        """In the child: its threads, and a first use of the pages that it has a copy of."""
        if self._ready is not None:
            self._ready.start_threads()
            self._ready.offer()
            _use(self._ready.connection)
            self._prepared = True

    def again(self) -> bool:
        """Whether another request may come: the last one was a small query, and nothing went wrong."""
        return self._again

    def __call__(self, request: Request, fds: list[int]) -> dict[str, object]:
        self._again = False
        try:
            self._ready = self._ready or Database()
            if not self._prepared:
                self._ready.start_threads()
            self._prepared = True
            if not self._ready.can_take(
                request["inputs"]
            ):  # more than it was opened for: another one, for this request alone
                self._ready = Database()
                self._ready.start_threads()
            answer = _serve(request, fds, self._ready)
        except duckdb.Error as error:
            return {"error": failure(error, quoting=bool(request.get("quoting")))}
        except foreign.Unreadable:
            return {"error": {"kind": "file"}}
        except TooDeep:
            return {"error": {"kind": "depth"}}
        except TooFine:
            return {"error": {"kind": ERRORS[TooFine]}}
        except (pa.ArrowException, UnicodeDecodeError) as error:
            return {"error": {"kind": "conversion", "target": target_of(str(error))}}
        except MemoryError:
            return {"error": {"kind": "memory"}}
        except OSError as error:
            told = streamed(error)
            return {"error": {"kind": "disk"} if told is None else failure(told, quoting=bool(request.get("quoting")))}
        if request.get("keep") and self._ready.stays and request["op"] in _KEPT and "error" not in answer:
            total = answer.get("total", 0)
            self._again = isinstance(total, int) and total <= _KEPT_ROWS
            answer["again"] = self._again
        return answer


handle = Handler()


def _use(connection: duckdb.DuckDBPyConnection) -> None:
    """The whole way of a query once, to nowhere."""
    relation = connection.sql("SELECT CAST(1 AS BIGINT) AS a, 'a' AS b")
    types = [from_duckdb(str(found)) for found in relation.types]
    output = os.open(os.devnull, os.O_WRONLY)
    try:
        _spool(relation.to_arrow_reader(1), list(relation.columns), types, output)
    finally:
        os.close(output)


def _serve(request: Request, fds: list[int], database: Database) -> dict[str, object]:
    op = request["op"]
    connection = database.connection
    with (
        foreign.replaced(fds[: request["inputs"]], request.get("foreign", {})) as inputs,
        database.handed(inputs, _zone(request)) as paths,
    ):
        sql = re.sub(
            f"{re.escape(request['token'])}:([0-9]+):", lambda match: paths[int(match.group(1))], request["sql"]
        )
        written = "" if op != "write" else parquet_out.casting("", _names(request), request["columns"])
        database.register(f"{sql}{written}")
        if request.get("functions"):
            channel = None if "channel" not in request else fds[request["channel"]]
            python_calls.register(connection, request["functions"], python_calls.Channel(channel))
            database.stays = False  # the process of its functions ends with the statement
        if "spooled" in request:
            types = [text for _, text in request["columns"]]
            unspool.put(connection, unspool.table(fds[0], request["spooled"], types))
            database.stays = False  # they are in a table of its own
        if op == "write":
            names = _names(request)
            given = [str(found) for found in connection.sql(sql).types]
            if len(given) != len(names):
                return {"error": {"kind": "types"}}
            sql = parquet_out.casting(sql, names, request["columns"], given)
        found = _answered(request, sql, fds, connection)
        if _has_rejects(sql) and "error" not in found and "rejected" not in found:
            found["rejected"] = _rejected(connection)
            database.stays = False  # they are in a table of its own
        return found


def _has_rejects(sql: str) -> bool:
    return f"rejects_table='{REJECTS}'" in sql


_DAMAGES: Final = {"INVALID ENCODING": NO_TEXT, "INVALID UNICODE": NO_TEXT, "LINE SIZE OVER MAXIMUM": TOO_LONG}
"""DuckDB's words for what is wrong with a line, but for its number of fields and its quotes."""


def _rejected(connection: duckdb.DuckDBPyConnection) -> list[int]:
    """Of the lines of a CSV file that are no rows: how many, and of the first its line, and how many fields it has and
    should have (`Rejected`).
    """
    count = connection.sql(f"SELECT count(DISTINCT line) FROM {REJECTS}").fetchall()[0][0]
    first = connection.sql(f"SELECT line, error_message, error_type FROM {REJECTS} ORDER BY line LIMIT 1").fetchall()
    line, message, kind = first[0] if first else (0, "", "")
    widths = _WIDTHS.search(message)
    return (
        [int(count), int(line), *(int(each) for each in widths.groups())]
        if widths
        else [int(count), int(line), 0, _DAMAGES.get(str(kind).upper(), 0)]
    )


def _answered(request: Request, sql: str, fds: list[int], connection: duckdb.DuckDBPyConnection) -> dict[str, object]:
    op = request["op"]
    relation = connection.sql(sql)
    if relation is None:
        return {"error": {"kind": "no_result"}}
    names = list(relation.columns)
    types = [from_duckdb(str(found), of_file=bool(request.get("of_file"))) for found in relation.types]
    columns = [[name, str(found)] for name, found in zip(names, types, strict=True)]
    if op == "describe":
        return {"columns": columns}
    if op == "rows":
        found = relation.limit(request["limit"] + 1).fetchall()
        for number in (number for number, sql_type in enumerate(types) if sql_type.is_json):
            check_each(row[number] for row in found)
        return {"columns": columns, "rows": [[_plain(value) for value in row] for row in found]}
    if op == "write":
        return write(request, sql, types, fds[-1], connection)
    reader = relation.to_arrow_reader(_rows_at_a_time(types))
    if op == "query":
        batches, total = _spool(reader, names, types, fds[-1], request.get("indent", 2))
        texts = {"texts": json_out.append(fds[-1], batches, types, request["seconds"])} if request.get("texts") else {}
        return {"columns": columns, "batches": batches, "total": total, **texts}
    if op == "lines":
        return _lines(reader, fds[-1], packed=bool(request.get("packed")))
    raise ValueError(f"no such op: {op}")


def write(
    request: Request, sql: str, types: list[SqlType], output: int, connection: duckdb.DuckDBPyConnection
) -> dict[str, object]:
    """Whole numbers are written in 64 bits, from the start again in 128 where a column turns out to need them, and
    moments with nanoseconds likewise.
    """
    wide: frozenset[int] = frozenset()
    while True:
        # A cursor of its own: the one before may have a result that nobody reads to its end.
        cursor = connection.cursor()
        reader = cursor.sql(sql).to_arrow_reader(_rows_at_a_time(types))
        try:
            written = parquet_out.write(
                reader, request["columns"], output, operations=bool(request.get("operations")), wide=wide
            )
            return {**written, "rejected": _rejected(cursor)} if _has_rejects(sql) else written
        except parquet_out.TooWide as found:
            if found.column in wide:
                raise
            wide |= {found.column}
            os.ftruncate(output, 0)
            os.lseek(output, 0, os.SEEK_SET)


def _zone(request: Request) -> str:
    """The session's time zone; a name that could be anything else is UTC."""
    zone = request.get("zone", "UTC")
    return zone if re.fullmatch(r"[A-Za-z0-9_+/-]{1,64}", zone) else "UTC"


def _names(request: Request) -> list[str]:
    """What the columns are called that are written."""
    return [f"_{number}" for number in range(len(request["columns"]) + bool(request.get("operations")))]


def _lines(reader: pa.RecordBatchReader, output: int, *, packed: bool) -> dict[str, object]:
    """The one text column as lines. The time in gzip's header is none: the same rows are the same bytes."""
    rows = 0
    with open(output, "wb", closefd=False) as file:
        target = gzip.GzipFile("", "wb", 6, file, mtime=0) if packed else file
        for batch in reader:
            rows += batch.num_rows
            target.write("".join(f"{line}\n" for line in batch.column(0).to_pylist()).encode())
        if target is not file:
            target.close()
        file.flush()
    return {"rows": rows, "updated": 0, "joined": 0, "inserted": 0, "deleted": 0}


def _spool(
    reader: pa.RecordBatchReader, names: list[str], types: list[SqlType], output: int, indent: int | None = 2
) -> tuple[list[list[int]], int]:
    schema = wire_schema(names, types, reader.schema)
    with open(output, "wb", closefd=False) as file:
        writer = spool.SpoolWriter(file, schema, FIRST_ROWS, BATCH_ROWS, BATCH_BYTES)
        for batch in reader:
            converted = convert(batch, schema, indent)
            for array, sql_type in zip(converted.columns, types, strict=True):
                if sql_type.is_json:
                    check(array)
            writer.add(converted)
        writer.finish()
        file.flush()
    return writer.batches, writer.rows


def _rows_at_a_time(types: list[SqlType]) -> int:
    """Rows of which about BATCH_BYTES are expected, in whole vectors of DuckDB's."""
    width = sum(_GUESSED_BYTES if found.is_wide else 16 for found in types)
    return max(_VECTOR_ROWS, min(BATCH_ROWS, BATCH_BYTES // max(1, width)) // _VECTOR_ROWS * _VECTOR_ROWS)


def _plain(value: object) -> object:
    """A value as JSON can carry it; the front reads it back by the column's type."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray):
        return bytes(value).hex()
    if isinstance(value, dict) and "moment_ns" in value:
        if value["moment_ns"]:
            raise TooFine
        whole = value["moment_us"]
        return whole.isoformat() if "shift" not in value else f"{whole.isoformat()} {value['shift']}"
    if isinstance(value, dict) and value.keys() == {"utc", "shift"}:
        return f"{value['utc'].isoformat()} {value['shift']}"
    return str(value)
