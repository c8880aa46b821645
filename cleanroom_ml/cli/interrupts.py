"""Ctrl-C during a wait ends the waiting and nothing else: what goes on, and what to type, is said."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sized
from contextlib import contextmanager

from cleanroom_ml.cli.settings import settings


@contextmanager
def resumed() -> Iterator[None]:
    """Around what can be typed again, with all of its options, and then goes on from where it was."""
    try:
        yield
    except KeyboardInterrupt:
        again = shlex.join(["cleanroom-ml", *settings().typed])
        _say(f"\nwhat was begun goes on; the same again goes on from there: {again}")
        raise


@contextmanager
def looked_for_first(command: str, *, done: Sized = ()) -> Iterator[None]:
    """Around what must not be done twice: `command` tells whether it was. Once `done` has something, it was."""
    try:
        yield
    except KeyboardInterrupt:
        if len(done):
            _say(f"\nit was done, and goes on: do not repeat it; look: {command}")
        else:
            _say(f"\nit may have been done: before you repeat it, look: {command}")
        raise


def upgrading(state: str) -> None:
    """Said while a run waits for the room's application."""
    _say(f"the room's application is being upgraded ({state}): waiting for it")


def _say(line: str) -> None:
    from cleanroom_ml.cli.render import note

    note(line)
