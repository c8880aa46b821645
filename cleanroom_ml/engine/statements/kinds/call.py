"""CALL, and scripting blocks."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.contracts.table import CALL, Rows
from cleanroom_ml.engine.sql.compile.queries import compile_scalars
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.block import Block, Immediate
from cleanroom_ml.engine.sql.read.call import Call, plain
from cleanroom_ml.engine.sql.read.procedure import CallAnonymous
from cleanroom_ml.engine.sql.routines import ProcedureCatalog
from cleanroom_ml.engine.sql.tree.literals import literal
from cleanroom_ml.engine.statements import blocks, procedures, python_procedures, routines
from cleanroom_ml.engine.statements.kind import Allowed, Kind, Roles
from cleanroom_ml.engine.statements.results import StatementResult
from cleanroom_ml.engine.statements.work import Work

_SYSTEM: Final = "SYSTEM$"


def call(work: Work, statement: Call) -> StatementResult:
    """CALL procedure(…)."""
    if work.restricted:
        return _in_room(work, statement)
    if len(statement.name) == 1 and statement.name[0].startswith(_SYSTEM):
        return _of_the_system(work, statement)
    own = procedures.own(work, statement)
    if own is not None:
        return procedures.run(work, *own)
    statement = procedures.values_of(work, statement)
    if work.procedures is None:
        raise SqlError.unsupported("CALL")
    if statement.named:
        raise SqlError.unsupported("arguments by name in CALL")
    return work.procedures.call(work.session, statement.name, tuple(map(plain, statement.args)), query_id=work.query_id)


def _in_room(work: Work, statement: Call) -> StatementResult:
    """CALL cleanroom.<code spec>$<name>(…): a procedure of the template's own code specs. It sends what the template
    might, with the room's names, and nothing else is called there.
    """
    found = work.catalog.procedure(statement.name) if isinstance(work.catalog, ProcedureCatalog) else None
    if found is None:
        raise SqlError.unsupported("CALL in a clean room of what is no procedure of the template's code specs")
    return procedures.run(work, procedures.Own(found, None, "", None), procedures.values_of(work, statement))


def _is_of_code_specs(statement: Call) -> bool:
    return len(statement.name) == 2 and "$" in statement.name[1]


def call_anonymous(work: Work, statement: CallAnonymous) -> StatementResult:
    """WITH … AS PROCEDURE … CALL: with the caller's rights (sql-reference/sql/call-with)."""
    if statement.routine.language == "PYTHON":
        python_procedures.check_packages(work, statement.routine)
    with routines.imported(work, statement.imports) as files:
        routine = replace(statement.routine, imports=files)
        return procedures.run(work, procedures.Own(routine, None, "", None), procedures.values_of(work, statement.call))


def _of_the_system(work: Work, statement: Call) -> Rows:
    """CALL SYSTEM$…(…): the function of that name, as SELECT calls it (sql-reference/functions/system_wait)."""
    (name,) = statement.name
    called = exp.Anonymous(this=name, expressions=[literal(value) for value in statement.args])
    compiled = compile_scalars([called], work.catalog, work.binds)
    found, rows = work.warehouse.rows(compiled, query_id=work.query_id, timeout=work.seconds)
    return Rows(((name, found[0].type),), rows, CALL)


def block(work: Work, statement: Block) -> StatementResult:
    """A scripting block, with the session's rights only."""
    returned = blocks.run(work, statement.text)
    rows = blocks.table_of(returned)
    if rows is not None:
        return rows
    return Rows((("anonymous block", blocks.type_of(returned)),), ((returned.value,),), CALL)


def immediate(work: Work, statement: Immediate) -> StatementResult:
    """EXECUTE IMMEDIATE of a text: it runs as if it had been sent."""
    return work.run(statement.text, {})


KINDS: Final = (
    Kind(
        Call,
        call,
        wire=None,
        allowed=Allowed.TEMPLATE,
        narrowed=_is_of_code_specs,
        roles=Roles.ELSEWHERE,
        one_commit=False,
    ),
    Kind(CallAnonymous, call_anonymous, wire=None, roles=Roles.ELSEWHERE, one_commit=False),
    Kind(Block, block, wire=None, allowed=Allowed.TEMPLATE, roles=Roles.ELSEWHERE, one_commit=False),
    Kind(Immediate, immediate, wire=None, allowed=Allowed.JOB, roles=Roles.ELSEWHERE, one_commit=False),
)
