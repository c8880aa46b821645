"""`cleanroom-ml`: runs the command, renders what it returns, and turns every error into its exit code."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from typing import Final

import typer
from typer.exceptions import TyperException

from cleanroom_ml.cli.output import Output
from cleanroom_ml.cli.root import invoke
from cleanroom_ml.cli.settings import Format, reset, settings
from cleanroom_ml.cli.streams import discard, open_standard_streams, tell
from cleanroom_ml.errors import INTERRUPTED, CleanroomError, UsageError


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit codes are those of docs/cli-conventions.md."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    reset()
    settings().format = _asked_format(given)
    settings().typed = tuple(given)
    try:
        outcome = invoke(given)
        if not isinstance(outcome, Output):
            # The parser makes an exit code of an interrupt, too.
            return _interrupted() if outcome == INTERRUPTED else int(outcome or 0)
        return _rendered(outcome)
    except TyperException as error:
        return _usage(error)
    except (typer.Abort, KeyboardInterrupt):
        return _interrupted()
    except BrokenPipeError:
        # Whoever read a stream (`logs --follow | head`) has seen enough.
        discard(1)
        return 0
    except CleanroomError as error:
        return _ours(error)
    except OSError as error:
        return _ours(_of_the_system(error))
    except ModuleNotFoundError as error:
        from cleanroom_ml.local.extras import not_installed

        return _ours(not_installed(error) or _defect(error))
    except Exception as error:  # noqa: BLE001 - the last line of defence: a defect of ours is told without a traceback
        return _ours(_defect(error))


def _rendered(outcome: Output) -> int:
    """Print what a command returned. The command is done: its exit code stands, whoever still reads."""
    from cleanroom_ml.cli.render import render

    try:
        render(outcome, settings().format)
    except BrokenPipeError:
        discard(1)
    except OSError as error:
        discard(1)
        raise CleanroomError("standard output cannot be written to", why=error.strerror) from error
    return outcome.exit_code


def _ours(error: CleanroomError) -> int:
    if settings().debug:
        import traceback

        from cleanroom_ml.cli.render import note

        note("".join(traceback.format_exception(error)).rstrip())
    from cleanroom_ml.cli.render import render_error

    try:
        render_error(error, settings().format)
    except OSError:
        # Standard output takes no JSON any more; standard error is told all the same.
        discard(1)
        render_error(error, Format.table.value)
    return error.exit_code


def _defect(error: Exception) -> CleanroomError:
    reported = CleanroomError(
        f"internal error: {type(error).__name__}: {error}",
        why="this is a defect of cleanroom-ml, not of what you typed",
        fix="repeat it with --debug and report what it prints",
    )
    reported.__cause__ = error
    return reported


def _of_the_system(error: OSError) -> CleanroomError:
    """A file that is not there, a full disk: said by the system, and no defect of ours."""
    reason = error.strerror or str(error) or type(error).__name__
    try:
        sys.stdout.flush()
    except OSError:
        discard(1)
        reason = f"standard output cannot be written to: {reason}"
    reported = CleanroomError(f"{error.filename}: {reason}" if error.filename else reason)
    reported.__cause__ = error
    return reported


_OF_THE_PARSER: Final = re.compile(r"\A(Invalid value for '[^'\n]{1,80}': )Value error, ")
"""What pydantic, which reads the values of enumerations, puts in front of its message."""


def _usage(error: TyperException) -> int:
    """The parser's own errors, with its usage line. With JSON asked for, standard output still parses."""
    from cleanroom_ml.cli.render import note

    # A noun without a verb: what the parser has to say is the noun's whole help.
    bare = type(error).__name__ == "NoArgsIsHelpError"
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "cleanroom-ml"
    what = f"{path} needs a command" if bare else _OF_THE_PARSER.sub(r"\1", error.format_message())
    _json_error("UsageError", UsageError.exit_code, what, f"{path} --help")
    if bare:
        note(error.format_message() + "\n")
    elif context:
        note(context.get_usage())
    note(f"error: {what}")
    note(f"fix: {path} --help")
    return UsageError.exit_code


def _interrupted() -> int:
    _json_error("Interrupted", INTERRUPTED, "interrupted", None)
    tell("interrupted\n")
    return INTERRUPTED


def _json_error(type_: str, exit_code: int, what: str, fix: str | None) -> None:
    if settings().format in ("json", "jsonl"):
        from cleanroom_ml.cli.render import print_json

        data = {"type": type_, "exit_code": exit_code, "what": what, "why": None, "fix": fix}
        try:
            print_json({"error": data}, indent=2 if settings().format == "json" else None)
        except OSError:
            discard(1)


def _asked_format(arguments: list[str]) -> str:
    """The format asked for, as far as it can be told before the parser has read the command line."""
    asked = os.environ.get("CLEANROOM_ML_FORMAT", "")
    for at, argument in enumerate(arguments):
        if argument == "--":
            break
        if argument == "--format":
            asked = arguments[at + 1] if at + 1 < len(arguments) else asked
        elif argument.startswith("--format="):
            asked = argument.removeprefix("--format=")
    return asked if asked in set(Format) else Format.table.value


def main() -> None:
    """The console script."""
    if open_standard_streams():
        tell("warning: standard output is closed: what the command has to tell is lost\n")
    sys.exit(run())
