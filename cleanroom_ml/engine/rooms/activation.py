"""Activation: the rows that an approved template put aside leave the room, to a listed destination and nowhere else.

What leaves is the snapshot that the template's own statement committed, not what has the table's name later: a job or
another run that writes the same table changes nothing of it. Its objects become the receiver's own rows when the
receiver processes them; exactly once, whatever is killed.

Every column of the template's table leaves. Policies are checked by the template's `activation_policy` filters,
against the columns of source tables; columns that a job wrote are internal, and carry no policy any more (architecture
decision 8).
"""

from __future__ import annotations

import json
import re
import secrets
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.rooms import access
from cleanroom_ml.engine.rooms.access import INTERNAL_SCHEMA, Member, key_of
from cleanroom_ml.engine.rooms.catalog import table_source
from cleanroom_ml.engine.rooms.ports import Caller, RoomExecutor
from cleanroom_ml.engine.rooms.role_checks import receive
from cleanroom_ml.engine.rooms.run_tables import RunTables
from cleanroom_ml.engine.rooms.states import ACTIVATION
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.catalog import ContextValues, Source, TableSource
from cleanroom_ml.engine.sql.errors import SqlError, room_error
from cleanroom_ml.engine.sql.types.sql_type import parse_type
from cleanroom_ml.engine.storage.changes import CreateTable
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.keys import Column, Key, from_micros
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.naming import fold, quote, quote_name
from cleanroom_ml.specs.template import Template

PREFIX = "ACTIVATION_DATA_"
SCHEMA_NAME = "ACTIVATION"
TABLE_NAME = "SEGMENT_RECORDS"
_COLUMNS = (
    Column("BATCH_ID", "VARCHAR"),
    Column("SEGMENT_NAME", "VARCHAR"),
    Column("TEMPLATE_ID", "VARCHAR"),
    Column("SHARED_BY", "VARCHAR"),
    Column("UPDATED_ON", "TIMESTAMP_NTZ"),
    Column("RECORDS", "OBJECT"),
)
_SUFFIX = re.compile(r"[A-Za-z0-9_$]{1,200}\Z")
_BATCH = "BATCH"


@dataclass(frozen=True, slots=True)
class Shared:
    """A batch that was put aside."""

    batch_id: str
    segment: str
    to_oneself: bool


class BatchCatalog:
    """What moving one batch may touch: the batch's rows, and the receiver's SEGMENT_RECORDS."""

    def __init__(self, storage: Storage, receiver: Key, context: ContextValues, batch: TableSource) -> None:
        self._storage = storage
        self._receiver = receiver
        self._context = context
        self._batch = batch

    def source(self, parts: tuple[str, ...]) -> Source | None:
        """The batch, or the receiver's table."""
        if parts == (_BATCH,):
            return self._batch
        if parts == (self._receiver.database, self._receiver.schema, self._receiver.name):
            table = self._storage.tables.get(self._receiver)
            return None if table is None else table_source(table, writable=True)
        return None

    def context(self) -> ContextValues:
        """The receiver's."""
        return self._context

    def target(self, parts: tuple[str, ...], kind: str = "TABLE") -> Key:
        """The receiver's table. Raises SqlError for anything else."""
        if kind == "TABLE" and parts == (self._receiver.database, self._receiver.schema, self._receiver.name):
            return self._receiver
        raise SqlError.not_found(kind, ".".join(parts))


class Activations:
    """Activating, VIEW_ACTIVATIONS, PROCESS_ACTIVATION."""

    def __init__(self, storage: Storage, executor: RoomExecutor) -> None:
        self._storage = storage
        self._database = storage.database
        self._executor = executor
        # A batch is moved by one thread at a time: it looks whether the rows are there before it inserts them.
        self._moving = threading.Lock()

    def check_destination(
        self,
        connection: sqlite3.Connection,
        member: Member,
        template: Template,
        destination: str | None,
        segment: str | None,
    ) -> None:
        """Raises SqlError ActivationError, unless the template activates and the destination is listed for this
        runner, or neither.
        """
        if template.type != "sql_activation":
            if destination is not None:
                raise room_error(
                    ErrorName.ActivationError,
                    "results of an analysis template cannot be activated; use an activation template.",
                )
            return
        if destination is None or segment is None:
            raise room_error(
                ErrorName.ActivationError,
                "an activation template needs activation: snowflake_collaborator and segment_name.",
            )
        receiver = access.by_alias(connection, member.collaboration, key_of(destination, "alias"))
        listed = connection.execute(
            "SELECT 1 FROM room_destinations WHERE collaboration = ? AND runner_key = ? AND alias_key = ?",
            (member.collaboration, member.alias_key, fold(destination)),
        ).fetchone()
        if receiver is None or not listed:
            raise room_error(
                ErrorName.ActivationError,
                f"'{destination}' is not among the activation_destinations of {member.alias}.",
            )
        if receiver.status != "JOINED":
            raise room_error(ErrorName.ActivationError, f"'{destination}' has not joined the collaboration.")

    def share(
        self,
        member: Member,
        template: Template,
        template_id: str,
        returned: Value,
        tables: RunTables,
        destination: str | None,
        segment: str | None,
    ) -> Shared:
        """Puts the rows of `cleanroom.activation_data_<returned>`, as this run wrote it, aside for the receiver.

        Raises:
            SqlError: ActivationError, also where the run did not write that table itself.
        """
        if not isinstance(returned, str) or not _SUFFIX.match(returned):
            raise room_error(
                ErrorName.ActivationError,
                "the template must return the name of its table, without the prefix activation_data_.",
            )
        key = Key(member.account, member.application, INTERNAL_SCHEMA, PREFIX + returned.upper())
        batch_id = secrets.token_hex(16)
        table = tables.get(key)
        if table is None:
            raise room_error(
                ErrorName.ActivationError, f"the template returned '{returned}', but made no cleanroom.{key.name}."
            )
        with self._database.transaction() as connection:
            self.check_destination(connection, member, template, destination, segment)
            receiver = access.by_alias(connection, member.collaboration, fold(destination or ""))
            assert receiver is not None
            assert segment is not None
            self._storage.objects.require(item.sha256 for item in table.objects)
            (number,) = connection.execute("SELECT coalesce(max(number), 0) + 1 FROM room_activations").fetchone()
            connection.execute(
                "INSERT INTO room_activations (batch_id, number, collaboration, segment_name, template_id,"
                " shared_by, shared_with, status, details, columns, objects, updated_on)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, 'PENDING', '', ?, ?, ?)",
                (
                    batch_id,
                    number,
                    member.collaboration,
                    segment,
                    template_id,
                    member.account,
                    receiver.account,
                    json.dumps([[column.name, column.type] for column in table.columns]),
                    json.dumps([{"sha256": item.sha256, "bounds": item.bounds} for item in table.objects]),
                    self._database.now_micros(),
                ),
            )
            self._move(connection, batch_id, "SHARED")
        return Shared(batch_id, segment, to_oneself=receiver.account == member.account)

    def arrive(self, caller: Caller, member: Member, shared: Shared, *, query_id: str) -> Rows:
        """What RUN answers: to oneself, the rows are moved at once; to others, when they process them."""
        columns = (("BATCH_ID", "VARCHAR"), ("SEGMENT_NAME", "VARCHAR"), ("STATUS", "VARCHAR"))
        if shared.to_oneself:
            self._deliver(caller, member, shared.batch_id, query_id)
        status = "PROCESSED" if shared.to_oneself else "SHARED"
        return Rows.answer(columns, ((shared.batch_id, shared.segment, status),))

    def view(self, caller: Caller, name: str) -> Rows:
        """VIEW_ACTIVATIONS: what the caller has sent to others, and others to the caller."""
        with self._database.read() as connection:
            member = access.joined(connection, caller.account, name)
            rows = connection.execute(
                """SELECT a.*, s.alias AS from_alias, w.alias AS to_alias FROM room_activations a
                   JOIN room_members s ON s.collaboration = a.collaboration AND s.account = a.shared_by
                   JOIN room_members w ON w.collaboration = a.collaboration AND w.account = a.shared_with
                   WHERE a.collaboration = ?1 AND (a.shared_by = ?2) <> (a.shared_with = ?2) ORDER BY a.number""",
                (member.collaboration, member.account),
            ).fetchall()
        columns = (
            ("UPDATED_ON", "TIMESTAMP_LTZ"),
            *(
                (name, "VARCHAR")
                for name in ("SEGMENT_NAME", "BATCH_ID", "TEMPLATE_ID", "SHARED_BY", "SHARED_WITH", "STATUS", "DETAILS")
            ),
        )
        return Rows.answer(
            columns,
            tuple(
                (
                    from_micros(row["updated_on"]),
                    row["segment_name"],
                    row["batch_id"],
                    row["template_id"],
                    row["from_alias"],
                    row["to_alias"],
                    row["status"],
                    row["details"],
                )
                for row in rows
            ),
        )

    def process(self, caller: Caller, name: str, wanted: object | None = None, *, query_id: str) -> Rows:
        """PROCESS_ACTIVATION: moves what is SHARED with the caller (all of it, one segment, or some batches) to its
        table.

        Answers the table's name for each batch that was moved, and for those that were asked for and had been before:
        so that whoever repeats the call learns as well where the rows are.

        Raises:
            SqlError: SpecValidationError, CollaborationNotFoundException, CollaborationStateException.
        """
        wants = _wanted(wanted)
        with self._database.read() as connection:
            member = access.joined(connection, caller.account, name)
            rows = connection.execute(
                """SELECT batch_id, segment_name, status FROM room_activations
                   WHERE collaboration = ? AND shared_with = ? AND status IN ('SHARED', 'PROCESSED')
                   AND (status = 'SHARED' OR shared_by <> shared_with) ORDER BY number""",
                (member.collaboration, member.account),
            ).fetchall()
        rows = [row for row in rows if wants(row["batch_id"], row["segment_name"], row["status"])]
        for row in rows:
            self._deliver(caller, member, row["batch_id"], query_id)
        table = ".".join((member.local_name or member.source_name, "activation", "segment_records"))
        return Rows.answer(
            (("TABLE_NAME", "VARCHAR"), ("SEGMENT_NAME", "VARCHAR")),
            tuple((table, row["segment_name"]) for row in rows),
        )

    def _deliver(self, caller: Caller, member: Member, batch_id: str, query_id: str) -> None:
        with self._moving:
            with self._database.read() as connection:
                row = connection.execute("SELECT * FROM room_activations WHERE batch_id = ?", (batch_id,)).fetchone()
                sender = access.by_account(connection, member.collaboration, row["shared_by"])
            if row["status"] != "SHARED":
                return
            key = self._receiving_table(member)
            columns = tuple((name, parse_type(text)) for name, text in json.loads(row["columns"]))
            bounds = {item["sha256"]: item.get("bounds", "") for item in json.loads(row["objects"])}
            context = ContextValues(caller.account, caller.user, caller.role, caller.warehouse)
            # Not the caller's session: rows in a transaction that the caller has open could be rolled back.
            mover = Session(f"activation-{batch_id}", caller.account, caller.user, caller.role, kind="room")
            catalog = BatchCatalog(self._storage, key, context, TableSource(columns, tuple(bounds), bounds=bounds))
            table = quote_name((key.database, key.schema, key.name))
            count = f"SELECT COUNT(*) FROM {table} WHERE BATCH_ID = '{batch_id}'"
            if not self._executor.values(catalog, mover, count, query_id=query_id)[0][0]:
                binds = {
                    "BATCH_ID": batch_id,
                    "SEGMENT_NAME": row["segment_name"],
                    "TEMPLATE_ID": row["template_id"],
                    "SHARED_BY": sender.alias if sender else "",
                }
                pairs = ", ".join(f"{_literal(name)}, {quote(name)}" for name, _ in columns)
                names = ", ".join(column.name for column in _COLUMNS)
                statement = (
                    f"INSERT INTO {table} ({names}) SELECT :BATCH_ID, :SEGMENT_NAME, :TEMPLATE_ID, :SHARED_BY, "
                    f"CURRENT_TIMESTAMP()::TIMESTAMP_NTZ, OBJECT_CONSTRUCT({pairs}) FROM {_BATCH}"
                )
                self._executor.run(catalog, mover, statement, binds, query_id=query_id)
            with self._database.transaction() as connection:
                self._move(connection, batch_id, "PROCESSED")

    def _receiving_table(self, member: Member) -> Key:
        """SEGMENT_RECORDS in the receiver's own database of the collaboration's name, made where it is not there."""
        assert member.local_key is not None
        key = Key(member.account, member.local_key, SCHEMA_NAME, TABLE_NAME)
        with self._database.transaction():
            made = self._storage.namespaces.create_database(member.account, key.database, if_exists="ignore")
            if self._storage.namespaces.database_kind(member.account, key.database) != "standard":
                raise room_error(
                    ErrorName.ActivationError, f"database {key.database} of your account cannot hold activated rows."
                )
            made_schema = self._storage.namespaces.create_schema(
                member.account, key.database, key.schema, if_exists="ignore"
            )
            (made_table,) = self._storage.tables.commit([CreateTable(key, _COLUMNS, if_exists="ignore")])
            received = (
                (Thing("DATABASE", key.database), made),
                (Thing("SCHEMA", key.database, key.schema), made_schema),
                (Thing.of("TABLE", key), made_table),
            )
            if not receive(self._storage, member, received):
                raise room_error(
                    ErrorName.ActivationError,
                    f"table {key} of your account is another role's than the collaboration: activated rows would be "
                    "that role's to read. Drop or rename it.",
                )
        return key

    def _move(self, connection: sqlite3.Connection, batch_id: str, wanted: str) -> None:
        row = connection.execute("SELECT status FROM room_activations WHERE batch_id = ?", (batch_id,)).fetchone()
        connection.execute(
            "UPDATE room_activations SET status = ?, updated_on = ? WHERE batch_id = ?",
            (ACTIVATION.move(row["status"], wanted), self._database.now_micros(), batch_id),
        )


def _wanted(wanted: object) -> Callable[[str, str, str], bool]:
    """Whether a batch (its id, segment and status) is asked for. Raises SqlError SpecValidationError."""
    match wanted:
        case None:
            return lambda _, __, status: status == "SHARED"
        case str():
            named = fold_or_text(wanted)
            return lambda _, segment, __: fold_or_text(segment) == named
        case list() | tuple() if all(isinstance(each, str) for each in wanted):
            listed = frozenset(wanted)
            return lambda batch, _, __: batch in listed
    raise room_error(ErrorName.SpecValidationError, "give a segment name, or an array of batch ids")


def fold_or_text(name: str) -> str:
    """A segment name as it is compared: folded where it is an identifier."""
    try:
        return fold(name)
    except ValueError:
        return name


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
