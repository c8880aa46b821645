"""`cleanroom-ml sql`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cleanroom_ml.cli.command import command, single
from cleanroom_ml.cli.context import open_connection
from cleanroom_ml.cli.options import optional_argument, optional_option
from cleanroom_ml.cli.output import Output
from cleanroom_ml.cli.settings import settings

if TYPE_CHECKING:
    from cleanroom_ml.services.statements import Answer

app = single()


@command(app, example='cleanroom-ml sql "SELECT COUNT(*) FROM ML_DB.PUBLIC.CUSTOMERS" --format csv')
def sql(
    statement: Annotated[
        str | None,
        optional_argument(metavar="STATEMENTS", help="SQL; - or none: stdin. Times are cut to microseconds."),
    ] = None,
    file: Annotated[Path | None, optional_option("-f", "--file", metavar="FILE", help="Read them from a file.")] = None,
) -> Output:
    """Run SQL on this directory's connection; of several statements json lists each, csv and jsonl the last."""
    from cleanroom_ml.cli.render import render
    from cleanroom_ml.cli.streams import discard
    from cleanroom_ml.services.statements import lines_of, run, split

    text = _text(statement, file)
    statements = split(text)
    format_ = settings().format
    answers: list[Answer] = []
    with open_connection() as connection:
        for answer in run(connection, statements, lines_of(text, statements)):
            if format_ == "table" and len(statements) > 1:
                # Each as it comes: what was done before a statement that fails has been seen. That nobody reads it
                # (`sql -f setup.sql | head`) is no reason to leave the rest undone.
                try:
                    render(_output(answer), format_)
                except BrokenPipeError:
                    discard(1)
            else:
                answers.append(answer)
    if not answers:
        return Output([], "")
    if format_ == "json" and len(answers) > 1:
        return Output([answer.rows for answer in answers])
    return _output(answers[-1])


def _output(answer: Answer) -> Output:
    return Output(answer.rows, columns=answer.columns, verbatim=True)


def _text(statement: str | None, file: Path | None) -> str:
    from cleanroom_ml.errors import UsageError
    from cleanroom_ml.services.statements import read_text

    if statement is not None and statement != "-" and file is not None:
        raise UsageError("both a statement and a file", fix='cleanroom-ml sql "SELECT 1", or: -f FILE')
    if file is not None and str(file) != "-":
        return read_text(file)
    if statement is not None and statement != "-":
        return statement
    if sys.stdin is None or (statement is None and file is None and sys.stdin.isatty()):
        raise UsageError("no SQL given", fix='cleanroom-ml sql "SELECT 1", or: -f FILE')
    try:
        return sys.stdin.read()
    except UnicodeDecodeError:
        raise UsageError("standard input is not text", why="SQL is UTF-8 text") from None
