"""USE, ALTER SESSION, SET and UNSET: the session's own context."""

from __future__ import annotations

import json
from datetime import date, datetime, time
from decimal import Decimal
from typing import Final, Literal

from cleanroom_ml.engine.contracts.table import ALTER_SESSION, USE, Rows
from cleanroom_ml.engine.sql.binds import Value, Variant
from cleanroom_ml.engine.sql.compile.queries import compile_scalars
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.session import AlterSession, SetVariable, UnsetVariable
from cleanroom_ml.engine.sql.read.show import Show
from cleanroom_ml.engine.sql.read.use import Use
from cleanroom_ml.engine.sql.values import json_text
from cleanroom_ml.engine.statements import session_parameters
from cleanroom_ml.engine.statements.kind import Allowed, Kind, Roles
from cleanroom_ml.engine.statements.kinds.transaction import commit_open
from cleanroom_ml.engine.statements.listing import Listed, Listing
from cleanroom_ml.engine.statements.refusals import displayed, insufficient
from cleanroom_ml.engine.statements.results import plain, success
from cleanroom_ml.engine.statements.scope import full_name, of_the_system, own_schema, owns, sees_schema
from cleanroom_ml.engine.statements.transactions import session_variables
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.grants import Thing

_MAX_PARAMETERS = 200
_MAX_VALUE = 16_384
_ROOM_USES = frozenset({"DATABASE", "SCHEMA", "SECONDARY ROLES"})
_NAMELESS = ("X",)
_VARIABLE_TYPES: Final[tuple[tuple[type, str], ...]] = (
    (bool, "boolean"),
    (int, "fixed"),
    (Decimal, "fixed"),
    (float, "real"),
    (datetime, "timestamp_ntz"),
    (date, "date"),
    (time, "time"),
    (bytes, "binary"),
    (Variant, "variant"),
)


def use(work: Work, statement: Use) -> Rows:
    """USE DATABASE | SCHEMA | WAREHOUSE | ROLE | SECONDARY ROLES."""
    session, name = work.session, statement.name
    match statement.kind:
        case "ROLE":
            if len(name) != 1 or name[0] not in work.storage.roles.available(session.account, session.user):
                raise insufficient(f"role '{displayed(name)}' does not exist or is not granted to you.")
            session.role = name[0]
        case "SECONDARY ROLES":
            return _use_secondary(work, name)
        case "WAREHOUSE":
            there = work.storage.warehouses.get(session.account, name[-1]) is not None
            if not there or not work.rights.sees(Thing("WAREHOUSE", name=name[-1])):
                raise SqlError.not_found("Warehouse", displayed(name))
            session.warehouse = name[-1]
        case "SCHEMA":
            session.database, session.schema = _schema(work, name)
        case _ if len(name) == 2:
            session.database, session.schema = _schema(work, name)
        case _:
            session.database, session.schema = _database(work, name)
    work.keep_session()
    return success()


def _use_secondary(work: Work, name: tuple[str, ...]) -> Rows:
    """USE SECONDARY ROLES ALL | NONE; of the session, whatever it runs in. In a room there are no roles at all."""
    match name:
        case ("ALL",):
            value: Literal["ALL", ""] = "ALL"
        case ("NONE",):
            value = ""
        case _:
            raise SqlError.unsupported("USE SECONDARY ROLES of some roles; ALL and NONE are")
    reply = success()
    if not work.restricted:
        with work.recorded(reply):
            work.storage.roles.set_secondary(work.session.id, value)
    return reply


def alter_session(work: Work, statement: AlterSession) -> Rows:
    """ALTER SESSION SET | UNSET: what is set acts, or is refused (session_parameters.py)."""
    parameters = work.session.parameters
    checked: dict[str, str] = {}
    unset = list(statement.unset)
    for name, value in statement.set.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if text.upper() == "DEFAULT" and name in session_parameters.DEFAULTS:
            unset.append(name)
            continue
        if len(text) > _MAX_VALUE or (name not in parameters and len(parameters) >= _MAX_PARAMETERS):
            raise SqlError.bad_value(f"Session parameter {name[:100]} is too large, or there are too many.")
        session_parameters.check(name, text)
        checked[name] = text
    if "AUTOCOMMIT" in checked:
        commit_open(work)  # sql-reference/transactions.md, "Autocommit"
    parameters.update(checked)
    for name in unset:
        parameters.pop(name, None)
    work.keep_session()
    return success()


def set_variable(work: Work, statement: SetVariable) -> Rows:
    """SET a = expression: evaluated by a worker, like every expression."""
    if any(not name.replace("_", "A").replace("$", "A").isalnum() for name in statement.names):
        raise SqlError.invalid_identifier(", ".join(statement.names))
    compiled = compile_scalars(statement.values, work.catalog, work.binds)
    _, rows = work.warehouse.rows(compiled, query_id=work.query_id, timeout=work.seconds)
    for name, value in zip(statement.names, rows[0], strict=True):
        kept: Value = plain(value)  # type: ignore[assignment]
        if len(json.dumps(kept)) > _MAX_VALUE or len(work.session.variables) > _MAX_PARAMETERS:
            raise SqlError.bad_value(f"Session variable {name[:100]} is too large, or there are too many.")
        work.session.variables[name] = kept
    work.keep_session()
    return success()


def unset_variable(work: Work, statement: UnsetVariable) -> Rows:
    """UNSET a, …."""
    for name in statement.names:
        if name in work.catalog.context().variables:
            work.session.variables.pop(name, None)
    work.keep_session()
    return success()


def _database(work: Work, name: tuple[str, ...]) -> tuple[str, str | None]:
    if work.restricted:
        key = work.catalog.target((*name, "CLEANROOM", *_NAMELESS), "TABLE")
        return key.database, key.schema
    if of_the_system(work, name):
        return name[-1], None
    if not owns(work, name[-1]):
        raise SqlError.not_found("Database", displayed(name))
    return name[-1], "PUBLIC" if sees_schema(work, name[-1], "PUBLIC") else None


def _schema(work: Work, name: tuple[str, ...]) -> tuple[str, str]:
    if work.restricted:
        key = work.catalog.target((*name, *_NAMELESS), "TABLE")
        return key.database, key.schema
    whole = full_name(work, name, 2)
    if len(whole) == 2 and of_the_system(work, whole):
        return whole[0], whole[1]
    database, schema = own_schema(work, name)
    if not sees_schema(work, database, schema):
        raise SqlError.not_found("Schema", displayed(name))
    return database, schema


def _parameters(work: Work, statement: Show) -> Listed:
    for name in sorted(session_parameters.DEFAULTS.keys() | work.session.parameters.keys()):
        default = session_parameters.DEFAULTS.get(name, "")
        value = work.session.parameters.get(name, default)
        level = "SESSION" if name in work.session.parameters else ""
        kind = "BOOLEAN" if value in {"true", "false"} else "NUMBER" if value.isdigit() else "STRING"
        yield {"key": name, "value": value, "default": default, "level": level, "description": "", "type": kind}


def _displayed(value: Value) -> str:
    return json_text.shown(json_text.read(value), indent=None) if isinstance(value, Variant) else str(value)


def _variables(work: Work, statement: Show) -> Listed:
    for name, value in sorted(session_variables(work.session).items()):
        kind = next((name for type_, name in _VARIABLE_TYPES if isinstance(value, type_)), "text")
        yield {"session_id": work.session.id, "name": name, "value": _displayed(value), "type": kind, "comment": ""}


KINDS: Final = (
    Kind(AlterSession, alter_session, ALTER_SESSION, allowed=Allowed.JOB, roles=Roles.SESSION),
    Kind(SetVariable, set_variable, allowed=Allowed.JOB, roles=Roles.NAMES),
    Kind(UnsetVariable, unset_variable, allowed=Allowed.JOB, roles=Roles.SESSION),
    Kind(
        Use, use, USE, allowed=Allowed.JOB, roles=Roles.NAMES, narrowed=lambda statement: statement.kind in _ROOM_USES
    ),
)
LISTINGS: Final = (
    Listing(
        "PARAMETERS",
        ("key", "value", "default", "level", "description", "type"),
        _parameters,
        in_room=True,
        named="key",
    ),
    Listing(
        "VARIABLES",
        ("session_id", "created_on", "updated_on", "name", "value", "type", "comment"),
        _variables,
        in_room=True,
        times=frozenset({"created_on", "updated_on"}),
    ),
)
