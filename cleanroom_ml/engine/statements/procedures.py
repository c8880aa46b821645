"""CALL of a procedure that a party wrote: whose rights it has, and what its arguments and its value are.

Source: developer-guide/stored-procedure/stored-procedures-rights and -/stored-procedures-snowflake-scripting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal

from cleanroom_ml.engine.contracts.table import CALL, Rows
from cleanroom_ml.engine.sql.binds import Binds, Value, Variant
from cleanroom_ml.engine.sql.compile.queries import compile_query, compile_scalars
from cleanroom_ml.engine.sql.errors import COMPILATION, SqlError
from cleanroom_ml.engine.sql.read.call import Argument, Call, Computed
from cleanroom_ml.engine.sql.resolve.user_functions import expression_of
from cleanroom_ml.engine.sql.routines import Parameter, Routine, refuse_several_newer
from cleanroom_ml.engine.sql.script.variables import is_one
from cleanroom_ml.engine.sql.types.kind import JSON, NUM, TEXT
from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.engine.statements import blocks, python_procedures
from cleanroom_ml.engine.statements.declared_columns import check_columns
from cleanroom_ml.engine.statements.ports import Returned
from cleanroom_ml.engine.statements.refusals import displayed
from cleanroom_ml.engine.statements.results import StatementResult
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage import temporaries
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.keys import Key


@dataclass(frozen=True, slots=True)
class Own:
    """A procedure to be run: where it is, the role that owns it, and when it was written. Without a key it is nobody's,
    and runs as its caller.
    """

    routine: Routine
    key: Key | None
    owner: str
    made: datetime | None


def own(work: Work, call: Call) -> tuple[Own, Call] | None:
    """The procedure of the session's own account that a CALL means, and the CALL with its arguments computed; None:
    there is none of that name for it.

    Raises:
        SqlError: there are some of that name, and none that takes these arguments.
    """
    place = _place(work, call.name)
    known = () if work.procedures is None else work.procedures.known()
    if place is None or any(each.database == place.database for each in known):
        return None  # where the clean room's or the engine's are, nobody's own are in their place
    found = []
    for each in work.storage.procedures.of_name(place, work.session.id):
        thing = Thing.of("PROCEDURE", each.key)
        if each.session_id is not None:
            owner = work.rights.role
        elif work.rights.reaches("USAGE", thing):
            owner = work.storage.grants.owner(work.session.account, thing)
        else:
            continue
        written = Own(Routine.from_json(each.definition), each.key, owner, each.created_on)
        found.append((work.distance(owner, each.named_on), written))
    if not found:
        return None
    values = values_of(work, call)
    # What a procedure calls is what whoever wrote it meant: nobody else stands in its place by arguments.
    ranked = [
        ((distance, rank), each, values)
        for distance, each in found
        if (rank := _rank(each.routine, values)) is not None
    ]
    if not ranked:
        raise SqlError(
            1044,
            "42P13",
            f"{COMPILATION}error line 0 at position -1\n"
            f"Invalid argument types for function '{displayed(call.name)[:200]}'",
        )
    (nearest, _), chosen, values = min(ranked, key=lambda each: each[0])
    owners = {each.owner for (distance, _), each, _ in ranked if distance == nearest}
    refuse_several_newer(nearest, owners, f"procedures {displayed(call.name)[:200]}")
    return chosen, values


def values_of(work: Work, call: Call) -> Call:
    """The same CALL with values only: its expressions mean what they do for whoever calls. Raises SqlError."""

    def value(given: Argument) -> Argument:
        if not isinstance(given, Computed):
            return given
        binds = replace(work.binds, rows=None, staged=None, variables=work.catalog.context().variables)
        compiled = compile_scalars([expression_of(given.text)], work.catalog, binds)
        with work.storage.pin(compiled.inputs):
            _, rows = work.warehouse.rows(compiled, query_id=work.query_id, limit=1, timeout=work.seconds)
        return rows[0][0]

    if not any(isinstance(each, Computed) for each in (*call.given, *call.given_by_name.values())):
        return call
    by_name = {name: value(each) for name, each in call.given_by_name.items()}
    return Call(call.name, tuple(value(each) for each in call.given), by_name)


def run(work: Work, procedure: Own, call: Call) -> StatementResult:
    """Runs it: as its owner, with the names of where it is, or as whoever calls it. Raises SqlError.

    With its owner's rights it is called by that role alone, and sees of the session what that role may see: its own
    temporary things, and neither results of before nor the person's stage.
    """
    routine = procedure.routine
    as_owner = procedure.key is not None and not routine.as_caller
    if as_owner:
        refuse_another_role(work, procedure)
    if not as_owner:
        return _run(work.acting(None, "", procedure.made), routine, call)
    acting = work.acting(procedure.key, procedure.owner, procedure.made)
    with temporaries.only_of(None if acting.rights.everything else acting.rights.roles):
        return _run(acting, routine, call)


def _run(acting: Work, routine: Routine, call: Call) -> StatementResult:
    """Runs it as `acting` says. Raises SqlError."""
    arguments = {
        parameter.name: _as(acting, value, parameter.type)
        for parameter, value in zip(routine.parameters, _placed(acting, routine, call), strict=True)
    }
    if routine.language == "PYTHON":
        result = python_procedures.run(acting, routine, list(arguments.values()))
        if isinstance(result, Returned):
            assert routine.returns is not None
            return one_value(routine, _as(acting, result.value, routine.returns))
        return result
    returned = blocks.run(acting, routine.body, arguments, {each.name: each.type for each in routine.parameters})
    rows = blocks.table_of(returned)
    if routine.returns is None:
        if rows is None:
            raise SqlError.syntax(f"{routine.name} is to return a table: RETURN TABLE(…).")
        check_columns(routine, rows)
        return rows
    if rows is not None:
        raise SqlError.syntax(f"{routine.name} is to return {routine.returns}, not a table.")
    return one_value(routine, _as(acting, returned.value, routine.returns))


def one_value(routine: Routine, value: Value) -> Rows:
    """What a procedure returned that returns a value."""
    assert routine.returns is not None
    return Rows(((routine.name, routine.returns),), ((value,),), CALL)


def refuse_another_role(work: Work, procedure: Own) -> None:
    """Raises SqlError: it has its owner's rights, and the session has another role."""
    if procedure.owner != work.rights.role:
        raise SqlError.unsupported(
            f"CALL by another role of {procedure.routine.name}, a procedure that has its owner's rights: "
            f"USE ROLE {displayed((procedure.owner,))}, or make it EXECUTE AS CALLER"
        )


def _place(work: Work, name: tuple[str, ...]) -> Key | None:
    """Where a procedure of that name would be; None: it is not for the account's own names to say."""
    session = work.session
    before = (session.database or "", session.schema or "")
    parts = (*(work.home or before)[: 3 - len(name)], *name)
    if work.restricted or len(parts) != 3 or not all(parts) or not work.rights.enters(parts[0], parts[1]):
        return None
    if work.storage.namespaces.database_kind(session.account, parts[0]) != "standard":
        return None
    return Key(session.account, *parts)


def _rank(routine: Routine, call: Call) -> int | None:
    """How far a CALL's values are from the declared types; None: it does not take them."""
    parameters = routine.parameters
    rest = parameters[len(call.args) :]
    if len(call.args) > len(parameters) or not call.named.keys() <= {each.name for each in rest}:
        return None
    if any(each.default is None and each.name not in call.named for each in rest):
        return None
    pairs = [*zip(parameters, call.args, strict=False), *((each, call.named.get(each.name)) for each in rest)]
    if any(isinstance(value, date | time | bytes) and each.type.kind == NUM for each, value in pairs):
        return None
    return sum(_is_other(each, value) for each, value in pairs)


def _is_other(parameter: Parameter, value: Value) -> bool:
    kind = parameter.type.kind
    match value:
        case None:
            return False
        case bool():
            return parameter.type.record.python != "bool"
        case int() | float() | Decimal():
            return kind != NUM
        case list() | dict() | Variant():
            return kind != JSON
        case _:
            return kind != TEXT


def _placed(work: Work, routine: Routine, call: Call) -> Sequence[Value]:
    """The values of all arguments in order. Raises SqlError: a DEFAULT cannot be computed."""
    values: list[Value] = list(call.args)
    for parameter in routine.parameters[len(values) :]:
        if parameter.name in call.named or parameter.default is None:
            values.append(call.named.get(parameter.name))
        else:
            values.append(_computed(work, parameter.default, {}))
    return values


def _as(work: Work, value: Value, found: SqlType) -> Value:
    """A value as a declared type: what is one already is not computed. Raises SqlError: it cannot become one."""
    return value if is_one(value, found) else _computed(work, f":_VALUE::{found}", {"_VALUE": value})


def _computed(work: Work, text: str, bound: Mapping[str, Value]) -> Value:
    compiled = compile_query(f"SELECT {text}", work.catalog, replace(Binds(), named=bound))
    with work.storage.pin(compiled.inputs):
        _, rows = work.warehouse.rows(compiled, query_id=work.query_id, limit=1, timeout=work.seconds)
    return rows[0][0]
