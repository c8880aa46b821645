"""What is wrong with a spec: file, line, column, field, reason, what is allowed (docs/cli-conventions.md, "Errors")."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cleanroom_ml.errors import UsageError

_SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """One broken rule.

    Attributes:
        file: the name that the person gave (a path, or `<spec>`).
        line: 1-based; of the value, of an unknown key, or of the mapping that lacks a key. 0: the file as a whole.
        column: 1-based, in characters; 0 with line 0.
        field: dotted path from the top of the document, `ml_jobs[0].entrypoint`; `` for the document.
        what: what is wrong, one sentence without a full stop.
        allowed: what would be right; `` where `what` says it already.
    """

    file: str
    line: int
    column: int
    field: str
    what: str
    allowed: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        field = f" {self.field}:" if self.field else ""
        allowed = f"; allowed: {self.allowed}" if self.allowed else ""
        return f"{place}:{field} {self.what}{allowed}"


class SpecProblems(UsageError):
    """One or several specs break rules: exit code 2. `problems` is never empty and is in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        if not self.problems:
            raise ValueError("SpecProblems needs at least one problem")
        super().__init__("\n".join(str(problem) for problem in self.problems))


def displayed(value: object) -> str:
    """A hostile value as one short line without control characters, for use in messages."""
    text = value if isinstance(value, str) else repr(value)
    cut = text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
    return "'" + "".join(char if char.isprintable() else ascii(char)[1:-1] for char in cut) + "'"


def count(number: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
