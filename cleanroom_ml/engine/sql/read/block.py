"""Scripting blocks, and EXECUTE IMMEDIATE of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.split import statements
from cleanroom_ml.engine.sql.lex.tokens import STRING, tokenize
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


def _execute(source: Source) -> Statement:
    """EXECUTE IMMEDIATE of one string that is a block."""
    cursor = source.cursor
    cursor.expect("EXECUTE", "IMMEDIATE")
    token = cursor.peek()
    text = cursor.string() if token is not None and token.kind == STRING else source.names.text()
    cursor.expect_end()
    inner = list(statements(tokenize(text)))
    if len(inner) != 1 or inner[0][0].upper not in {"BEGIN", "DECLARE"}:
        raise SqlError.unsupported("EXECUTE IMMEDIATE of anything but a block")
    return Block(text)


FORMS: Final = (Form(("BEGIN",), _block), Form(("DECLARE",), _block), Form(("EXECUTE",), _execute))
