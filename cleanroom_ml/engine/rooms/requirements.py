"""`pip_requirements` on the embedded engine: what a job asks for must be installed where jobs run. Nothing is
downloaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import metadata

from cleanroom_ml.engine.sql.errors import room_error
from cleanroom_ml.specs.requirements import Requirement

STAND_INS: dict[str, tuple[str, ...]] = {
    # The same modules by the same maintainers, without CUDA (design/measured-facts.md, "Training and tuning").
    "xgboost": ("xgboost", "xgboost-cpu"),
}


def resolve(job_name: str, requirements: Iterable[Requirement]) -> dict[str, str]:
    """The installed version of everything that a job requires, by distribution: its dependency lock.

    Raises:
        SqlError: RequirementNotSatisfiedError, naming all that is missing.
    """
    from packaging.markers import Marker

    lock: dict[str, str] = {}
    problems: list[str] = []
    for requirement in requirements:
        if requirement.marker and not Marker(requirement.marker).evaluate():
            continue
        if requirement.wheel is not None:
            problems.append(
                f"{requirement.wheel}: wheels in the code directory are not installed by the embedded engine yet"
            )
            continue
        found = _installed(STAND_INS.get(requirement.name, (requirement.name,)), requirement.specifier)
        if isinstance(found, str):
            problems.append(f"{requirement.name}{requirement.specifier}: {found}")
        else:
            lock[found[0]] = found[1]
    if problems:
        raise room_error(
            "RequirementNotSatisfiedError",
            f"ML job '{job_name}' requires what is not installed in the embedded engine's environment: "
            + "; ".join(problems),
        )
    return dict(sorted(lock.items()))


def _installed(names: Sequence[str], specifier: str) -> tuple[str, str] | str:
    from packaging.specifiers import SpecifierSet

    wanted = SpecifierSet(specifier)
    other = ""
    for name in names:
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        if wanted.contains(version, prereleases=True):
            return name, version
        other = version
    return f"version {other} is installed" if other else "not installed"
