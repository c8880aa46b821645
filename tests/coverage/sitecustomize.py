"""Measures every process that starts with this directory on its PYTHONPATH: pytest and its workers, the engine's front,
supervisors of jobs (`make coverage`).

The front keeps no variable of coverage's own, so that what it needs is found from here. Sandboxes see neither this
directory nor the variable, which is as it should be: what runs in them alone is called in a test's own process too.
"""

from __future__ import annotations

import os
from pathlib import Path

import coverage
import whose

ROOT = Path(__file__).resolve().parents[2]

os.environ["COVERAGE_PROCESS_START"] = str(ROOT / "pyproject.toml")
os.environ["COVERAGE_FILE"] = str(ROOT / "build" / "coverage" / "data")
os.environ["COVERAGE_WHOSE"] = whose.of_my_parents()
coverage.process_startup()
# What a process starts is measured because it inherits PYTHONPATH, or is not: tests look at environments.
del os.environ["COVERAGE_PROCESS_START"], os.environ["COVERAGE_FILE"], os.environ["COVERAGE_WHOSE"]
