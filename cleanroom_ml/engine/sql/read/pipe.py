"""`statement ->> statement …`: each reads what those before it gave, as `$1`, `$2`, …."""

from __future__ import annotations

from dataclasses import dataclass

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.tokens import Token
from cleanroom_ml.engine.sql.read.statement import Statement

FLOW = "->>"
MOST_STEPS = 20


@dataclass(frozen=True, slots=True)
class Pipe(Statement):
    """The texts of the statements, in order (operators-flow.md of Snowflake's documentation)."""

    steps: tuple[str, ...]


def pipe_of(text: str, tokens: list[Token]) -> Pipe | None:
    """The pipe that a statement is; None: it is none. Raises SqlError: a step is missing, or there are too many."""
    cuts = [number for number, token in enumerate(tokens) if token.text == FLOW]
    if not cuts:
        return None
    starts, ends = [0, *(cut + 1 for cut in cuts)], [*cuts, len(tokens)]
    if any(start >= end for start, end in zip(starts, ends, strict=True)):
        raise SqlError.syntax(f"syntax error: unexpected '{FLOW}'.")
    if len(starts) > MOST_STEPS:
        raise SqlError.too_complex()
    return Pipe(tuple(text[tokens[a].start : tokens[b - 1].end] for a, b in zip(starts, ends, strict=True)))
