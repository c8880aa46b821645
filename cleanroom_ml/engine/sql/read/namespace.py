"""Databases and schemas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeVar

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.form import Modifiers, ObjectForm
from cleanroom_ml.engine.sql.read.past import RETENTION, Past, read_past, read_settings, retention_days
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.statement import Name, Statement

Made = TypeVar("Made", "CreateDatabase", "CreateSchema")
_HINTS: Final = frozenset({"MAX_DATA_EXTENSION_TIME_IN_DAYS", "DEFAULT_PYTHON_ARTIFACT_REPOSITORY"})
"""What changes nothing that a statement could see."""


@dataclass(frozen=True, slots=True)
class _CreateNamespace(Statement):
    """`clone`: of another one, as it was at `moment`."""

    name: Name
    or_replace: bool = False
    if_not_exists: bool = False
    comment: str = ""
    retention: int | None = None
    clone: Name | None = None
    moment: Past | None = None


@dataclass(frozen=True, slots=True)
class CreateDatabase(_CreateNamespace):
    """CREATE DATABASE."""


@dataclass(frozen=True, slots=True)
class CreateSchema(_CreateNamespace):
    """CREATE SCHEMA."""


@dataclass(frozen=True, slots=True)
class AlterNamespace(Statement):
    """ALTER `kind` (DATABASE or SCHEMA) `name` RENAME TO `new_name`, or SET and UNSET (a negative retention: as what is
    above says). No name: the current one.
    """

    kind: str
    name: Name
    new_name: Name | None = None
    comment: str | None = None
    retention: int | None = None
    if_exists: bool = False


def _create(source: Source, modifiers: Modifiers, made: type[Made]) -> Made:
    cursor = source.cursor
    if_not_exists = cursor.accept("IF", "NOT", "EXISTS")
    name = source.names.name()
    if_not_exists = cursor.accept("IF", "NOT", "EXISTS") or if_not_exists
    if cursor.looking_at("FROM"):
        raise SqlError.unsupported("CREATE DATABASE … FROM a share or a backup")
    clone, moment = None, None
    if cursor.accept("CLONE"):
        clone = source.names.name()
        moment = read_past(source)
    cursor.accept("WITH")
    if cursor.looking_at("MANAGED"):
        raise SqlError.unsupported("CREATE SCHEMA … WITH MANAGED ACCESS")
    options = source.names.options()
    if unknown := sorted(options.keys() - _HINTS - {"COMMENT", RETENTION}):
        raise SqlError.unsupported(f"option {unknown[0][:40]} of a database or schema")
    cursor.expect_end()
    days = retention_days(options)
    if days is not None and days > 1 and "TRANSIENT" in modifiers.words:
        raise SqlError(1008, "22023", f"SQL compilation error:\ninvalid value [{days}] for parameter '{RETENTION}'")
    comment = str(options.get("COMMENT", ""))
    return made(name, modifiers.or_replace, if_not_exists, comment, days, clone, moment)


def _create_database(source: Source, modifiers: Modifiers) -> CreateDatabase:
    if source.cursor.looking_at("ROLE"):
        raise SqlError.unsupported("CREATE DATABASE ROLE")
    return _create(source, modifiers, CreateDatabase)


def _create_schema(source: Source, modifiers: Modifiers) -> CreateSchema:
    return _create(source, modifiers, CreateSchema)


def _alter(source: Source, kind: str) -> AlterNamespace:
    cursor = source.cursor
    if_exists = cursor.accept("IF", "EXISTS")
    current = not if_exists and (cursor.looking_at("SET") or cursor.looking_at("UNSET"))
    name = () if current else source.names.name(2)
    if cursor.accept("RENAME", "TO"):
        made = AlterNamespace(kind, name, source.names.name(2), if_exists=if_exists)
    elif cursor.looking_at("SET") or cursor.looking_at("UNSET"):
        comment, retention = read_settings(source, _HINTS, kind)
        made = AlterNamespace(kind, name, None, comment, retention, if_exists)
    else:
        what = cursor.peek()
        raise SqlError.unsupported(f"ALTER {kind} … {what.upper[:40] if what else ''}".strip())
    cursor.expect_end()
    return made


def _alter_database(source: Source) -> AlterNamespace:
    return _alter(source, "DATABASE")


def _alter_schema(source: Source) -> AlterNamespace:
    return _alter(source, "SCHEMA")


OBJECTS: Final = (
    ObjectForm(("DATABASE",), ("DATABASES",), create=_create_database, alter=_alter_database),
    ObjectForm(("SCHEMA",), ("SCHEMAS",), create=_create_schema, alter=_alter_schema),
)
