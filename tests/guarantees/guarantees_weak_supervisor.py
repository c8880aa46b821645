"""`python guarantees_weak_supervisor.py JOB_DIRECTORY CONTROL…`: a job's supervisor whose sandbox lacks controls.

Only for the tests that show what each control is for: `WeakenedForTests` refuses to be made anywhere else.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest  # noqa: F401 - WeakenedForTests asks whether this is a test

from cleanroom_ml.engine.jobs import supervisor
from cleanroom_ml.engine.sandbox import process
from cleanroom_ml.engine.sandbox.bubblewrap import Bubblewrap
from cleanroom_ml.engine.sandbox.weakened import WeakenedForTests


def main(directory: str, *controls: str) -> None:
    process.Bubblewrap = lambda: Bubblewrap(WeakenedForTests(frozenset(controls)))  # type: ignore[misc, assignment]
    supervisor.supervise(Path(directory))


if __name__ == "__main__":
    main(*sys.argv[1:])
