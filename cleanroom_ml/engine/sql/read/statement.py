"""What a reader makes of a text: the base of all statements. Names are tuples of folded parts."""

from __future__ import annotations

from dataclasses import dataclass

Name = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """Base of all statements. Trees in their fields are sqlglot's, with placeholders still in."""


def spoken(statement: Statement) -> str:
    """`CreateView` → `CREATE VIEW`, with the kind of object that the statement names: what a refusal calls it."""
    words = "".join(f" {letter}" if letter.isupper() else letter for letter in type(statement).__name__)
    kind = getattr(statement, "kind", "")
    return f"{words.strip().upper()} {kind}".strip()
