"""Databases and schemas."""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.policies.definition import KINDS as POLICY_KINDS
from cleanroom_ml.engine.sql.read.describe import Describe
from cleanroom_ml.engine.sql.read.drop import Drop
from cleanroom_ml.engine.sql.read.namespace import AlterNamespace, CreateDatabase, CreateSchema
from cleanroom_ml.engine.sql.read.show import Show
from cleanroom_ml.engine.statements import copied, information_schema
from cleanroom_ml.engine.statements.dropped import dropped
from cleanroom_ml.engine.statements.kind import Kind, ObjectKind, Roles
from cleanroom_ml.engine.statements.listing import OWNER, TIME, Listed, Listing, texts, visible
from cleanroom_ml.engine.statements.refusals import displayed, insufficient, no_current, translated
from cleanroom_ml.engine.statements.replies import already_dropped, existed, if_exists
from cleanroom_ml.engine.statements.results import success
from cleanroom_ml.engine.statements.scope import Scope, of_the_system, own_schema, owns, scope_of, sees_schema
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage import sample_listing, samples
from cleanroom_ml.engine.storage.grants import OWNERSHIP, Thing

# Rooms make the first, the engine the others.
RESERVED = ("SFDCR_", "SAMOOHA_BY_SNOWFLAKE")
OF_THE_ENGINE = "CLEANROOM_ML"


def _is_reserved(name: str) -> bool:
    return name == OF_THE_ENGINE or name.startswith(RESERVED)


def create_database(work: Work, statement: CreateDatabase) -> Rows:
    """CREATE DATABASE: it becomes the current one, with its schema PUBLIC."""
    if len(statement.name) != 1:
        raise SqlError.syntax(f"Invalid identifier {displayed(statement.name)}")
    (name,) = statement.name
    if _is_reserved(name):
        raise insufficient(
            f"{OF_THE_ENGINE} and names of databases that start with {' or '.join(RESERVED)} are reserved for clean "
            "rooms."
        )
    work.require_in_account("CREATE DATABASE")
    if name in samples.EVERYWHERE:
        if if_exists(statement) == "ignore":
            return existed(name)
        raise SqlError.already_exists("Database", name)
    source = None if statement.clone is None else _database_thing(work, statement.clone).database
    past = copied.moment(work, statement.moment)
    reply = success(f"Database {name} successfully created.")
    with translated(statement.name), work.recorded(reply):
        # In the transaction that replaces it: somebody else may have made one since the statement began.
        there = work.storage.namespaces.database_kind(work.session.account, name) == "standard"
        if statement.or_replace and there:
            work.require(OWNERSHIP, Thing("DATABASE", name))
        made = work.storage.namespaces.create_database(
            work.session.account,
            name,
            if_exists=if_exists(statement),
            comment=statement.comment,
        )
        if made:
            work.made(Thing("DATABASE", name))
            work.made(Thing("SCHEMA", name, "PUBLIC"))
            if statement.retention is not None:
                work.storage.namespaces.alter(work.session.account, name, retention=statement.retention)
            if source is not None:
                copied.database(work, source, name, past)
            work.session.database, work.session.schema = name, "PUBLIC"
            work.keep_session()
    return reply if made else existed(name)


def create_schema(work: Work, statement: CreateSchema) -> Rows:
    """CREATE SCHEMA: it becomes the current one."""
    database, name = own_schema(work, statement.name)
    if name == "INFORMATION_SCHEMA":
        raise SqlError.already_exists("Schema", name)
    work.require("CREATE SCHEMA", Thing("DATABASE", database))
    source = None if statement.clone is None else _schema_thing(work, statement.clone)
    past = copied.moment(work, statement.moment)
    reply = success(f"Schema {name} successfully created.")
    with translated(statement.name), work.recorded(reply):
        if statement.or_replace and work.storage.namespaces.schema_exists(work.session.account, database, name):
            work.require(OWNERSHIP, Thing("SCHEMA", database, name))
        made = work.storage.namespaces.create_schema(
            work.session.account,
            database,
            name,
            if_exists=if_exists(statement),
            comment=statement.comment,
        )
        if made:
            work.made(Thing("SCHEMA", database, name))
            if statement.retention is not None:
                work.storage.namespaces.alter(work.session.account, database, name, retention=statement.retention)
            if source is not None:
                copied.schema(work, (source.database, source.schema), (database, name), past)
            work.session.database, work.session.schema = database, name
            work.keep_session()
    return reply if made else existed(name)


def alter_namespace(work: Work, statement: AlterNamespace) -> Rows:
    """ALTER DATABASE | SCHEMA … RENAME TO, SET, UNSET."""
    account, namespaces = work.session.account, work.storage.namespaces
    reply = success()
    try:
        of = _database_thing if statement.kind == "DATABASE" else _schema_thing
        thing = of(work, statement.name or _current(work, statement.kind))
    except SqlError:
        if statement.if_exists:
            return reply
        raise
    new: tuple[str, ...] | None = None
    if statement.new_name is not None:
        new = statement.new_name if statement.kind == "DATABASE" else own_schema(work, statement.new_name)
        if statement.kind == "DATABASE" and (len(new) != 1 or _is_reserved(new[0])):
            raise SqlError.syntax(f"Invalid identifier {displayed(new)}")
        if statement.kind == "DATABASE" and new[0] in samples.EVERYWHERE:
            raise SqlError.already_exists("database", new[0])
        if statement.kind == "SCHEMA" and new[1] == "INFORMATION_SCHEMA":
            raise SqlError.already_exists("schema", displayed(new))
    with translated(statement.new_name or statement.name), work.recorded(reply):
        work.require(OWNERSHIP, thing)
        if new is None:
            namespaces.alter(
                account,
                thing.database,
                thing.schema or None,
                comment=statement.comment,
                retention=statement.retention,
            )
            return reply
        if statement.kind == "DATABASE":
            work.require_in_account("CREATE DATABASE")
        else:
            work.require("CREATE SCHEMA", Thing("DATABASE", new[0]))
        namespaces.rename(account, thing.database, thing.schema or None, new)
        session = work.session
        if session.database == thing.database and (not thing.schema or session.schema == thing.schema):
            session.database, session.schema = new[0], session.schema if statement.kind == "DATABASE" else new[1]
            work.keep_session()
    return reply


def _current(work: Work, kind: str) -> tuple[str, ...]:
    database, schema = work.session.database, work.session.schema
    if database is None:
        raise no_current("database")
    if kind == "DATABASE":
        return (database,)
    if schema is None:
        raise no_current("schema")
    return database, schema


def drop_database(work: Work, statement: Drop) -> Rows:
    """DROP DATABASE: standard databases only, a room's is not there."""
    name = statement.name[-1]
    if len(statement.name) != 1 or not owns(work, name):
        if statement.if_exists:
            return already_dropped(name)
        raise SqlError.not_found("Database", displayed(statement.name))
    reply = success(f"{name} successfully dropped.")
    with translated(statement.name), work.recorded(reply):
        work.require(OWNERSHIP, Thing("DATABASE", name))
        work.storage.namespaces.drop_database(work.session.account, name, if_exists=statement.if_exists)
        if work.session.database == name:
            work.session.database = work.session.schema = None
            work.keep_session()
    return reply


def drop_schema(work: Work, statement: Drop) -> Rows:
    """DROP SCHEMA."""
    try:
        database, name = own_schema(work, statement.name)
    except SqlError:
        if statement.if_exists:
            return already_dropped(statement.name[-1])
        raise
    reply = success(f"{name} successfully dropped.")
    with translated(statement.name), work.recorded(reply):
        if work.storage.namespaces.schema_exists(work.session.account, database, name):
            work.require(OWNERSHIP, Thing("SCHEMA", database, name))
        dropped = work.storage.namespaces.drop_schema(
            work.session.account, database, name, if_exists=statement.if_exists
        )
        if (work.session.database, work.session.schema) == (database, name):
            # As sql/drop-schema.md shows it: SHOW SCHEMAS has PUBLIC as the current one then.
            work.session.schema = "PUBLIC" if sees_schema(work, database, "PUBLIC") else None
            work.keep_session()
    return reply if dropped else already_dropped(name)


def describe_database(work: Work, statement: Describe) -> Rows:
    """DESCRIBE DATABASE: its schemas."""
    if len(statement.name) != 1 or not (owns(work, statement.name[0]) or of_the_system(work, statement.name)):
        raise SqlError.not_found("Database", displayed(statement.name))
    schemas = sample_listing.schemas(work.storage, work.session.account, statement.name[0])
    seen = [each for each in schemas if work.rights.sees(Thing("SCHEMA", each.database, each.name))]
    return Rows(_MEMBER, [(each.created_on, each.name, "SCHEMA") for each in seen])


def describe_schema(work: Work, statement: Describe) -> Rows:
    """DESCRIBE SCHEMA: its tables and views."""
    account = work.session.account
    database, schema = own_schema(work, statement.name)
    if not sees_schema(work, database, schema):
        raise SqlError.not_found("Schema", displayed(statement.name))
    tables = visible(work, "TABLE", work.storage.tables.list(account, database, schema, work.session.id))
    views = visible(work, "VIEW", work.storage.views.list(account, database, schema, work.session.id))
    rows = [(each.created_on, each.key.name, "TABLE") for each, _ in tables]
    rows += [(each.created_on, each.key.name, "VIEW") for each, _ in views]
    return Rows(_MEMBER, rows)


def _schemas(work: Work, statement: Show) -> Listed:
    scope = scope_of(work, statement)
    databases = [scope.database] if scope.database else [str(each["name"]) for each in _databases(work, statement)]
    account = work.session.account
    owners = sample_listing.owners(work.storage, account, "SCHEMA")
    for database in databases:
        made = next(each for each in sample_listing.databases(work.storage, account) if each.name == database)
        yield {
            "created_on": made.created_on, "name": information_schema.NAME, "is_default": "N", "is_current": "N",
            "database_name": database, "owner": "", "comment": _ITSELF, "options": "", "retention_time": "1",
            "owner_role_type": "",
        }  # fmt: skip
        for schema in sample_listing.schemas(work.storage, account, database):
            thing = Thing("SCHEMA", database, schema.name)
            if not work.rights.sees(thing):
                continue
            current = (database, schema.name) == (work.session.database, work.session.schema)
            yield {
                "created_on": schema.created_on, "name": schema.name, "is_default": "N",
                "is_current": "Y" if current else "N", "database_name": database, "owner": owners.get(thing, OWNER),
                "comment": schema.comment, "options": "", "owner_role_type": "ROLE",
                "retention_time": str(work.storage.namespaces.retention(schema.account, database, schema.name)),
            }  # fmt: skip


def _databases(work: Work, statement: Show) -> Listed:
    owners = sample_listing.owners(work.storage, work.session.account, "DATABASE")
    for database in sample_listing.databases(work.storage, work.session.account):
        thing = Thing("DATABASE", database.name)
        if database.kind == "standard" and work.rights.sees(thing):
            yield {
                "created_on": database.created_on, "name": database.name, "is_default": "N",
                "is_current": "Y" if database.name == work.session.database else "N", "origin": "",
                "owner": owners.get(thing, OWNER),
                "comment": database.comment, "options": "", "kind": "STANDARD",
                "retention_time": str(work.storage.namespaces.retention(database.account, database.name)),
                "owner_role_type": "ROLE",
            }  # fmt: skip


def _database_thing(work: Work, name: tuple[str, ...]) -> Thing:
    if len(name) != 1 or not owns(work, name[0]):
        raise SqlError.not_found("Database", displayed(name))
    return Thing("DATABASE", name[0])


def _schema_thing(work: Work, name: tuple[str, ...]) -> Thing:
    database, schema = own_schema(work, name)
    if not sees_schema(work, database, schema):
        raise SqlError.not_found("Schema", displayed(name))
    return Thing("SCHEMA", database, schema)


def _all_schemas(work: Work, database: str, schema: str | None) -> list[Thing]:
    return [
        Thing("SCHEMA", database, each.name)
        for each in work.storage.namespaces.schemas(work.session.account, database)
        if schema is None
    ]


_ITSELF: Final = "Views describing the contents of schemas in this database"
_MEMBER: Final = (("created_on", TIME), *texts("name", "kind"))
_DATABASES: Final = (
    "created_on", "name", "is_default", "is_current", "origin", "owner", "comment", "options", "retention_time",
    "kind", "budget", "owner_role_type", "object_visibility",
)  # fmt: skip
_SCHEMAS: Final = (
    "created_on", "name", "is_default", "is_current", "database_name", "owner", "comment", "options",
    "retention_time", "owner_role_type", "budget",
)  # fmt: skip
KINDS: Final = (
    Kind(CreateDatabase, create_database, roles=Roles.NAMES, commits=True),
    Kind(CreateSchema, create_schema, roles=Roles.NAMES, commits=True),
    Kind(AlterNamespace, alter_namespace, roles=Roles.NAMES, commits=True),
)
OBJECTS: Final = (
    ObjectKind(
        "DATABASE",
        drop=drop_database,
        describe=describe_database,
        thing=_database_thing,
        privileges=("USAGE", "CREATE SCHEMA", "MODIFY", "MONITOR", "REFERENCE_USAGE"),
    ),
    ObjectKind(
        "SCHEMA",
        drop=drop_schema,
        describe=describe_schema,
        thing=_schema_thing,
        privileges=(
            *("USAGE", "MODIFY", "MONITOR"),
            *("CREATE TABLE", "CREATE VIEW", "CREATE STAGE", "CREATE FILE FORMAT", "CREATE SEQUENCE"),
            *("CREATE FUNCTION", "CREATE PROCEDURE"),
            *(f"CREATE {kind}" for kind in POLICY_KINDS),
        ),
        everything=_all_schemas,
    ),
)
LISTINGS: Final = (
    Listing("DATABASES", _DATABASES, _databases, dropped=lambda work, _: dropped(work, "DATABASE", Scope(None, None))),
    Listing(
        "SCHEMAS",
        _SCHEMAS,
        _schemas,
        dropped=lambda work, statement: dropped(work, "SCHEMA", scope_of(work, statement)),
    ),
)
