"""Databases and schemas as an account's session may know of them, and where a SHOW looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.show import Show
from cleanroom_ml.engine.statements.ports import FREEFORM
from cleanroom_ml.engine.statements.refusals import displayed, no_current
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage import samples
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.keys import View

INFORMATION_SCHEMA: Final = "INFORMATION_SCHEMA"


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a SHOW looks: one schema, one database (`schema` None), or all standard databases (both None)."""

    database: str | None
    schema: str | None


def scope_of(work: Work, statement: Show) -> Scope:
    """The scope of a SHOW, checked. Raises SqlError not found: it names what is not this session's."""
    if work.restricted:
        # A room has one schema; whatever is asked, the answer is that schema or a refusal.
        name = (*(statement.scope or ()), "X") if statement.scope_kind in {"SCHEMA", "DATABASE", None} else ("X",)
        if statement.scope_kind == "DATABASE" and statement.scope:
            name = (*statement.scope, work.catalog.target(("X",), "TABLE").schema, "X")
        key = work.catalog.target(name, "TABLE")
        return Scope(key.database, key.schema)
    session, scope = work.session, statement.scope
    if statement.scope_kind == "ACCOUNT":
        return Scope(None, None)
    if scope is None:
        if statement.scope_kind == "SCHEMA" and session.schema is None:
            raise no_current("schema")
        if statement.scope_kind == "DATABASE" and session.database is None:
            raise no_current("database")
        database = session.database if session.database and owns(work, session.database) else None
        return Scope(database, session.schema if database and statement.scope_kind != "DATABASE" else None)
    as_schema = statement.scope_kind == "SCHEMA" or len(scope) == 2
    if of_the_system(work, scope):
        return Scope(scope[0], scope[1] if len(scope) == 2 else None)
    if not as_schema:
        if not owns(work, scope[0]):
            raise SqlError.not_found("Database", displayed(scope))
        return Scope(scope[0], None)
    database, schema = own_schema(work, scope)
    if not sees_schema(work, database, schema):
        raise SqlError.not_found("Schema", displayed(scope))
    return Scope(database, schema)


def of_the_system(work: Work, scope: tuple[str, ...]) -> bool:
    """Whether this is a place that every account has. A database of that name that somebody made stands before it."""
    return len(scope) <= 2 and samples.exists(work.storage.namespaces, work.session.account, scope)


def shared_view(work: Work, name: tuple[str, ...]) -> View | None:
    """A view for free-form SQL that the session's roles may query, by its name (cleanrooms/free-form-sql)."""
    whole = full_name(work, name)
    if work.shared is None or len(whole) != 3 or whole[1] != FREEFORM:
        return None
    views = work.shared.listed(work.session.account, work.rights, whole[0])
    return next((each for each in views if each.key.name == whole[2]), None)


def shared_views(work: Work, statement: Show) -> Sequence[View]:
    """Those of the room that a SHOW names; none where it names another place, or nothing there is for its roles."""
    scope = statement.scope
    if work.shared is None or not scope or len(scope) > 2 or (len(scope) == 2 and scope[1] != FREEFORM):
        return ()
    if len(scope) == 1 and statement.scope_kind == "SCHEMA":
        return ()
    return work.shared.listed(work.session.account, work.rights, scope[0])


def owns(work: Work, database: str) -> bool:
    """Whether an account session may know of the database: its roles have some privilege on it."""
    kind = work.storage.namespaces.database_kind(work.session.account, database)
    return kind == "standard" and work.rights.sees(Thing("DATABASE", database))


def sees_schema(work: Work, database: str, schema: str) -> bool:
    """Whether there is such a schema for an account session, in a database that it may know of."""
    if schema == INFORMATION_SCHEMA:
        return True  # everybody's who may enter the database
    there = work.storage.namespaces.schema_exists(work.session.account, database, schema)
    return there and work.rights.sees(Thing("SCHEMA", database, schema))


def full_name(work: Work, name: tuple[str, ...], parts: int = 3) -> tuple[str, ...]:
    """A name of so many parts, with the session's current database and schema where it leaves them out; shorter where
    there is none.
    """
    current = tuple(part for part in (work.session.database, work.session.schema) if part is not None)
    return (*current[: max(0, parts - len(name))], *name)


def own_schema(work: Work, parts: tuple[str, ...]) -> tuple[str, str]:
    """A schema's (database, name), whether or not it is there. Raises SqlError: the database is not this account's."""
    if len(parts) > 2:
        raise SqlError.syntax(f"Invalid identifier {displayed(parts)}")
    database = parts[0] if len(parts) == 2 else work.session.database
    if database is None:
        raise no_current("database")
    if not owns(work, database):
        raise SqlError.not_found("Database", displayed((database,)))
    return database, parts[-1]
