"""Scripting blocks, and EXECUTE IMMEDIATE of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.split import statements
from cleanroom_ml.engine.sql.lex.tokens import tokenize
from cleanroom_ml.engine.sql.read.form import Form
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.statement import Statement
from cleanroom_ml.engine.sql.read.transaction import Begin


@dataclass(frozen=True, slots=True)
class Block(Statement):
    """A scripting block, given as such or by EXECUTE IMMEDIATE $$…$$: `scripting.run(text, …)`."""

    text: str


def _block(source: Source) -> Statement:
    if source.tokens[0].upper == "BEGIN" and (
        len(source.tokens) == 1 or source.tokens[1].upper in {"TRANSACTION", "WORK", "NAME"}
    ):
        return Begin()
    return Block(source.whole)


@dataclass(frozen=True, slots=True)
class Immediate(Statement):
    """EXECUTE IMMEDIATE of a text that is no block; what USING gives is in it already."""

    text: str


def _execute(source: Source) -> Statement:
    """EXECUTE IMMEDIATE of a string, a bound value or a session variable."""
    cursor = source.cursor
    other = cursor.peek(1)
    if other is not None and other.upper in {"TASK", "SERVICE", "JOB", "ALERT", "NOTEBOOK", "DBT"}:
        raise SqlError.unsupported(f"EXECUTE {other.upper}")
    cursor.expect("EXECUTE", "IMMEDIATE")
    if cursor.looking_at("FROM"):
        raise SqlError.unsupported("EXECUTE IMMEDIATE FROM a file")
    text = source.names.text()
    if cursor.looking_at("USING"):
        raise SqlError.unsupported("EXECUTE IMMEDIATE … USING outside of a scripting block")
    cursor.expect_end()
    inner = list(statements(tokenize(text)))
    if len(inner) != 1:
        raise SqlError.syntax("EXECUTE IMMEDIATE takes one statement.")
    return Block(text) if inner[0][0].upper in {"BEGIN", "DECLARE"} else Immediate(text)


FORMS: Final = (Form(("BEGIN",), _block), Form(("DECLARE",), _block), Form(("EXECUTE",), _execute))
