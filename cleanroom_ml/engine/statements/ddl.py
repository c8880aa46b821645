"""GET_DDL: the statement that makes a thing again (sql-reference/functions/get_ddl), for whoever it is there for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cleanroom_ml.engine.sql.binds import NO_BINDS
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.tokens import tokenize
from cleanroom_ml.engine.sql.read.names import folded
from cleanroom_ml.engine.sql.read.routine import named
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.routines import Routine
from cleanroom_ml.engine.sql.types.descriptions import described
from cleanroom_ml.engine.sql.types.sql_type import parse_type
from cleanroom_ml.engine.statements.refusals import displayed
from cleanroom_ml.engine.statements.routine_ddl import of_routine
from cleanroom_ml.engine.storage.file_formats import FileFormat
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.keys import Column, Constraint, Key, Table, View
from cleanroom_ml.engine.storage.rights import Rights
from cleanroom_ml.engine.storage.routines import called
from cleanroom_ml.engine.storage.sequences import Sequence
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.naming import display

Target = Callable[[tuple[str, ...], str], Key]


class Ddl:
    """GET_DDL of one session.

    Args:
        target: where a name lands (a catalog's `target`).
        session_id: whose temporary things are seen.
    """

    def __init__(self, storage: Storage, account: str, rights: Rights, target: Target, session_id: str | None) -> None:
        self._storage = storage
        self._account = account
        self._rights = rights
        self._target = target
        self._session_id = session_id

    def __call__(self, kind: str, name: str, full: bool = False) -> str:
        """The text. Raises SqlError: there is no such thing for the session, or of no such kind."""
        kind = kind.upper().replace("_", " ")
        parts = () if kind in {"FUNCTION", "PROCEDURE"} else folded(name)
        if kind == "DATABASE":
            return self._database(parts)
        if kind == "SCHEMA":
            return self._schema_of(parts, full)
        makers: Mapping[str, Callable[[Key, str], str | None]] = {
            "TABLE": self._table, "VIEW": self._table, "SEQUENCE": self._sequence, "FILE FORMAT": self._file_format,
        }  # fmt: skip
        if kind not in {*makers, "FUNCTION", "PROCEDURE"}:
            raise SqlError.unsupported(f"GET_DDL of {kind[:40]}")
        if kind in {"FUNCTION", "PROCEDURE"}:
            return self._routine(kind, name)
        key = self._target(parts, kind)
        named = displayed((key.database, key.schema, key.name)) if full else display(key.name)
        made = makers[kind](key, named)
        if made is None:
            raise SqlError.not_found(kind, displayed(parts))
        return made

    def _table(self, key: Key, name: str) -> str | None:
        """Of a table or a view: each may be asked for as the other."""
        table = self._storage.tables.get(key, self._session_id)
        view = self._storage.views.get(key, self._session_id)
        if view is not None and (table is None or (view.session_id is not None and table.session_id is None)):
            own = view.session_id is not None or self._rights.owns(Thing.of("VIEW", key))
            if not own and (view.secure or not self._rights.finds(Thing.of("VIEW", key))):
                return None  # what a secure view reads is its owner's to know
            return _view(view, name)
        if table is None or (table.session_id is None and not self._rights.finds(Thing.of("TABLE", key))):
            return None
        return _of_table(table, name)

    def _routine(self, kind: str, name: str) -> str:
        """Of a function or a procedure, by its name with the types of its arguments. What a secure one is made of, or
        one with its owner's rights, is its owner's to know.
        """
        parts = named(Source(name, tokenize(name), NO_BINDS), kind)
        key = self._target(parts, kind)
        there = (self._storage.functions if kind == "FUNCTION" else self._storage.procedures).get(key, self._session_id)
        if there is not None and there.session_id is None:
            thing = Thing.of(kind, called(key))
            secret = Routine.from_json(there.definition).hides_source(kind)
            there = there if (self._rights.owns(thing) if secret else self._rights.finds(thing)) else None
        if there is None:
            raise SqlError.not_found(kind, displayed(parts))
        return of_routine(kind, Routine.from_json(there.definition))

    def _sequence(self, key: Key, name: str) -> str | None:
        found = self._storage.sequences.get(key)
        there = found is not None and self._rights.finds(Thing.of("SEQUENCE", key))
        return _of_sequence(found, name) if there and found is not None else None

    def _file_format(self, key: Key, name: str) -> str | None:
        found = self._storage.file_formats.get(key, self._session_id)
        if found is None or (found.session_id is None and not self._rights.finds(Thing.of("FILE FORMAT", key))):
            return None
        return _of_format(found, name)

    def _schema_of(self, parts: tuple[str, ...], full: bool) -> str:
        key = self._target((*parts, "X"), "SCHEMA")
        if len(parts) > 2 or not self._rights.sees(Thing("SCHEMA", key.database, key.schema)):
            raise SqlError.not_found("Schema", displayed(parts))
        named = displayed((key.database, key.schema)) if full else display(key.schema)
        return "\n\n".join([f"create or replace schema {named};", *self._inside(key.database, key.schema, full)]) + "\n"

    def _database(self, parts: tuple[str, ...]) -> str:
        kind = self._storage.namespaces.database_kind(self._account, parts[0])
        if len(parts) != 1 or kind != "standard" or not self._rights.sees(Thing("DATABASE", parts[0])):
            raise SqlError.not_found("Database", displayed(parts))
        made = [f"create or replace database {display(parts[0])};"]
        for each in self._storage.namespaces.schemas(self._account, parts[0]):
            if self._rights.sees(Thing("SCHEMA", parts[0], each.name)):
                made.append(f"create or replace schema {displayed((parts[0], each.name))};")
                made += self._inside(parts[0], each.name, True)
        return "\n\n".join(made) + "\n"

    def _inside(self, database: str, schema: str, full: bool) -> list[str]:
        """The statements for what is there for the roles in a schema; no temporary things."""
        made: list[str | None] = []

        def name(key: Key) -> str:
            return displayed((key.database, key.schema, key.name)) if full else display(key.name)

        for sequence in self._storage.sequences.list(self._account, database, schema):
            made.append(self._sequence(sequence.key, name(sequence.key)))
        permanent = Ddl(self._storage, self._account, self._rights, self._target, None)
        for table in self._storage.tables.list(self._account, database, schema):
            made.append(permanent._table(table.key, name(table.key)))
        for view in self._storage.views.list(self._account, database, schema):
            made.append(permanent._table(view.key, name(view.key)))
        for form in self._storage.file_formats.list(self._account, database, schema):
            if not form.key.name.startswith("@"):
                made.append(permanent._file_format(form.key, name(form.key)))
        return [each for each in made if each is not None]


def _of_table(table: Table, name: str) -> str:
    kind = {"TEMPORARY": "TEMPORARY TABLE", "TRANSIENT": "TRANSIENT TABLE"}.get(table.kind, "TABLE")
    lines = [_column(each) for each in table.columns] + [_constraint(each) for each in table.constraints]
    comment = f"COMMENT={_text(table.comment)}\n" if table.comment else ""
    body = ",\n\t".join(lines)
    clustered = f" cluster by ({table.clustering})" if table.clustering else " "
    return f"create or replace {kind} {name}{clustered}(\n\t{body}\n){comment};"


def _column(column: Column) -> str:
    made = f"{display(column.name)} {described(parse_type(column.type))}"
    if not column.nullable:
        made += " NOT NULL"
    if column.start is not None:
        made += f" autoincrement start {column.start} increment {column.step} noorder"
    elif column.default is not None:
        made += f" DEFAULT {column.default}"
    return made + (f" COMMENT {_text(column.comment)}" if column.comment else "")


def _constraint(each: Constraint) -> str:
    named = "" if each.name.startswith("SYS_CONSTRAINT_") else f"constraint {display(each.name)} "
    listed = ", ".join(display(column) for column in each.columns)
    made = f"{named}{each.kind.lower()} ({listed})"
    if not each.references:
        return made
    others = ", ".join(display(column) for column in each.reference_columns)
    return f"{made} references {displayed(each.references)}({others})"


def _view(view: View, name: str) -> str:
    kind = "secure view" if view.secure else "view"
    temporary = "temporary " if view.session_id is not None else ""
    listed = ",\n\t".join(
        display(each.name) + (f" COMMENT {_text(each.comment)}" if each.comment else "") for each in view.columns
    )
    comment = f" COMMENT={_text(view.comment)}\n" if view.comment else " "
    return f"create or replace {temporary}{kind} {name}(\n\t{listed}\n){comment}as {view.text};"


def _of_sequence(found: Sequence, name: str) -> str:
    order = "order" if found.ordered else "noorder"
    comment = f" COMMENT={_text(found.comment)}" if found.comment else ""
    return f"create or replace sequence {name} start with {found.start} increment by {found.step} {order}{comment};"


def _of_format(found: FileFormat, name: str) -> str:
    lines = [f"TYPE = {found.type}", *(f"{key} = {_option(value)}" for key, value in sorted(found.options.items()))]
    body = "\n\t".join(lines)
    return f"CREATE OR REPLACE FILE FORMAT {name}\n\t{body}\n;"


def _option(value: object) -> str:
    if isinstance(value, bool):
        return str(value).upper()
    if value is None:
        return "NONE"
    if isinstance(value, list | tuple):
        return f"({', '.join(_option(each) for each in value)})"
    return str(value) if isinstance(value, int) else _text(str(value))


def _text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
