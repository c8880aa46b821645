"""UNDROP TABLE | SCHEMA | DATABASE (sql-reference/sql/undrop-table and its like): for the role that owned it."""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.past import Undrop
from cleanroom_ml.engine.statements.dropped import owned
from cleanroom_ml.engine.statements.kind import Kind, Roles
from cleanroom_ml.engine.statements.refusals import displayed, no_privilege, translated
from cleanroom_ml.engine.statements.results import success
from cleanroom_ml.engine.statements.scope import own_schema
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage import samples
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.graves import Dead


def undrop(work: Work, statement: Undrop) -> Rows:
    """Restores what was dropped last under a name. Raises SqlError: it is not there to be had, or another role's."""
    dead = _dead(work, statement)
    reply = success(f"{statement.kind.capitalize()} {statement.name[-1]} successfully restored.")
    with translated(statement.name), work.recorded(reply):
        grave = work.storage.graves.latest(dead)
        if grave is None or not owned(work, grave):
            raise SqlError(
                2003,
                "02000",
                f"SQL compilation error:\n{statement.kind.capitalize()} '{displayed(statement.name)}' did not exist or "
                "was purged.",
            )
        if statement.kind == "TABLE":
            work.require("CREATE TABLE", Thing("SCHEMA", dead.database, dead.schema))
        elif statement.kind == "SCHEMA":
            work.require("CREATE SCHEMA", Thing("DATABASE", dead.database))
        elif not work.rights.in_account("CREATE DATABASE"):
            raise no_privilege("account", work.session.account)
        work.storage.graves.restore(grave, work.rights.role)
    return reply


def _dead(work: Work, statement: Undrop) -> Dead:
    if statement.kind == "TABLE":
        return Dead.table(work.catalog.target(statement.name, "TABLE"))
    if statement.kind == "SCHEMA":
        return Dead.of_schema(work.session.account, *own_schema(work, statement.name))
    if len(statement.name) != 1:
        raise SqlError.syntax(f"Invalid identifier {displayed(statement.name)}")
    if statement.name[0] in samples.EVERYWHERE:
        raise SqlError.already_exists("Database", statement.name[0])
    return Dead.of_database(work.session.account, statement.name[0])


KINDS: Final = (Kind(Undrop, undrop, roles=Roles.NAMES, commits=True),)
