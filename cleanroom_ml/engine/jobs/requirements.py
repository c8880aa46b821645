"""Whether the runtime that jobs run in holds what a job's `pip_requirements` ask for. Nothing is installed."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import metadata

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import Version

from cleanroom_ml.engine.jobs.errors import RequirementNotSatisfiedError


def check(requirements: Iterable[str]) -> None:
    """Raise RequirementNotSatisfiedError naming every requirement that this engine's Python environment does not
    satisfy.

    Markers that do not hold here are skipped, as pip does. Files, URLs and options of pip cannot be satisfied.
    """
    problems = [problem for line in requirements if (problem := _problem(line.strip())) is not None]
    if problems:
        raise RequirementNotSatisfiedError(
            "; ".join(problems),
            why="the embedded engine runs jobs in its own Python environment and installs nothing at run time",
            fix="install the packages into the engine's environment and restart it, or change pip_requirements",
        )


def _problem(line: str) -> str | None:
    if not line or line.startswith("#"):
        return None
    try:
        wanted = Requirement(line)
    except InvalidRequirement:
        return f"'{line}' is not a requirement by name and version"
    if wanted.url is not None:
        return f"'{line}' names a file or address; only packages of the runtime can be used"
    if wanted.marker is not None and not wanted.marker.evaluate():
        return None
    try:
        installed = metadata.version(wanted.name)
    except metadata.PackageNotFoundError:
        return f"'{line}': {wanted.name} is not installed"
    if not wanted.specifier.contains(Version(installed), prereleases=True):
        return f"'{line}': {wanted.name} {installed} is installed"
    return None
