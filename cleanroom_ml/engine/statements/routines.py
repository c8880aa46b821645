"""What functions and procedures have in common: making, changing, dropping, describing and listing them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Literal

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.catalog import StageReference
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions import table
from cleanroom_ml.engine.sql.functions.entry import Aggregate, TableFunction
from cleanroom_ml.engine.sql.read.describe import Describe
from cleanroom_ml.engine.sql.read.drop import Drop
from cleanroom_ml.engine.sql.read.routine import Altered, Declared
from cleanroom_ml.engine.sql.read.show import Show
from cleanroom_ml.engine.sql.routines import Imported, Routine, with_types
from cleanroom_ml.engine.statements.account_catalog import AccountCatalog
from cleanroom_ml.engine.statements.listing import Listed, texts, visible
from cleanroom_ml.engine.statements.refusals import displayed, translated
from cleanroom_ml.engine.statements.replies import already_dropped, existed
from cleanroom_ml.engine.statements.results import success
from cleanroom_ml.engine.statements.scope import scope_of
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.grants import OWNERSHIP, Thing
from cleanroom_ml.engine.storage.keys import Key
from cleanroom_ml.engine.storage.routines import Routines, StoredRoutine, called

RoutineKind = Literal["FUNCTION", "PROCEDURE"]
_MOST_IMPORTS = 100
COLUMNS = (
    "created_on", "name", "schema_name", "is_builtin", "is_aggregate", "is_ansi", "min_num_arguments",
    "max_num_arguments", "arguments", "description", "catalog_name", "is_table_function", "valid_for_clustering",
    "is_secure", "secrets", "external_access_integrations", "is_external_function", "language", "is_memoizable",
    "is_data_metric",
)  # fmt: skip
"""sql-reference/sql/show-user-functions."""
NUMBERS = frozenset({"min_num_arguments", "max_num_arguments"})


def kept(work: Work, kind: RoutineKind) -> Routines:
    """Where routines of a kind are kept."""
    return work.storage.functions if kind == "FUNCTION" else work.storage.procedures


def thing_of(kind: RoutineKind, key: Key) -> Thing:
    """What privileges on a routine are kept for."""
    return Thing.of(kind, called(key))


def target(work: Work, name: tuple[str, ...], kind: RoutineKind) -> Key:
    """Where a routine of a name (with the types of its arguments or without) is. Raises SqlError."""
    if not isinstance(work.catalog, AccountCatalog) and work.restricted:
        raise SqlError.unsupported(f"a {kind.lower()} in a clean room: only those of code specs are called there")
    return work.catalog.target(name, kind)


def create(work: Work, declared: Declared, kind: RoutineKind, routine: Routine) -> Rows:
    """Makes a routine that has been checked. Raises SqlError."""
    base = target(work, declared.name, kind)
    key = replace(base, name=with_types(base.name, routine.types))
    _refuse_beside_defaults(work, kind, base, key, routine)
    if not declared.temporary:
        work.require(f"CREATE {kind}", Thing("SCHEMA", key.database, key.schema))
    store = kept(work, kind)
    session = work.temporary(declared.temporary, lambda: store.get(key, None))
    reply = success(f"{kind.capitalize()} {base.name} successfully created.")
    with translated((*declared.name[:-1], key.name)), work.recorded(reply):
        copied = []
        if session is None and declared.or_replace and store.get(key, None) is not None:
            work.require(OWNERSHIP, thing_of(kind, key))
            copied = list(work.grants_on(thing_of(kind, key))) if declared.copy_grants else []
        made = store.create(
            key,
            base.name,
            routine.to_json(),
            [each.sha256 for each in routine.imports],
            session_id=session,
            if_exists="replace" if declared.or_replace else "ignore" if declared.if_not_exists else "error",
        )
        if made and session is None:
            work.made(thing_of(kind, key))
            work.grant_again(copied)
    return reply if made else existed(base.name)


def drop(work: Work, statement: Drop, kind: RoutineKind) -> Rows:
    """DROP FUNCTION, DROP PROCEDURE: by the types of the arguments."""
    key = target(work, statement.name, kind)
    shown = key.name.rpartition("(")[0]
    reply = success(f"{shown} successfully dropped.")
    with translated(statement.name), work.recorded(reply):
        there = kept(work, kind).get(key, work.session.id)
        if there is not None and there.session_id is None:
            work.require(OWNERSHIP, thing_of(kind, key))
        dropped = kept(work, kind).drop(key, session_id=work.session.id, if_exists=statement.if_exists)
    return reply if dropped else already_dropped(shown)


def alter(work: Work, altered: Altered, kind: RoutineKind) -> Rows:
    """ALTER … RENAME TO | SET | UNSET."""
    key = target(work, altered.name, kind)
    reply = success()
    with translated(altered.name), work.recorded(reply):
        there = kept(work, kind).get(key, work.session.id)
        if there is None and altered.if_exists:
            return reply
        if there is None:
            raise SqlError.not_found(kind, displayed(altered.name))
        if there.session_id is None:
            work.require(OWNERSHIP, thing_of(kind, key))
        routine = Routine.from_json(there.definition)
        to, base = key, there.base
        if altered.new_name is not None:
            new = target(work, altered.new_name, kind)
            to, base = replace(new, name=with_types(new.name, routine.types)), new.name
            routine = replace(routine, name=base)
            _refuse_beside_defaults(work, kind, new, to, routine)
            if there.session_id is None and (to.database, to.schema) != (key.database, key.schema):
                work.require(f"CREATE {kind}", Thing("SCHEMA", to.database, to.schema))
        if altered.comment is not None:
            routine = replace(routine, comment=altered.comment)
        if altered.secure is not None:
            routine = replace(routine, secure=altered.secure)
        if altered.as_caller is not None:
            routine = replace(routine, as_caller=altered.as_caller)
        kept(work, kind).change(key, to, base, routine.to_json(), work.session.id)
    return reply


def found(work: Work, name: tuple[str, ...], kind: RoutineKind) -> tuple[StoredRoutine, Routine] | None:
    """A routine by its name with types, as far as it is there for the session."""
    key = target(work, name, kind)
    there = kept(work, kind).get(key, work.session.id)
    if there is None or (there.session_id is None and not work.rights.finds(thing_of(kind, key))):
        return None
    return there, Routine.from_json(there.definition)


def describe(work: Work, statement: Describe, kind: RoutineKind) -> Rows:
    """DESCRIBE FUNCTION, DESCRIBE PROCEDURE (sql-reference/sql/desc-function). What a secure one is made of, or one
    with its owner's rights, is its owner's to know.
    """
    pair = found(work, statement.name, kind)
    if pair is None:
        raise SqlError.not_found(kind, displayed(statement.name))
    there, routine = pair
    secret = routine.hides_source(kind) and there.session_id is None and not work.rights.owns(thing_of(kind, there.key))
    rows: list[tuple[Value, ...]] = [
        ("signature", _signature(routine)),
        ("returns", routine.returned),
        ("language", routine.language),
    ]
    if routine.language != "SQL" or kind == "PROCEDURE":
        rows.append(("null handling", "RETURNS NULL ON NULL INPUT" if routine.strict else "CALLED ON NULL INPUT"))
        rows.append(("volatility", "IMMUTABLE" if routine.immutable else "VOLATILE"))
    if kind == "PROCEDURE":
        rows.append(("execute as", "CALLER" if routine.as_caller else "OWNER"))
    rows.append(("body", None if secret else routine.body or None))
    if routine.language == "PYTHON":
        rows += [
            ("imports", None if secret else "[" + ", ".join(each.path for each in routine.imports) + "]"),
            ("handler", None if secret else routine.handler),
            ("runtime_version", routine.runtime),
            ("packages", None if secret else "[" + ", ".join(f"'{each}'" for each in routine.packages) + "]"),
        ]
    return Rows(texts("property", "value"), rows)


def listed(work: Work, statement: Show, kind: RoutineKind) -> Listed:
    """SHOW USER FUNCTIONS and SHOW PROCEDURES, what the session's own party wrote."""
    scope = scope_of(work, statement)
    seen = kept(work, kind).list(work.session.account, scope.database, scope.schema, work.session.id)
    for there, _ in visible(work, kind, seen):
        routine = Routine.from_json(there.definition)
        yield {
            "created_on": there.created_on, "name": there.base, "schema_name": there.key.schema, "is_builtin": "N",
            "is_aggregate": _flag(routine.aggregate), "is_ansi": "N", "min_num_arguments": routine.fewest,
            "max_num_arguments": len(routine.parameters), "arguments": arguments(routine),
            "description": routine.comment or f"user-defined {kind.lower()}", "catalog_name": there.key.database,
            "is_table_function": _flag(routine.returns is None), "valid_for_clustering": "N",
            "is_secure": _flag(routine.secure), "secrets": "", "external_access_integrations": "",
            "is_external_function": "N", "language": routine.language, "is_memoizable": _flag(routine.memoizable),
            "is_data_metric": "N",
        }  # fmt: skip


def builtin(statement: Show) -> Listed:
    """The functions of the engine's own, which SHOW FUNCTIONS lists beside those of no certain place: that is how
    Snowpark finds out which of them are aggregates (`Session._retrieve_aggregation_function_list`).
    """
    if statement.scope_kind not in {None, "ACCOUNT"} or statement.scope is not None:
        return
    for name, function in sorted(table.FUNCTIONS.items()):
        yield {
            "name": name, "schema_name": "", "is_builtin": "Y", "is_ansi": "N", "is_table_function":
            _flag(isinstance(function, TableFunction)), "catalog_name": "", "valid_for_clustering": "N",
            "is_aggregate": _flag(isinstance(function, Aggregate) and not function.window_only), "is_secure": "N",
            "secrets": "", "external_access_integrations": "", "is_external_function": "N", "language": "SQL",
            "is_memoizable": "N", "is_data_metric": "N",
        }  # fmt: skip


def thing(work: Work, name: tuple[str, ...], kind: RoutineKind) -> Thing:
    """What a privilege on a routine is kept for. Raises SqlError: there is none."""
    key = target(work, name, kind)
    if kept(work, kind).get(key, None) is None:
        raise SqlError.not_found(kind, displayed(name))
    return thing_of(kind, key)


def everything(work: Work, database: str, schema: str | None, kind: RoutineKind) -> list[Thing]:
    """All routines of a kind in a database, or in a schema of it."""
    return [thing_of(kind, each.key) for each in kept(work, kind).list(work.session.account, database, schema)]


@contextmanager
def imported(work: Work, references: Sequence[StageReference]) -> Iterator[tuple[Imported, ...]]:
    """The staged files that IMPORTS names, as they are now, held until the routine is kept. Raises SqlError."""
    if len(references) > _MOST_IMPORTS:
        raise SqlError.syntax(f"IMPORTS has at most {_MOST_IMPORTS} files.")
    made: list[Imported] = []
    for reference in references:
        staged = work.stages.staged(reference)
        if staged is None:
            raise SqlError.not_found("Stage", displayed(reference.parts))
        files = [each for each in staged.files if each.path == reference.path]
        if not files:
            raise SqlError.not_found("File", reference.path or displayed(reference.parts))
        name = reference.path.rpartition("/")[2]
        if any(each.name == name for each in made):
            raise SqlError.syntax(f"two files of IMPORTS are called {name[:200]}.")
        made.append(Imported(name, f"@{'.'.join(reference.parts)}/{reference.path}", files[0].sha256))
    with work.storage.pin(each.sha256 for each in made):
        yield tuple(made)


def _refuse_beside_defaults(work: Work, kind: RoutineKind, base: Key, key: Key, routine: Routine) -> None:
    """One with optional arguments is the only one of its name (sql-reference/sql/create-function)."""
    others = [each for each in kept(work, kind).of_name(base, work.session.id) if each.key.name != called(key).name]
    optional = routine.fewest < len(routine.parameters)
    for each in others:
        other = Routine.from_json(each.definition)
        if optional or other.fewest < len(other.parameters):
            raise SqlError.syntax(
                f"there is another {kind.lower()} {base.name}: one with optional arguments is the only one of its name."
            )


def _signature(routine: Routine) -> str:
    """A type of an argument in SQL is shown with its digits (sql-reference/sql/desc-function), one in Python without
    (snowpark-python, tests/integ/test_udtf.py::test_register_udtf_with_preserve_parameter_names).
    """
    bare = routine.language != "SQL"
    return f"({', '.join(f'{each.name} {each.type.name if bare else each.type}' for each in routine.parameters)})"


def arguments(routine: Routine) -> str:
    """The `arguments` of SHOW: a name, types, and what it returns."""
    types = ", ".join(
        each.type.name if each.default is None else f"DEFAULT {each.type.name}" for each in routine.parameters
    )
    if routine.returns is None:
        shown = f"TABLE ({', '.join(f'{name} {found.name}' for name, found in routine.columns)})"
    else:
        shown = routine.returns.name
    return f"{routine.name}({types}) RETURN {shown}"


def _flag(value: bool) -> str:
    return "Y" if value else "N"
