"""`python guarantees_weak_supervisor.py JOB_DIRECTORY CONTROL…`: a job's supervisor whose sandbox lacks controls.

Only for the tests that show what each control is for.
"""

from __future__ import annotations

import sys
from pathlib import Path

from cleanroom_ml.engine.jobs import supervisor
from cleanroom_ml.engine.sandbox import choosing

sys.path.insert(0, str(Path(__file__).parents[1]))
from weakened_sandbox import Weakened


def main(directory: str, *controls: str) -> None:
    assert choosing.Bubblewrap, "what makes the driver is elsewhere now"
    choosing.Bubblewrap = lambda: Weakened(*controls)  # type: ignore[misc, assignment]
    supervisor.supervise(Path(directory))


if __name__ == "__main__":
    main(*sys.argv[1:])
