"""Send a result out of the room, and receive one (docs/api-digest.md §5)."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cleanroom_ml.connection import Connection
from cleanroom_ml.connection.literals import identifier, text
from cleanroom_ml.errors import CleanroomError, ServerError, UsageError
from cleanroom_ml.services.formulas import is_formula
from cleanroom_ml.services.memberships import Membership, me
from cleanroom_ml.services.named import not_there
from cleanroom_ml.services.reported import UnreadableError, reported
from cleanroom_ml.services.runnable import runnable_template
from cleanroom_ml.services.times import rfc3339
from cleanroom_ml.specs.analysis import Analysis
from cleanroom_ml.specs.write import dump_spec

_BATCH_ROWS = 10_000
_DOES_NOT_EXIST = 2003


@dataclass(frozen=True, slots=True)
class ActivationRequest:
    """An activation template's run: where its rows go, and under which segment name."""

    collaboration: str
    template: str
    destination: str
    segment: str
    tables: tuple[str, ...] = ()
    my_tables: tuple[str, ...] = ()
    arguments: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Activation:
    """One activation as VIEW_ACTIVATIONS tells it: PENDING, REPLICATING, SHARED, FAILED or PROCESSED."""

    segment_name: str
    batch_id: str
    status: str
    template_id: str
    shared_by: str
    shared_with: str
    details: str
    updated_on: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A batch that is in this account. `new` is False where it had been taken before."""

    segment_name: str
    batch_id: str
    status: str
    shared_by: str
    new: bool


@dataclass(frozen=True, slots=True)
class Exported:
    """`formulas`: texts of a CSV file that a spreadsheet would run."""

    path: Path
    rows: int
    columns: tuple[str, ...]
    formulas: int = 0


def activate(connection: Connection, request: ActivationRequest) -> Activation:
    """Run the activation template and send its rows to the destination.

    Raises:
        NotApprovedError: the template is not approved.
        PolicyDeniedError: the destination is not one of this runner's, or a column may not leave.
    """
    template_id = runnable_template(connection, request.collaboration, request.template)
    analysis = Analysis.of(
        template_id,
        tables=request.tables,
        my_tables=request.my_tables,
        arguments=request.arguments,
        activation={"snowflake_collaborator": request.destination, "segment_name": request.segment},
    )
    ran = connection.call("COLLABORATION.RUN", request.collaboration, dump_spec(analysis))
    mine = [
        item for item in list_activations(connection, request.collaboration) if item.segment_name == request.segment
    ]
    if mine:
        return max(mine, key=lambda item: item.updated_on)
    own = _alias(connection, request.collaboration)
    if request.destination.upper() != own.upper():
        raise CleanroomError(
            f"the segment {request.segment} was sent, and is not listed yet", fix="cleanroom-ml activation list"
        )
    # It is in this account at once, and VIEW_ACTIVATIONS lists what goes from one account to another.
    batch = str(ran[0].get("batch_id") or "") if ran else ""
    return Activation(request.segment, batch, "PROCESSED", template_id, own, own, "", "")


def list_activations(connection: Connection, collaboration: str) -> tuple[Activation, ...]:
    """What this party sent or was sent."""
    return tuple(
        Activation(
            segment_name=str(row["segment_name"]),
            batch_id=str(row["batch_id"]),
            status=str(row["status"]),
            template_id=str(row["template_id"]),
            shared_by=str(row["shared_by"]),
            shared_with=str(row["shared_with"]),
            details=str(row.get("details") or ""),
            updated_on=rfc3339(row["updated_on"]),
        )
        for row in connection.call("COLLABORATION.VIEW_ACTIVATIONS", collaboration)
    )


def process(connection: Connection, collaboration: str, segment: str | None = None) -> tuple[Taken, ...]:
    """Take what partners sent (one segment, or all) into `<collaboration>.ACTIVATION.SEGMENT_RECORDS`.

    Raises:
        UsageError: nobody has sent this party a segment of that name.
    """
    receiver = me(connection, collaboration)
    if segment is not None:
        alias = receiver.collaborator.upper() if receiver else ""
        listed = list_activations(connection, collaboration)
        sent = {each.segment_name for each in listed if each.shared_with.upper() == alias}
        if segment not in sent and _sent_to_oneself(connection, collaboration, segment) is None:
            raise not_there("segment for this party called", segment, sent, fix="cleanroom-ml activation list")
    before = {item.batch_id for item in _received(connection, collaboration, receiver)}
    if segment is None:
        connection.call("COLLABORATION.PROCESS_ACTIVATION", collaboration)
    else:
        connection.call("COLLABORATION.PROCESS_ACTIVATION", collaboration, segment)
    return tuple(
        Taken(item.segment_name, item.batch_id, item.status, item.shared_by, item.batch_id not in before)
        for item in _received(connection, collaboration, receiver)
        if segment in (None, item.segment_name)
    )


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
    received = _received(connection, collaboration, me(connection, collaboration))
    batches = [item for item in received if item.segment_name == segment]
    batch = max(batches, key=lambda item: item.updated_on).batch_id if batches else None
    batch = batch or _sent_to_oneself(connection, collaboration, segment)
    if batch is None:
        raise UsageError(
            f"no records of segment {segment!r} have been received",
            why=f"received: {', '.join(sorted({item.segment_name for item in received})) or 'nothing'}",
            fix=f"cleanroom-ml activation process --segment {segment}",
        )
    # OBJECT_CONSTRUCT leaves out what is NULL: only all records together tell the columns.
    columns = tuple(dict.fromkeys(key for record in _records(connection, collaboration, batch) for key in record))
    if not columns:
        raise UsageError(f"the newest batch of segment {segment!r} is empty", why="the template found no rows to send")
    descriptor, temporary = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}-")
    os.close(descriptor)
    try:
        counted = _Counted(_records(connection, collaboration, batch))
        rows = write(Path(temporary), columns, iter(counted))
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return Exported(path, rows, columns, counted.formulas if path.suffix.lower() == ".csv" else 0)


class _Counted:
    """Records on their way to a file, and how many of their texts a spreadsheet would run."""

    def __init__(self, records: Iterator[dict[str, object]]) -> None:
        self._records = records
        self.formulas = 0

    def __iter__(self) -> Iterator[dict[str, object]]:
        for record in self._records:
            self.formulas += sum(is_formula(value) for value in record.values())
            yield record


def _received(connection: Connection, collaboration: str, receiver: Membership | None) -> tuple[Activation, ...]:
    """The batches whose records are in this account. What one sends to oneself is there at once, never processed."""
    alias = receiver.collaborator.upper() if receiver else ""
    return tuple(
        item
        for item in list_activations(connection, collaboration)
        if item.shared_with.upper() == alias
        and (item.status == "PROCESSED" or (item.status == "SHARED" and item.shared_by.upper() == alias))
    )


def _sent_to_oneself(connection: Connection, collaboration: str, segment: str) -> str | None:
    """The newest batch of a segment that this account sent to itself; None where there is none."""
    wanted = (
        f"SELECT BATCH_ID FROM {_segment_records(collaboration)} WHERE SEGMENT_NAME = {text(segment)}"
        f" AND SHARED_BY = {text(_alias(connection, collaboration))} ORDER BY UPDATED_ON DESC LIMIT 1"
    )
    try:
        return next((str(batch) for (batch,) in connection.stream(wanted)), None)
    except ServerError as error:
        if error.code != _DOES_NOT_EXIST:
            raise
        return None  # the table comes with the first records


def _alias(connection: Connection, collaboration: str) -> str:
    mine = me(connection, collaboration)
    return mine.collaborator if mine else ""


def _segment_records(collaboration: str) -> str:
    return identifier(f"{collaboration}.ACTIVATION.SEGMENT_RECORDS")


def _records(connection: Connection, collaboration: str, batch: str) -> Iterator[dict[str, object]]:
    table = _segment_records(collaboration)
    for (record,) in connection.stream(f"SELECT RECORDS FROM {table} WHERE BATCH_ID = {text(batch)}"):
        read = reported(record, f"a record of batch {batch}")
        if not isinstance(read, dict):
            raise UnreadableError(f"a record of batch {batch} cannot be read", why="it is no object of columns")
        yield read


def _write_csv(path: Path, columns: tuple[str, ...], records: Iterator[dict[str, object]]) -> int:
    rows = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        for record in records:
            writer.writerow(record)
            rows += 1
    return rows


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
