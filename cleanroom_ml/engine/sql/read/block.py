"""Scripting blocks, and EXECUTE IMMEDIATE of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.sql.catalog import StageReference
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.split import statements
from cleanroom_ml.engine.sql.lex.tokens import STAGE, tokenize
from cleanroom_ml.engine.sql.read.form import Form
from cleanroom_ml.engine.sql.read.names import stage_reference
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


@dataclass(frozen=True, slots=True)
class ImmediateFile(Statement):
    """EXECUTE IMMEDIATE FROM a staged file: `@stage/path`, or `relative` to the file that it stands in."""

    source: StageReference | None = None
    relative: str = ""


def _execute(source: Source) -> Statement:
    """EXECUTE IMMEDIATE of a string, a bound value, a session variable or a staged file."""
    cursor = source.cursor
    other = cursor.peek(1)
    if other is not None and other.upper in {"TASK", "SERVICE", "JOB", "ALERT", "NOTEBOOK", "DBT"}:
        raise SqlError.unsupported(f"EXECUTE {other.upper}")
    cursor.expect("EXECUTE", "IMMEDIATE")
    if cursor.accept("FROM"):
        return _file(source)
    text = source.names.text()
    if cursor.looking_at("USING"):
        raise SqlError.unsupported("EXECUTE IMMEDIATE … USING outside of a scripting block")
    cursor.expect_end()
    inner = list(statements(tokenize(text)))
    if len(inner) != 1:
        raise SqlError.syntax("EXECUTE IMMEDIATE takes one statement.")
    return Block(text) if inner[0][0].upper in {"BEGIN", "DECLARE"} else Immediate(text)


def _file(source: Source) -> ImmediateFile:
    """sql-reference/sql/execute-immediate-from, without its preview of Jinja templates."""
    cursor = source.cursor
    token = cursor.peek()
    if token is not None and token.kind == STAGE:
        made = ImmediateFile(source.names.stage())
    else:
        text = source.names.text()
        made = ImmediateFile(stage_reference(text)) if text.startswith("@") else ImmediateFile(relative=text)
    for word in ("USING", "DRY_RUN"):
        if cursor.looking_at(word):
            raise SqlError.unsupported(
                f"EXECUTE IMMEDIATE FROM … {word}: files that are Jinja templates. Render it where you are, upload "
                f"what comes out, and send it without {word}"
            )
    cursor.expect_end()
    return made


FORMS: Final = (Form(("BEGIN",), _block), Form(("DECLARE",), _block), Form(("EXECUTE",), _execute))
