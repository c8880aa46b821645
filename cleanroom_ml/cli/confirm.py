"""Ask before what cannot be undone; without a terminal only `--yes` says yes."""

from __future__ import annotations

import shlex
import sys

import typer

from cleanroom_ml.cli.plain import plain
from cleanroom_ml.cli.settings import settings
from cleanroom_ml.errors import CleanroomError, UsageError


def confirm(
    question: str, *, yes: bool, pins: tuple[str, ...] = (), typed: str | None = None, displayed: str | None = None
) -> None:
    """Return if the person agrees.

    Where nobody can be asked, the cure is the command as it was typed, with every option that it had: one without
    `--segment` or `-c` would do something else, and not ask. What it does is held to what the question is about: `pins`
    are options for that, and `shown` is the id of what was shown, in the place of the name that was `typed`, if any.

    Raises:
        UsageError: nobody can be asked and `--yes` was not given.
        CleanroomError: the person declines.
        typer.Abort: the person interrupts.
    """
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            "this cannot be undone, and there is no terminal to ask on", fix=_again(pins, typed, displayed)
        )
    if not typer.confirm(plain(question), err=True):
        raise CleanroomError("nothing was changed", why="you did not agree")


def _again(pins: tuple[str, ...], typed: str | None, displayed: str | None) -> str:
    words = ["cleanroom-ml", *settings().typed]
    if displayed and typed in words[2:]:
        words[words.index(typed, 2)] = displayed
    elif displayed:
        words.append(displayed)
    return shlex.join([*words, *pins, "--yes"])


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
