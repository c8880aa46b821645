"""CREATE PROCEDURE, ALTER PROCEDURE, and procedures that exist for one CALL: `WITH p AS PROCEDURE … CALL p(…)`.

Source: sql-reference/sql/create-procedure and -/call-with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.sql.catalog import StageReference
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.tokens import QUOTED, WORD
from cleanroom_ml.engine.sql.read.call import Call, parse_call
from cleanroom_ml.engine.sql.read.form import Modifiers, ObjectForm
from cleanroom_ml.engine.sql.read.routine import Altered, Declared, altered, declared, rest
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.statement import Statement
from cleanroom_ml.engine.sql.routines import Routine


@dataclass(frozen=True, slots=True)
class CreateProcedure(Statement):
    """CREATE [OR REPLACE] [TEMPORARY] [SECURE] PROCEDURE."""

    declared: Declared


@dataclass(frozen=True, slots=True)
class AlterProcedure(Statement):
    """ALTER PROCEDURE name(types) RENAME TO | SET | UNSET | EXECUTE AS."""

    altered: Altered


@dataclass(frozen=True, slots=True)
class CallAnonymous(Statement):
    """WITH `routine` AS PROCEDURE … CALL of it: it runs with the caller's rights, and is gone afterwards."""

    routine: Routine
    call: Call
    imports: tuple[StageReference, ...] = ()


def _create(source: Source, modifiers: Modifiers) -> CreateProcedure:
    return CreateProcedure(declared(source, modifiers, procedure=True))


def _alter(source: Source) -> AlterProcedure:
    return AlterProcedure(altered(source, "PROCEDURE"))


def is_anonymous(source: Source) -> bool:
    """Whether a WITH is `WITH <name> AS PROCEDURE`."""
    words = source.tokens[1:4]
    return len(words) == 3 and words[0].kind in {WORD, QUOTED} and [w.upper for w in words[1:]] == ["AS", "PROCEDURE"]


def call_anonymous(source: Source) -> CallAnonymous:
    """`WITH p AS PROCEDURE (…) RETURNS … AS '…' CALL p(…)`. Raises SqlError."""
    cursor = source.cursor
    cursor.expect("WITH")
    name = source.names.name(1)
    cursor.expect("AS", "PROCEDURE")
    routine, imports, _ = rest(source, name[0], Modifiers(False, frozenset()), procedure=True)
    if not cursor.looking_at("CALL"):
        raise cursor.surprise("expected 'CALL'")
    if "?" in [token.text for token in source.tokens[: cursor.at]]:
        raise SqlError.unsupported("bound values before the CALL of an anonymous procedure")
    call = parse_call(cursor.rest(), source.binds)
    if call.name != name:
        raise SqlError.not_found("Procedure", ".".join(call.name))
    return CallAnonymous(routine, call, imports)


OBJECTS: Final = (ObjectForm(("PROCEDURE",), ("PROCEDURES",), create=_create, alter=_alter),)
