"""Runs a suite's files against an engine; what was run is written down, and a later run goes on from there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

_FOR_OTHERS = ("GITHUB_ACTIONS", "JENKINS_HOME", "CI", "PYTEST_ADDOPTS", "SNOWFLAKE_HOME", "TZ")
"""What a suite would take for its owner's machine."""


@dataclass(frozen=True, slots=True)
class Run:
    """How files are run: below `directory`, reports into `reports`, `timeout` seconds a test."""

    directory: Path
    reports: Path
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    timeout: int
    packages: Path | None


def run_files(run: Run, files: Sequence[str], *, workers: int, together: int, say: Callable[[str], None]) -> None:
    """Runs files, `workers` processes at a time, `together` files one after the other in each."""
    run.reports.mkdir(parents=True, exist_ok=True)
    first = 1 + max((int(path.stem) for path in run.reports.glob("*.json")), default=0)
    batches = [files[at : at + together] for at in range(0, len(files), together)]
    with ThreadPoolExecutor(workers) as pool:
        codes = pool.map(lambda each: _run(run, *each), enumerate(batches, first))
        for batch, code in zip(batches, codes, strict=True):
            say(f"{', '.join(batch)}: {'ran' if code in (0, 1, 5) else f'pytest ended with {code}, see the last .log'}")


def reported(reports: Path) -> tuple[tuple[Path, tuple[str, ...]], ...]:
    """The reports there are, in order, and the files that each is of."""
    listed = sorted(reports.glob("*.json"), key=lambda path: int(path.stem))
    return tuple((path.with_suffix(".xml"), tuple(json.loads(path.read_text(encoding="utf-8")))) for path in listed)


def _run(run: Run, number: int, files: Sequence[str]) -> int:
    report = run.reports / f"{number}.xml"
    command = [sys.executable, "-m", "pytest", *files, f"--junitxml={report}", f"--timeout={run.timeout}"]
    command += [
        "-o",
        "junit_family=xunit1",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-p",
        "trusted_keys",
        "--color=no",
        "-q",
    ]
    with report.with_suffix(".log").open("wb") as output:
        try:
            ended = subprocess.run(
                [*command, *run.arguments],
                cwd=run.directory,
                env=_environment(run),
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=max(1800, 10 * run.timeout) * len(files),
                check=False,
            )
        except subprocess.TimeoutExpired:
            return 124
    if report.exists() and ended.returncode in (0, 1, 5):
        report.with_suffix(".json").write_text(json.dumps(list(files)), encoding="utf-8")
    return ended.returncode


def _environment(run: Run) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _FOR_OTHERS}
    path = [str(run.directory), str(Path(__file__).parent), *([str(run.packages)] if run.packages else [])]
    return {**kept, **run.environment, "PYTHONPATH": os.pathsep.join(path), "TZ": "UTC"}
