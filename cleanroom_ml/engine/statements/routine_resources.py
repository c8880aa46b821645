"""Functions and procedures AS RESOURCE: the fields that the models of `snowflake.core` take of one
(`procedure/_generated/models/procedure.py`, `user_defined_function/…`). What a secure one is made of, or one with its
owner's rights, is its owner's to know, here as in DESCRIBE.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.describe import Describe
from cleanroom_ml.engine.sql.routines import Routine
from cleanroom_ml.engine.statements import routines
from cleanroom_ml.engine.statements.refusals import displayed
from cleanroom_ml.engine.statements.routines import RoutineKind
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.keys import Key
from cleanroom_ml.engine.storage.roles import ADMIN
from cleanroom_ml.engine.storage.routines import StoredRoutine
from cleanroom_ml.naming import display

KINDS: Final[Mapping[str, RoutineKind]] = {
    "USER FUNCTIONS": "FUNCTION", "PROCEDURES": "PROCEDURE", "FUNCTION": "FUNCTION", "PROCEDURE": "PROCEDURE",
}  # fmt: skip
"""What SHOW and DESCRIBE call them."""


def described(work: Work, statement: Describe) -> dict[str, object]:
    """DESCRIBE AS RESOURCE of one. Raises SqlError: it is not there for the session."""
    kind = KINDS[statement.kind]
    pair = routines.found(work, statement.name, kind)
    if pair is None:
        raise SqlError.not_found(kind, displayed(statement.name))
    return _resource(work, kind, *pair)


def listed(work: Work, kind: str, row: Mapping[str, Value]) -> dict[str, object] | None:
    """A row of SHOW AS RESOURCE: of the routine that the row is of; None: nobody wrote it, or it is gone by now."""
    found = KINDS[kind]
    base = Key(work.session.account, *(str(row[name]) for name in ("catalog_name", "schema_name", "name")))
    stored = routines.kept(work, found).of_name(base, work.session.id)
    for each in stored:
        routine = Routine.from_json(each.definition)
        if routines.arguments(routine) == row["arguments"]:
            return _resource(work, found, each, routine)
    return None


def _resource(work: Work, kind: RoutineKind, there: StoredRoutine, routine: Routine) -> dict[str, object]:
    thing = routines.thing_of(kind, there.key)
    temporary = there.session_id is not None
    secret = routine.hides_source(kind) and not temporary and not work.rights.owns(thing)
    owner = work.rights.role if temporary else work.storage.grants.owner(there.key.account, thing) or ADMIN
    made: dict[str, object] = {
        "name": display(there.base),
        "database_name": there.key.database,
        "schema_name": there.key.schema,
        "created_on": there.created_on.isoformat(),
        "arguments": [{"name": each.name, "datatype": each.type.name} for each in routine.parameters],
        "return_type": _returned(routine),
        "language_config": _language(routine, secret=secret),
        "min_num_arguments": routine.fewest,
        "max_num_arguments": len(routine.parameters),
        "is_secure": routine.secure,
        "is_builtin": False,
        "owner": owner,
        "owner_role_type": "ROLE",
    }
    if routine.comment:
        made["comment"] = routine.comment
    if not secret and routine.body:
        made["body"] = routine.body
    if kind == "PROCEDURE":
        return made | {"execute_as": "CALLER" if routine.as_caller else "OWNER"}
    return made | {
        "is_temporary": temporary,
        "is_aggregate": routine.aggregate,
        "is_memoizable": routine.memoizable,
        "is_table_function": routine.returns is None,
        "valid_for_clustering": False,
    }


def _returned(routine: Routine) -> dict[str, object]:
    if routine.returns is not None:
        return {"type": "DATATYPE", "datatype": str(routine.returns)}
    columns = [{"name": display(name), "datatype": str(found)} for name, found in routine.columns]
    return {"type": "TABLE", "column_list": columns}


def _language(routine: Routine, *, secret: bool) -> dict[str, object]:
    """A model of Python takes a handler, a runtime and packages, whatever they are."""
    made: dict[str, object] = {
        "language": routine.language,
        "called_on_null_input": not routine.strict,
        "is_volatile": not routine.immutable,
    }
    if routine.language != "PYTHON":
        return made
    return made | {
        "runtime_version": routine.runtime,
        "packages": [] if secret else list(routine.packages),
        "imports": [] if secret else [each.path for each in routine.imports],
        "handler": "" if secret else routine.handler,
    }
