"""What the relations of INFORMATION_SCHEMA hold: each a function of what a session may see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from cleanroom_ml.engine.sql import clustering
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.routines import Routine
from cleanroom_ml.engine.sql.types.descriptions import characters, standard
from cleanroom_ml.engine.sql.types.record import Parameters
from cleanroom_ml.engine.sql.types.sql_type import parse_type
from cleanroom_ml.engine.storage import sample_listing
from cleanroom_ml.engine.storage.grants import Granted, Thing
from cleanroom_ml.engine.storage.keys import Column, Key, Table, View
from cleanroom_ml.engine.storage.rights import Rights
from cleanroom_ml.engine.storage.roles import ADMIN
from cleanroom_ml.engine.storage.routines import Routines
from cleanroom_ml.engine.storage.sequences import LARGEST, SMALLEST
from cleanroom_ml.engine.storage.storage import Storage

Row = Mapping[str, Value]
_BYTES_A_CHARACTER: Final = 4
_LONGEST: Final = 1 << 24
_SMALLEST, _LARGEST = str(SMALLEST), str(LARGEST)


@dataclass(frozen=True, slots=True)
class Seen:
    """Whose eyes see a database: `session_id`, those of its temporary things (None: of nobody)."""

    storage: Storage
    account: str
    user: str
    database: str
    session_id: str | None
    rights: Rights
    shared: Sequence[View] = ()
    """Of a room's application, whose other things nobody sees: its views for free-form SQL."""
    of_a_text: bool = False
    """A view, a function or a procedure with its owner's rights asks."""

    def tables(self) -> Iterator[Table]:
        """The tables that are there for it."""
        if self.shared:
            return
        yield from sample_listing.tables(self.storage, self.account, self.database)
        for table in self.storage.tables.list(self.account, self.database, None, self.session_id):
            if table.session_id is not None or self.rights.finds(Thing.of("TABLE", table.key)):
                yield table

    def views(self) -> Iterator[View]:
        """The views that are there for it."""
        yield from self.shared
        if self.shared:
            return
        for view in self.storage.views.list(self.account, self.database, None, self.session_id):
            if view.session_id is not None or self.rights.finds(Thing.of("VIEW", view.key)):
                yield view

    def owner(self, owners: Mapping[Thing, str], kind: str, key: Key, session_id: str | None = None) -> str:
        """The role that owns a thing: of a temporary one, the session's."""
        if self.shared:
            return key.database
        return self.rights.role if session_id is not None else owners.get(Thing.of(kind, key), ADMIN)


def tables(seen: Seen) -> Iterator[Row]:
    owners = sample_listing.owners(seen.storage, seen.account, "TABLE")
    altered = seen.storage.tables.altered(seen.account, seen.database)
    for table in seen.tables():
        days = table.retention
        if days < 0:
            days = seen.storage.namespaces.retention(seen.account, table.key.database, table.key.schema)
        yield _place("TABLE", table.key) | {
            "TABLE_OWNER": seen.owner(owners, "TABLE", table.key, table.session_id),
            "TABLE_TYPE": "LOCAL TEMPORARY" if table.kind == "TEMPORARY" else "BASE TABLE",
            "IS_TRANSIENT": _yes(table.kind == "TRANSIENT"), "ROW_COUNT": table.rows,
            "BYTES": table.bytes if table.bytes or not table.rows else None,
            "RETENTION_TIME": days, "IS_INSERTABLE_INTO": "YES", "IS_TYPED": "YES", "CREATED": table.created_on,
            "LAST_ALTERED": altered.get(table.snapshot), "LAST_DDL": table.created_on,
            "AUTO_CLUSTERING_ON": _yes(bool(table.clustering)),
            "CLUSTERING_KEY": clustering.shown(table.clustering) or None,
            "COMMENT": table.comment or None, "IS_TEMPORARY": _yes(table.session_id is not None), "IS_ICEBERG": "NO",
            "IS_DYNAMIC": "NO", "IS_IMMUTABLE": "NO", "IS_HYBRID": "NO",
        }  # fmt: skip
    owners = seen.storage.grants.owners(seen.account, "VIEW")
    for view in seen.views():
        yield _place("TABLE", view.key) | {
            "TABLE_OWNER": seen.owner(owners, "VIEW", view.key, view.session_id), "TABLE_TYPE": "VIEW",
            "IS_TRANSIENT": "NO", "IS_INSERTABLE_INTO": "NO", "IS_TYPED": "YES", "CREATED": view.created_on,
            "LAST_ALTERED": view.created_on, "LAST_DDL": view.created_on, "COMMENT": view.comment or None,
            "IS_TEMPORARY": _yes(view.session_id is not None),
        }  # fmt: skip


def columns(seen: Seen) -> Iterator[Row]:
    for table in seen.tables():
        yield from _columns(table.key, table.columns)
    for view in seen.views():
        yield from _columns(view.key, view.columns)


def schemata(seen: Seen) -> Iterator[Row]:
    yield {
        "CATALOG_NAME": seen.database, "SCHEMA_NAME": "INFORMATION_SCHEMA", "IS_TRANSIENT": "NO",
        "IS_MANAGED_ACCESS": "NO", "RETENTION_TIME": 1,
        "COMMENT": "Views describing the contents of schemas in this database",
    }  # fmt: skip
    owners = sample_listing.owners(seen.storage, seen.account, "SCHEMA")
    for each in sample_listing.schemas(seen.storage, seen.account, seen.database):
        thing = Thing("SCHEMA", seen.database, each.name)
        if seen.rights.sees(thing):
            yield {
                "CATALOG_NAME": seen.database, "SCHEMA_NAME": each.name, "SCHEMA_OWNER": owners.get(thing, ADMIN),
                "IS_TRANSIENT": "NO", "IS_MANAGED_ACCESS": "NO", "CREATED": each.created_on,
                "RETENTION_TIME": seen.storage.namespaces.retention(seen.account, seen.database, each.name),
                "LAST_ALTERED": each.created_on, "COMMENT": each.comment or None,
            }  # fmt: skip


def databases(seen: Seen) -> Iterator[Row]:
    owners = sample_listing.owners(seen.storage, seen.account, "DATABASE")
    for each in sample_listing.databases(seen.storage, seen.account):
        thing = Thing("DATABASE", each.name)
        if each.kind == "standard" and seen.rights.sees(thing):
            yield {
                "DATABASE_NAME": each.name, "DATABASE_OWNER": owners.get(thing, ADMIN), "IS_TRANSIENT": "NO",
                "COMMENT": each.comment or None, "CREATED": each.created_on, "LAST_ALTERED": each.created_on,
                "RETENTION_TIME": seen.storage.namespaces.retention(seen.account, each.name), "TYPE": "STANDARD",
            }  # fmt: skip


def catalog_name(seen: Seen) -> Iterable[Row]:
    return ({"CATALOG_NAME": seen.database},)


def views(seen: Seen) -> Iterator[Row]:
    owners = seen.storage.grants.owners(seen.account, "VIEW")
    for view in seen.views():
        # What a secure view reads is its owner's to know.
        own = view.session_id is not None or seen.rights.owns(Thing.of("VIEW", view.key))
        yield _place("TABLE", view.key) | {
            "TABLE_OWNER": seen.owner(owners, "VIEW", view.key, view.session_id),
            "VIEW_DEFINITION": None if view.secure and not own else view.text or None, "CHECK_OPTION": "NONE",
            "IS_UPDATABLE": "NO", "INSERTABLE_INTO": "NO", "IS_SECURE": _yes(view.secure), "CREATED": view.created_on,
            "LAST_ALTERED": view.created_on, "LAST_DDL": view.created_on, "COMMENT": view.comment or None,
        }  # fmt: skip


def sequences(seen: Seen) -> Iterator[Row]:
    owners = seen.storage.grants.owners(seen.account, "SEQUENCE")
    for each in seen.storage.sequences.list(seen.account, seen.database):
        if seen.rights.finds(Thing.of("SEQUENCE", each.key)):
            yield _place("SEQUENCE", each.key) | {
                "SEQUENCE_OWNER": seen.owner(owners, "SEQUENCE", each.key), "DATA_TYPE": "NUMBER",
                "NUMERIC_PRECISION": 38, "NUMERIC_PRECISION_RADIX": 10, "NUMERIC_SCALE": 0,
                "START_VALUE": str(each.start), "MINIMUM_VALUE": _SMALLEST, "MAXIMUM_VALUE": _LARGEST,
                "NEXT_VALUE": each.next, "INCREMENT": str(each.step), "CYCLE_OPTION": "NO", "CREATED": each.created_on,
                "LAST_ALTERED": each.created_on, "ORDERED": _yes(each.ordered), "COMMENT": each.comment or None,
            }  # fmt: skip


def stages(seen: Seen) -> Iterator[Row]:
    owners = seen.storage.grants.owners(seen.account, "STAGE")
    for each in seen.storage.stages.list(seen.account, seen.database, None, seen.session_id):
        if each.session_id is not None or seen.rights.finds(Thing.of("STAGE", each.key)):
            yield _place("STAGE", each.key) | {
                "STAGE_TYPE": "Internal Named", "STAGE_OWNER": seen.owner(owners, "STAGE", each.key, each.session_id),
                "COMMENT": each.comment or None, "CREATED": each.created_on, "LAST_ALTERED": each.created_on,
                "DIRECTORY_ENABLED": _yes(each.directory),
            }  # fmt: skip


def file_formats(seen: Seen) -> Iterator[Row]:
    owners = seen.storage.grants.owners(seen.account, "FILE FORMAT")
    for each in seen.storage.file_formats.list(seen.account, seen.database, None, seen.session_id):
        if each.key.name.startswith("@"):
            continue  # a stage's own
        if each.session_id is None and not seen.rights.finds(Thing.of("FILE FORMAT", each.key)):
            continue
        options = {
            name: str(value) for name, value in each.options.items() if value is not None and name != "SKIP_HEADER"
        }
        skipped = each.options.get("SKIP_HEADER")
        yield _place("FILE_FORMAT", each.key) | options | {
            "FILE_FORMAT_OWNER": seen.owner(owners, "FILE FORMAT", each.key, each.session_id),
            "SKIP_HEADER": skipped if isinstance(skipped, int) else None,
            "FILE_FORMAT_TYPE": each.type, "CREATED": each.created_on, "LAST_ALTERED": each.created_on,
            "COMMENT": each.comment or None,
        }  # fmt: skip


def load_history(seen: Seen) -> Iterator[Row]:
    for table in seen.tables():
        for file, loaded_on in seen.storage.tables.load_times(table.key, seen.session_id):
            yield {
                "SCHEMA_NAME": table.key.schema, "FILE_NAME": file, "TABLE_NAME": table.key.name,
                "LAST_LOAD_TIME": loaded_on, "STATUS": "LOADED",
            }  # fmt: skip


def table_constraints(seen: Seen) -> Iterator[Row]:
    for table in seen.tables():
        for each in table.constraints:
            yield _place("CONSTRAINT", table.key) | _place("TABLE", table.key) | {
                "CONSTRAINT_NAME": each.name, "CONSTRAINT_TYPE": each.kind, "IS_DEFERRABLE": "NO",
                "INITIALLY_DEFERRED": "YES", "ENFORCED": "NO", "CREATED": table.created_on,
                "LAST_ALTERED": table.created_on, "RELY": "NO", "COMMENT": each.comment or None,
            }  # fmt: skip


def referential_constraints(seen: Seen) -> Iterator[Row]:
    for table in seen.tables():
        for each in table.constraints:
            if each.kind == "FOREIGN KEY":
                other = each.references
                named = _named_key(seen, other, each.reference_columns)
                yield _place("CONSTRAINT", table.key) | {
                    "CONSTRAINT_NAME": each.name, "UNIQUE_CONSTRAINT_CATALOG": other[0] if other else None,
                    "UNIQUE_CONSTRAINT_SCHEMA": other[1] if other else None, "UNIQUE_CONSTRAINT_NAME": named,
                    "MATCH_OPTION": "FULL", "UPDATE_RULE": "NO ACTION", "DELETE_RULE": "NO ACTION",
                    "CREATED": table.created_on, "LAST_ALTERED": table.created_on,
                }  # fmt: skip


def object_privileges(seen: Seen) -> Iterator[Row]:
    for each in _grants(seen):
        yield {
            "GRANTOR": each.granted_by, "GRANTEE": each.grantee, "GRANTED_TO": each.grantee_kind,
            "OBJECT_CATALOG": each.thing.database or None, "OBJECT_SCHEMA": each.thing.schema or None,
            "OBJECT_NAME": each.thing.name or each.thing.schema or each.thing.database,
            "OBJECT_TYPE": each.thing.kind, "PRIVILEGE_TYPE": each.privilege, "IS_GRANTABLE": _yes(each.grant_option),
            "CREATED": each.granted_on,
        }  # fmt: skip


def table_privileges(seen: Seen) -> Iterator[Row]:
    for each in _grants(seen):
        if each.thing.kind in {"TABLE", "VIEW"}:
            yield {
                "GRANTOR": each.granted_by, "GRANTEE": each.grantee, "GRANTED_TO": each.grantee_kind,
                "TABLE_CATALOG": each.thing.database, "TABLE_SCHEMA": each.thing.schema,
                "TABLE_NAME": each.thing.name, "PRIVILEGE_TYPE": each.privilege, "WITH_HIERARCHY": "NO",
                "IS_GRANTABLE": _yes(each.grant_option), "CREATED": each.granted_on,
            }  # fmt: skip


def applicable_roles(seen: Seen) -> Iterator[Row]:
    """The roles that the user may use, and through which user or role it has them."""
    roles = seen.storage.roles
    available = roles.available(seen.account, seen.user)
    for each in roles.memberships(seen.account):
        mine = each.member == seen.user if each.kind == "USER" else each.member in available
        if mine and each.role in available:
            owner = roles.owner(seen.account, each.role)
            yield {"GRANTEE": each.member, "ROLE_NAME": each.role, "ROLE_OWNER": owner, "IS_GRANTABLE": "NO"}


def enabled_roles(seen: Seen) -> Iterator[Row]:
    for role in sorted(seen.rights.roles):
        yield {"ROLE_NAME": role, "ROLE_OWNER": seen.storage.roles.owner(seen.account, role)}


def functions(seen: Seen) -> Iterator[Row]:
    return _routines(seen, "FUNCTION", seen.storage.functions)


def procedures(seen: Seen) -> Iterator[Row]:
    return _routines(seen, "PROCEDURE", seen.storage.procedures)


def _routines(seen: Seen, kind: str, kept: Routines) -> Iterator[Row]:
    owners = seen.storage.grants.owners(seen.account, kind)
    for there in kept.list(seen.account, seen.database, None, seen.session_id):
        thing = Thing.of(kind, there.key)
        if there.session_id is None and not seen.rights.finds(thing):
            continue
        routine = Routine.from_json(there.definition)
        hidden = routine.hides_source(kind) and there.session_id is None and not seen.rights.owns(thing)
        yield _place(kind, replace(there.key, name=there.base)) | {
            f"{kind}_OWNER": seen.owner(owners, kind, there.key, there.session_id),
            "ARGUMENT_SIGNATURE": f"({', '.join(f'{each.name} {standard(each.type)}' for each in routine.parameters)})",
            "DATA_TYPE": routine.returned if routine.returns is None else standard(routine.returns),
            f"{kind}_LANGUAGE": routine.language, f"{kind}_DEFINITION": None if hidden else routine.body,
            "CREATED": there.created_on, "LAST_ALTERED": there.created_on, "COMMENT": routine.comment or None,
        }  # fmt: skip


def _grants(seen: Seen) -> Iterator[Granted]:
    """Privileges in this database on what is there for the roles."""
    for each in seen.storage.grants.list(seen.account):
        thing = each.thing
        there = seen.rights.finds(thing) if thing.name else seen.rights.sees(thing)
        if thing.database == seen.database and there:
            yield each


def _named_key(seen: Seen, other: tuple[str, ...], listed: tuple[str, ...]) -> str | None:
    """What the key is called that a foreign key refers to."""
    if len(other) != 3 or not seen.rights.finds(Thing("TABLE", *other)):
        return None
    table = seen.storage.tables.get(Key(seen.account, *other))
    keys = () if table is None else table.constraints
    return next((each.name for each in keys if each.kind != "FOREIGN KEY" and each.columns == listed), None)


def _columns(key: Key, listed: tuple[Column, ...]) -> Iterator[Row]:
    for position, column in enumerate(listed, start=1):
        kind = parse_type(column.type)
        length = characters(kind)
        number = kind.record.parameters is Parameters.NUMBER
        yield _place("TABLE", key) | {
            "COLUMN_NAME": column.name, "ORDINAL_POSITION": position,
            # An IDENTITY's numbers are no default of it.
            "COLUMN_DEFAULT": None if column.start is not None else column.default,
            "IS_NULLABLE": _yes(column.nullable), "DATA_TYPE": standard(kind), "CHARACTER_MAXIMUM_LENGTH": length,
            "CHARACTER_OCTET_LENGTH": None if length is None else min(_LONGEST, length * _octets(standard(kind))),
            "NUMERIC_PRECISION": kind.precision, "NUMERIC_PRECISION_RADIX": 10 if number else None,
            "NUMERIC_SCALE": kind.scale, "IS_SELF_REFERENCING": "NO", "IS_IDENTITY": _yes(column.start is not None),
            "IDENTITY_START": None if column.start is None else str(column.start),
            "IDENTITY_INCREMENT": None if column.start is None else str(column.step),
            "IDENTITY_ORDERED": None if column.start is None else "NO", "COMMENT": column.comment or None,
            "KIND": "COLUMN",
        }  # fmt: skip


def _octets(name: str) -> int:
    return 1 if name == "BINARY" else _BYTES_A_CHARACTER


def _place(prefix: str, key: Key) -> dict[str, Value]:
    return {f"{prefix}_CATALOG": key.database, f"{prefix}_SCHEMA": key.schema, f"{prefix}_NAME": key.name}


def _yes(value: bool) -> str:
    return "YES" if value else "NO"
