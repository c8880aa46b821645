"""Which requirements an environment satisfies as it is, by the rules that pip has for what is installed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import metadata
from typing import TYPE_CHECKING, Final, cast

from packaging.markers import Marker, default_environment
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from cleanroom_ml.engine.jobs.errors import RequirementNotSatisfiedError

if TYPE_CHECKING:
    from cleanroom_ml.specs.requirements import Requirement as Wanted

STAND_INS: Final[Mapping[str, str]] = {
    # The same modules by the same maintainers, without CUDA (docs/measured-facts.md, "Training and tuning").
    "xgboost": "xgboost-cpu",
}


class Installed:
    """The distributions of one environment. Of two with the same name the first on the path counts, as for imports."""

    def __init__(self, distributions: Iterable[metadata.Distribution], *, python: str) -> None:
        self._found: dict[str, metadata.Distribution] = {}
        for distribution in distributions:
            name = distribution.metadata["Name"]
            if name:
                self._found.setdefault(canonicalize_name(name), distribution)
        self._environment: dict[str, str] = {
            **cast("dict[str, str]", default_environment()),
            "python_full_version": python,
            "python_version": ".".join(python.split(".")[:2]),
        }

    def versions(self) -> dict[str, str]:
        """The version of each distribution, by normalised name."""
        return {name: found.version for name, found in sorted(self._found.items())}

    def applies(self, marker: str) -> bool:
        """Whether an environment marker holds in this environment."""
        return not marker or Marker(marker).evaluate({**self._environment, "extra": ""})

    def satisfying(self, wanted: Wanted) -> tuple[str, str] | None:
        """(name, version) of what satisfies the requirement already, with everything that its extras need; None."""
        if wanted.wheel is not None:
            return None
        for name in (wanted.name, STAND_INS.get(wanted.name)):
            if name is not None and self._holds(name, wanted.specifier, frozenset(wanted.extras), set()):
                return name, self._found[name].version
        return None

    def _holds(self, name: str, specifier: str, extras: frozenset[str], seen: set[tuple[str, str]]) -> bool:
        found = self._found.get(name)
        if found is None or not _within(found.version, specifier):
            return False
        for extra in sorted(extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            if not all(self._holds_dependency(line, extra, seen) for line in found.requires or ()):
                return False
        return True

    def _holds_dependency(self, line: str, extra: str, seen: set[tuple[str, str]]) -> bool:
        try:
            dependency = Requirement(line)
        except InvalidRequirement:
            return False
        if dependency.marker is None or not dependency.marker.evaluate({**self._environment, "extra": extra}):
            return True  # of the package itself, which is installed; or of another extra
        name = canonicalize_name(dependency.name)
        wanted = frozenset(dependency.extras)
        return any(
            self._holds(each, str(dependency.specifier), wanted, seen)
            for each in (name, STAND_INS.get(name))
            if each is not None
        )


def check(requirements: Iterable[str], installed: Installed) -> None:
    """For a job that has no lock: everything that it asks for must be there.

    Raises:
        RequirementNotSatisfiedError: naming all that is not.
    """
    problems = [problem for line in requirements if (problem := _problem(line.strip(), installed)) is not None]
    if problems:
        raise RequirementNotSatisfiedError(
            "; ".join(problems),
            why="without a dependency lock a job has its image and nothing else",
            fix="register the code spec again: registering locks what its jobs require",
        )


def _problem(line: str, installed: Installed) -> str | None:
    if not line or line.startswith("#"):
        return None
    try:
        wanted = Requirement(line)
    except InvalidRequirement:
        return f"'{line}' is not a requirement by name and version"
    if wanted.url is not None:
        return f"'{line}' names a file or address; only packages of the runtime can be used"
    if not installed.applies(str(wanted.marker or "")):
        return None
    version = installed.versions().get(canonicalize_name(wanted.name))
    if version is None:
        return f"'{line}': {wanted.name} is not installed"
    return None if _within(version, str(wanted.specifier)) else f"'{line}': {wanted.name} {version} is installed"


def _within(version: str, specifier: str) -> bool:
    try:
        return SpecifierSet(specifier).contains(Version(version), prereleases=True)
    except InvalidVersion:
        return False
