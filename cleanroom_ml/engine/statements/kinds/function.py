"""Functions that a party writes: CREATE, ALTER, DROP, DESCRIBE, SHOW."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.compile.functions import check
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions import table
from cleanroom_ml.engine.sql.read.function import AlterFunction, CreateFunction
from cleanroom_ml.engine.sql.read.show import Show
from cleanroom_ml.engine.sql.routines import UserFunction
from cleanroom_ml.engine.statements import routines
from cleanroom_ml.engine.statements.account_catalog import AccountCatalog
from cleanroom_ml.engine.statements.kind import Kind, ObjectKind, Roles
from cleanroom_ml.engine.statements.listing import Listed, Listing
from cleanroom_ml.engine.statements.work import Work


def create_function(work: Work, statement: CreateFunction) -> Rows:
    """CREATE FUNCTION. What is written in SQL is compiled as every call of it will be; Python is read in a sandbox,
    when it is called.
    """
    declared = statement.declared
    key = routines.target(work, declared.name, "FUNCTION")
    if key.name in table.FUNCTIONS:
        raise SqlError.syntax(f"A function cannot be called {key.name}: a system-defined function is.")
    with routines.imported(work, declared.imports) as files:
        routine = replace(declared.routine, imports=files)
        if routine.language == "PYTHON":
            work.warehouse.check_packages(routine.packages)
        elif isinstance(work.catalog, AccountCatalog):
            owner = None if declared.temporary else work.rights.role
            catalog = work.catalog.of_definer(key, owner, work.storage.database.now())
            compiled = check(UserFunction(routine, catalog))
            with work.storage.pin(compiled.inputs):
                work.warehouse.describe(compiled, query_id=work.query_id)
        return routines.create(work, declared, "FUNCTION", routine)


def alter_function(work: Work, statement: AlterFunction) -> Rows:
    """ALTER FUNCTION."""
    new = statement.altered.new_name
    if new is not None and new[-1] in table.FUNCTIONS:
        raise SqlError.syntax(f"A function cannot be called {new[-1]}: a system-defined function is.")
    return routines.alter(work, statement.altered, "FUNCTION")


KINDS: Final = (
    Kind(
        CreateFunction,
        create_function,
        roles=Roles.NAMES,
        commits=True,
        leaves_open=lambda each: each.declared.temporary,
    ),
    Kind(AlterFunction, alter_function, roles=Roles.NAMES, commits=True),
)
OBJECTS: Final = (
    ObjectKind(
        "FUNCTION",
        drop=partial(routines.drop, kind="FUNCTION"),
        describe=partial(routines.describe, kind="FUNCTION"),
        thing=partial(routines.thing, kind="FUNCTION"),
        privileges=("USAGE",),
        everything=partial(routines.everything, kind="FUNCTION"),
    ),
)


def _all(work: Work, statement: Show) -> Listed:
    yield from routines.listed(work, statement, "FUNCTION")
    yield from routines.builtin(statement)


LISTINGS: Final = (
    Listing("USER FUNCTIONS", routines.COLUMNS, partial(routines.listed, kind="FUNCTION"), numbers=routines.NUMBERS),
    Listing("FUNCTIONS", routines.COLUMNS, _all, numbers=routines.NUMBERS),
)
