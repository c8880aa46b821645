"""Databases and schemas that a command needs: made where they are missing, if the target is an engine.

Which it is by what it answers: one that has procedures of CLEANROOM_ML is an engine, whose accounts are a person's own.
On an account of Snowflake a database is an administrator's to make, and a mistyped name must not become one.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence

from cleanroom_ml.connection import Connection
from cleanroom_ml.errors import ServerError
from cleanroom_ml.naming import display, quote_name, split_name

DOES_NOT_EXIST = 2003


def in_its_schema(connection: Connection, name: str, make: Callable[[], object]) -> tuple[str, ...]:
    """Call `make`, which makes the object `name` (DATABASE.SCHEMA.NAME); what had to be made before it comes back.

    Raises:
        ServerError: the database or schema is not there, and the target is no engine; what `make` raised.
    """
    try:
        make()
    except ServerError as error:
        parts = split_name(name)
        if error.code != DOES_NOT_EXIST or len(parts) != 3:
            raise
        if not connection.capabilities.own_procedures:
            error.fix = f"{_command(parts)}, as a role that may, or another name"
            raise
        made = _ensure(connection, parts[0], parts[1])
        if not made:
            raise
        make()
        return made
    return ()


def _command(parts: Sequence[str]) -> str:
    """What makes a database and a schema, for a shell."""
    database, schema = display(parts[0]), ".".join(map(display, parts[:2]))
    text = f"CREATE DATABASE IF NOT EXISTS {database}; CREATE SCHEMA IF NOT EXISTS {schema}"
    return f"cleanroom-ml sql {shlex.quote(text)}"


def _ensure(connection: Connection, database: str, schema: str) -> tuple[str, ...]:
    """Make the database and the schema if need be; `database D` and `schema D.S`, as far as they were missing."""
    made = []
    for kind, parts in (("database", (database,)), ("schema", (database, schema))):
        status = connection.execute(f"CREATE {kind.upper()} IF NOT EXISTS {quote_name(parts)}")[0]["status"]
        if "successfully created" in str(status):
            made.append(f"{kind} {'.'.join(map(display, parts))}")
    return tuple(made)
