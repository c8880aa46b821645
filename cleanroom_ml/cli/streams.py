"""The standard streams as they are given: closed, broken or full, none of them may change what a command does."""

from __future__ import annotations

import contextlib
import os
import sys


def open_standard_streams() -> bool:
    """Stand something in for each standard stream that is closed; whether standard output was.

    A closed descriptor would be given to the next file or socket that is opened, and what is meant for the terminal
    would be written into it. So this comes before anything else of a process.
    """
    closed = [number for number in (0, 1, 2) if not _is_open(number)]
    for number in closed:
        found = os.open(os.devnull, os.O_RDONLY if number == 0 else os.O_WRONLY)
        if found != number:
            os.dup2(found, number)
            os.close(found)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for as long as the process lives
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    return 1 in closed


def tell(text: str) -> None:
    """Write to standard error. Where nobody can read it any more, the command goes on and says nothing.

    A command must not stop half way because the pipe of its warnings has no reader.
    """
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError):
        discard(2)


def discard(number: int) -> None:
    """From now on what is written to standard output (1) or standard error (2) goes nowhere.

    What is left in Python's buffer too, so that the interpreter does not complain about it once more while it ends.
    """
    stream = sys.stdout if number == 1 else sys.stderr
    with contextlib.suppress(OSError, ValueError):  # a stream of a test has no descriptor
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
