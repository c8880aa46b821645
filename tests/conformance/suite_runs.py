"""Runs a suite's files against an engine, each in a pytest of its own; a file with a report is not run again."""

from __future__ import annotations

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


def report_of(run: Run, file: str) -> Path:
    """Where a file's junit report lies."""
    return run.reports / (file.replace("/", ".").removesuffix(".py") + ".xml")


def run_files(run: Run, files: Sequence[str], *, workers: int, say: Callable[[str], None]) -> None:
    """Runs what has no report yet, the longest files first, `workers` at a time."""
    run.reports.mkdir(parents=True, exist_ok=True)
    waiting = [file for file in files if not report_of(run, file).exists()]
    waiting.sort(key=lambda file: (run.directory / file).stat().st_size, reverse=True)
    with ThreadPoolExecutor(workers) as pool:
        for file, code in zip(waiting, pool.map(lambda file: _run(run, file), waiting), strict=True):
            say(f"{file}: {'ran' if code in (0, 1, 5) else f'pytest ended with {code}, see its .log'}")


def _run(run: Run, file: str) -> int:
    report = report_of(run, file)
    partial = report.with_suffix(".partial")
    command = [sys.executable, "-m", "pytest", file, f"--junitxml={partial}", f"--timeout={run.timeout}"]
    command += ["-o", "junit_family=xunit1", "-p", "no:cacheprovider", "-p", "no:xdist", "--color=no", "-q"]
    log = report.with_suffix(".log")
    with log.open("wb") as output:
        try:
            ended = subprocess.run(
                [*command, *run.arguments],
                cwd=run.directory,
                env=_environment(run),
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=max(1800, 10 * run.timeout),
                check=False,
            )
        except subprocess.TimeoutExpired:
            return 124
    if partial.exists():
        partial.replace(report)
    return ended.returncode


def _environment(run: Run) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _FOR_OTHERS}
    path = [str(run.directory), str(Path(__file__).parent), *([str(run.packages)] if run.packages else [])]
    return {**kept, **run.environment, "PYTHONPATH": os.pathsep.join(path), "TZ": "UTC"}
