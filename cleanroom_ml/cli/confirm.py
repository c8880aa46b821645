"""Ask before what cannot be undone; without a terminal only `--yes` says yes."""

from __future__ import annotations

import sys

import typer

from cleanroom_ml.cli.plain import plain
from cleanroom_ml.errors import CleanroomError, UsageError


def confirm(question: str, *, yes: bool, command: str) -> None:
    """Return if the person agrees.

    Raises:
        UsageError: nobody can be asked and `--yes` was not given.
        CleanroomError: the person declines.
        typer.Abort: the person interrupts.
    """
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("this cannot be undone, and there is no terminal to ask on", fix=f"{command} --yes")
    if not typer.confirm(plain(question), err=True):
        raise CleanroomError("nothing was changed", why="you did not agree")


def agree(question: str, *, otherwise: str) -> None:
    """Return if the person agrees to what can be said on the command line as well.

    Raises:
        UsageError: nobody can be asked; `otherwise` is how to say it.
        CleanroomError: the person declines.
        typer.Abort: the person interrupts.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(plain(question), why="there is no terminal to ask on", fix=otherwise)
    if not typer.confirm(plain(question), err=True):
        raise CleanroomError("nothing was changed", why="you did not agree")
