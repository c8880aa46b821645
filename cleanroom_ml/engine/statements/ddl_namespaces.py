"""Databases and schemas."""

from __future__ import annotations

from typing import Literal

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.nodes import CreateDatabase, CreateObject, CreateSchema, Drop
from cleanroom_ml.engine.statements.ddl_tables import already_dropped
from cleanroom_ml.engine.statements.refusals import insufficient, no_current, shown, translated
from cleanroom_ml.engine.statements.results import Rows, success
from cleanroom_ml.engine.statements.work import Work

IfExists = Literal["error", "replace", "ignore"]

# Rooms make the first, the engine the second.
RESERVED = ("SFDCR_", "SAMOOHA_BY_SNOWFLAKE")


def if_exists(statement: CreateObject) -> IfExists:
    """What a CREATE does where the thing is there."""
    return "replace" if statement.or_replace else "ignore" if statement.if_not_exists else "error"


def existed(name: str) -> Rows:
    """The answer of a CREATE … IF NOT EXISTS that made nothing."""
    return success(f"{name} already exists, statement succeeded.")


def create_database(work: Work, statement: CreateDatabase) -> Rows:
    """CREATE DATABASE: it becomes the current one, with its schema PUBLIC."""
    if len(statement.name) != 1:
        raise SqlError.syntax(f"Invalid identifier {shown(statement.name)}")
    (name,) = statement.name
    if name.startswith(RESERVED):
        raise insufficient(f"names of databases that start with {' or '.join(RESERVED)} are reserved for clean rooms.")
    reply = success(f"Database {name} successfully created.")
    with translated(statement.name), work.recorded(reply):
        made = work.storage.namespaces.create_database(
            work.session.account,
            name,
            if_exists=if_exists(statement),
            comment=str(statement.options.get("COMMENT", "")),
        )
        if made:
            work.session.database, work.session.schema = name, "PUBLIC"
            work.keep_session()
    return reply if made else existed(name)


def create_schema(work: Work, statement: CreateSchema) -> Rows:
    """CREATE SCHEMA: it becomes the current one."""
    database, name = own_schema(work, statement.name)
    if name == "INFORMATION_SCHEMA":
        raise SqlError.already_exists("Schema", name)
    reply = success(f"Schema {name} successfully created.")
    with translated(statement.name), work.recorded(reply):
        made = work.storage.namespaces.create_schema(
            work.session.account,
            database,
            name,
            if_exists=if_exists(statement),
            comment=str(statement.options.get("COMMENT", "")),
        )
        if made:
            work.session.database, work.session.schema = database, name
            work.keep_session()
    return reply if made else existed(name)


def drop_database(work: Work, statement: Drop) -> Rows:
    """DROP DATABASE: standard databases only, a room's is not there."""
    name = statement.name[-1]
    if len(statement.name) != 1 or not owns(work, name):
        if statement.if_exists:
            return already_dropped(name)
        raise SqlError.not_found("Database", shown(statement.name))
    reply = success(f"{name} successfully dropped.")
    with translated(statement.name), work.recorded(reply):
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
        dropped = work.storage.namespaces.drop_schema(
            work.session.account, database, name, if_exists=statement.if_exists
        )
        if (work.session.database, work.session.schema) == (database, name):
            work.session.schema = None
            work.keep_session()
    return reply if dropped else already_dropped(name)


def owns(work: Work, database: str) -> bool:
    """Whether an account session may know of the database."""
    return work.storage.namespaces.database_kind(work.session.account, database) == "standard"


def own_schema(work: Work, parts: tuple[str, ...]) -> tuple[str, str]:
    """A schema's (database, name), whether or not it is there. Raises SqlError: the database is not this account's."""
    if len(parts) > 2:
        raise SqlError.syntax(f"Invalid identifier {shown(parts)}")
    database = parts[0] if len(parts) == 2 else work.session.database
    if database is None:
        raise no_current("database")
    if not owns(work, database):
        raise SqlError.not_found("Database", shown((database,)))
    return database, parts[-1]
