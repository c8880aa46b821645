"""Run a person's own SQL on a connection: cut into statements, each with its rows."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from cleanroom_ml.connection import Connection
from cleanroom_ml.connection.driver import rows_only_connector
from cleanroom_ml.connection.session import Row
from cleanroom_ml.errors import CleanroomError, UsageError
from cleanroom_ml.services.times import as_it_is
from cleanroom_ml.specs.load import read_text

__all__ = ["Answer", "lines_of", "read_text", "run", "split"]

# A scripting block is one statement, semicolons and all; `BEGIN;` and `BEGIN TRANSACTION` open a transaction.
_BLOCK = re.compile(r"(?:DECLARE\b|BEGIN\s+(?!TRANSACTION\b|WORK\b|NAME\b)[^;\s])", re.IGNORECASE)
_COMMENT = re.compile(r"(?:\s+|--[^\n]*(?:\n|\Z)|//[^\n]*(?:\n|\Z)|/\*.*?\*/)+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one statement answered. Of two columns with one name the second is called `NAME_2`."""

    statement: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def split(text: str) -> tuple[str, ...]:
    """The statements of a text, by the connector's own cutter; a text that begins with a scripting block is one.

    Raises:
        UsageError: there is no statement in it.
    """
    opening = _COMMENT.match(text)
    if _BLOCK.match(text, opening.end() if opening else 0):
        return (text.strip(),)
    rows_only_connector()
    from snowflake.connector.util_text import split_statements

    found = tuple(cut for statement, _ in split_statements(io.StringIO(text)) if (cut := _bare(statement)))
    if not found:
        raise UsageError("there is no statement to run", fix='cleanroom-ml sql "SELECT 1", or: -f FILE')
    return found


def lines_of(text: str, statements: tuple[str, ...]) -> tuple[int, ...]:
    """The line of a text on which each of its statements begins, after the comments before it."""
    found, at = [], 0
    for statement in statements:
        at = max(text.find(statement, at), at)
        comment = _COMMENT.match(statement)
        found.append(text.count("\n", 0, at + (comment.end() if comment else 0)) + 1)
        at += len(statement)
    return tuple(found)


def run(connection: Connection, statements: tuple[str, ...], lines: tuple[int, ...] = ()) -> Iterator[Answer]:
    """Run them one after the other; the first that is refused ends it, and is told by its number where there are
    several, and by the line on which it begins.

    Raises:
        ServerError: the server refused a statement; those before it have been done.
    """
    for number, statement in enumerate(statements):
        try:
            names, rows = connection.query(statement)
        except CleanroomError as error:
            if len(statements) > 1:
                where = f" (line {lines[number]})" if lines else ""
                error.what = f"statement {number + 1} of {len(statements)}{where}: {error.what}"
                done = {0: "none was run", 1: "the one before it was run"}
                error.why = "; ".join(filter(None, (error.why, done.get(number, f"the {number} before it were run"))))
            raise
        columns = _told_apart(names)
        yield Answer(statement, columns, tuple(dict(zip(columns, map(as_it_is, row), strict=True)) for row in rows))


def _bare(statement: str | None) -> str:
    """Without the semicolon at its end; nothing where only comments are left."""
    cut = (statement or "").strip().rstrip(";").strip()
    comment = _COMMENT.match(cut)
    return "" if comment is not None and comment.end() == len(cut) else cut


def _told_apart(names: tuple[str, ...]) -> tuple[str, ...]:
    found: list[str] = []
    for name in names:
        chosen, number = name, 1
        while chosen in found:
            number += 1
            chosen = f"{name}_{number}"
        found.append(chosen)
    return tuple(found)
