"""Write a received segment to a file of this person's (docs/api-digest.md §5)."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cleanroom_ml.connection import Connection
from cleanroom_ml.errors import ServerError, UsageError
from cleanroom_ml.services.activation import list_activations, own_alias, received, sent_to_oneself
from cleanroom_ml.services.formulas import is_formula
from cleanroom_ml.services.memberships import me
from cleanroom_ml.services.segment_records import candidates, find, named, records

_BATCH_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Exported:
    """`formulas`: texts of a CSV file that a spreadsheet would run. `replaced`: there was such a file before."""

    path: Path
    rows: int
    columns: tuple[str, ...]
    formulas: int = 0
    replaced: bool = False


def export(connection: Connection, collaboration: str, segment: str, path: Path) -> Exported:
    """Write the newest batch of a received segment to `path` (.csv or .parquet), all or nothing.

    Raises:
        UsageError: another ending, or there is no such segment here yet.
    """
    writers = {".csv": _write_csv, ".parquet": _write_parquet}
    write = writers.get(path.suffix.lower())
    if write is None:
        raise UsageError(f"cannot write {path.name}", why="known endings: .csv, .parquet")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"there is no directory {path.absolute().parent}", fix=f"mkdir -p {path.parent}")
    taken = received(connection, collaboration, me(connection, collaboration))
    batches = [item for item in taken if item.segment_name == segment]
    batch = max(batches, key=lambda item: item.updated_on).batch_id if batches else None
    told = () if batch is None else _named_for(connection, collaboration, batch)
    batch = batch or sent_to_oneself(connection, collaboration, segment)
    if batch is None:
        _check_not_sent(connection, collaboration, segment)
        raise UsageError(
            f"no records of segment {segment!r} have been received",
            why=f"received: {', '.join(sorted({item.segment_name for item in taken})) or 'nothing'}",
            fix=f"cleanroom-ml activation process --segment {segment}",
        )
    found = find(connection, candidates(collaboration, told), batch)
    if found is None:
        raise UsageError(f"the newest batch of segment {segment!r} is empty", why="the template found no rows to send")
    descriptor, temporary = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}-")
    os.close(descriptor)
    try:
        counted = _Counted(records(connection, found.table, batch), frozenset(found.columns))
        rows = write(Path(temporary), found.columns, iter(counted))
        replaced = path.exists()
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return Exported(path, rows, found.columns, counted.formulas if path.suffix.lower() == ".csv" else 0, replaced)


def _check_not_sent(connection: Connection, collaboration: str, segment: str) -> None:
    """Raises UsageError where this account sent the segment to somebody else: there it is, and not here."""
    own = own_alias(connection, collaboration).upper()
    sent = [
        item
        for item in list_activations(connection, collaboration)
        if item.segment_name == segment and item.shared_by.upper() == own != item.shared_with.upper()
    ]
    if sent:
        to = ", ".join(dict.fromkeys(item.shared_with for item in sent))
        raise UsageError(
            f"segment {segment!r} was sent by this party: its records are with {to}",
            fix=f"{to}: cleanroom-ml activation process --segment {segment}",
        )


def _named_for(connection: Connection, collaboration: str, batch: str) -> tuple[str, ...]:
    """The table of a batch that was processed: PROCESS_ACTIVATION, called for it again, says where it is."""
    with contextlib.suppress(ServerError):  # nothing is left to process there: the usual names are tried
        return named(connection.call("COLLABORATION.PROCESS_ACTIVATION", collaboration, [batch]))
    return ()


class _Counted:
    """Records on their way to a file, and how many of their texts a spreadsheet would run."""

    def __init__(self, records: Iterator[dict[str, object]], columns: frozenset[str]) -> None:
        self._records = records
        self._columns = columns
        self.formulas = 0

    def __iter__(self) -> Iterator[dict[str, object]]:
        for record in self._records:
            if not record.keys() <= self._columns:
                raise ServerError("the target's records are not the same, read twice", fix="the same command again")
            self.formulas += sum(is_formula(value) for value in record.values())
            yield record


def _write_csv(path: Path, columns: tuple[str, ...], records: Iterator[dict[str, object]]) -> int:
    rows = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        for record in records:
            writer.writerow({column: _cell(value) for column, value in record.items()})
            rows += 1
    return rows


def _cell(value: object) -> object:
    """What has parts as JSON: a file of text has no other form for it that somebody else could read."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def _write_parquet(path: Path, columns: tuple[str, ...], records: Iterator[dict[str, object]]) -> int:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise UsageError(
            "writing Parquet needs pyarrow", fix="pip install 'cleanroom-ml[engine]', or export to .csv"
        ) from error
    from itertools import islice

    rows, writer = 0, None
    try:
        while batch := list(islice(records, _BATCH_ROWS)):
            whole = [{column: record.get(column) for column in columns} for record in batch]
            table = pa.Table.from_pylist(whole, schema=writer.schema if writer else None)
            writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
            writer.write_table(table)
            rows += len(batch)
    finally:
        if writer is not None:
            writer.close()
    return rows
