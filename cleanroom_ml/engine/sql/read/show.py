"""SHOW."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.numbers import whole_number
from cleanroom_ml.engine.sql.read.form import Form
from cleanroom_ml.engine.sql.read.registry import accept_one, displayed
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.statement import Name, Statement

_SCOPES: Final = (
    *(("ACCOUNT",), ("SESSION",), ("DATABASE",), ("SCHEMA",), ("TABLE",), ("VIEW",), ("APPLICATION",), ("USER",)),
    *(("ROLE",), ("WAREHOUSE",), ("COMPUTE", "POOL"), ("STAGE",)),
)


@dataclass(frozen=True, slots=True)
class Show(Statement):
    """SHOW [TERSE | AS RESOURCE] `kind` [HISTORY] [LIKE 'pattern'] [IN [`scope_kind`] `scope`] [STARTS WITH …]
    [LIMIT n [FROM '…']].

    `kind` is in upper case, several words joined by one blank (FILE FORMATS, COMPUTE POOLS, PRIMARY KEYS …);
    `scope_kind` is ACCOUNT, DATABASE, SCHEMA, TABLE, SESSION or None.
    """

    kind: str
    like: str | None = None
    scope_kind: str | None = None
    scope: Name | None = None
    terse: bool = False
    starts_with: str | None = None
    limit: int | None = None
    from_name: str | None = None
    history: bool = False
    as_resource: bool = False


def _show(source: Source) -> Statement:
    cursor = source.cursor
    cursor.expect("SHOW")
    terse = cursor.accept("TERSE")
    as_resource = not terse and cursor.accept("AS", "RESOURCE")
    kind = accept_one(source, displayed())
    if kind is None:
        what = cursor.peek()
        raise SqlError.unsupported(f"SHOW {what.upper[:40] if what else ''}".strip())
    history = cursor.accept("HISTORY")
    like = source.names.text() if cursor.accept("LIKE") else None
    scope_kind, scope = None, None
    if cursor.accept("IN"):
        scope_kind = accept_one(source, _SCOPES)
        if (
            scope_kind not in {"ACCOUNT", "SESSION"}
            and not cursor.done
            and not any(cursor.looking_at(word) for word in ("STARTS", "LIMIT", "LIKE"))
        ):
            scope = source.names.name()
    if like is None and cursor.accept("LIKE"):
        like = source.names.text()
    starts = source.names.text() if cursor.accept("STARTS", "WITH") else None
    limit, from_name = None, None
    if cursor.accept("LIMIT"):
        limit = whole_number(cursor.next().text)
        if limit is None:
            raise SqlError.syntax("LIMIT needs a number.")
        from_name = source.names.text() if cursor.accept("FROM") else None
    cursor.expect_end()
    return Show(kind, like, scope_kind, scope, terse, starts, limit, from_name, history, as_resource)


FORMS: Final = (Form(("SHOW",), _show),)
# What is listed and is no kind of object here; which of them there are, the handlers say.
SHOWN: Final = tuple(
    tuple(words.split())
    for words in (
        *("OBJECTS", "COLUMNS", "PARAMETERS", "VARIABLES", "USER PROCEDURES", "FUNCTIONS", "USER FUNCTIONS"),
        *("EXTERNAL FUNCTIONS", "PRIMARY KEYS", "IMPORTED KEYS", "EXPORTED KEYS", "UNIQUE KEYS", "TRANSACTIONS"),
        *("SERVICES", "VERSIONS", "SECRETS", "ACCOUNTS", "ORGANIZATION ACCOUNTS", "LOCKS", "TASKS", "STREAMS"),
        *("PIPES", "SHARES", "DYNAMIC TABLES", "EXTERNAL TABLES", "EVENT TABLES", "MATERIALIZED VIEWS"),
        *("IMAGE REPOSITORIES", "TAGS"),
        *("PACKAGES POLICIES", "LISTINGS", "ALERTS", "INTEGRATIONS", "NETWORK RULES"),
        *("NETWORK POLICIES", "STREAMLITS", "DATABASE ROLES", "REGIONS"),
    )
)
