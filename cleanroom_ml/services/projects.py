"""Project directories: start one, load one, check one offline (docs/project-file.md)."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from cleanroom_ml.connection import bindings, sources
from cleanroom_ml.errors import UsageError
from cleanroom_ml.services import starter
from cleanroom_ml.services.starter import Party, table
from cleanroom_ml.specs.collaboration import Collaboration
from cleanroom_ml.specs.data_offering import DataOffering
from cleanroom_ml.specs.load import load_project, load_spec, read_text
from cleanroom_ml.specs.problems import Problem, SpecProblems
from cleanroom_ml.specs.project import COLLABORATION_FILE, PROJECT_FILE, Project
from cleanroom_ml.specs.project_checks import body_problems, role_problems, validate_project
from cleanroom_ml.specs.template import Template

__all__ = [
    "Checked",
    "Party",
    "Problem",
    "Project",
    "Sample",
    "check",
    "copy_sample",
    "described_samples",
    "load_project",
    "parties",
    "samples",
    "start",
    "table",
    "warnings",
]

# Short enough for `<name>_customers`, which is a name as well (at most 75 characters).
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}\Z")

_ACCOUNT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\.[A-Za-z_][A-Za-z0-9_]*\Z")
_LONGEST_ALIAS = 25

LOCAL_ORGANIZATION = "LOCAL"
"""The organization of every account of the embedded engine."""

_README = "README.md"


@dataclass(frozen=True, slots=True)
class Checked:
    """What was checked. `problems` is empty where all is well."""

    path: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample project: its name, what it answers, and the parties' directories, the owner's first."""

    name: str
    question: str
    parties: tuple[str, ...]


def start(
    directory: Path, role: str, name: str, *, provider: str | None = None, runner: str | None = None
) -> tuple[str, ...]:
    """Write the files of a new project; returns their paths. Nothing that is there is overwritten.

    Args:
        role: whose directory it is, `provider` or `runner`.
        name: the collaboration's; what the specs, the table, the pool and the segment are called begins with it.
        provider: its account, as `parties` takes it.
        runner: the same for the other party.

    Raises:
        UsageError: a file of it is there already, or a name is none.
    """
    if not _NAME.match(name):
        raise UsageError(
            f"{name!r} is not a name for a collaboration",
            fix="letters, digits and _, a letter first, at most 60 characters",
        )
    both = parties(directory, role, provider=provider, runner=runner)
    files = {directory / path: text for path, text in starter.files(role, name, *both).items()}
    taken = [path for path in files if path.exists()]
    if taken:
        raise UsageError(f"{taken[0]} is there already", fix="choose an empty directory")
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tuple(str(path.relative_to(directory)) for path in files)


def parties(
    directory: Path, role: str, *, provider: str | None = None, runner: str | None = None
) -> tuple[Party, Party]:
    """The provider and the runner that a new project's specs name.

    An account is ORGANIZATION.ACCOUNT, or the name of one of the embedded engine's. Where one is not said: for the
    directory's own role the account of its connection, if it is an engine's; the engine's accounts if there are just as
    many as are needed, the one that was made first as the provider; else `provider` and `runner`.

    Raises:
        UsageError: an account is none, or both are one.
    """
    known = list(sources.engine_sections())
    bound = bindings.bound_to(directory.resolve())
    given = {"provider": provider, "runner": runner}
    if given[role] is None and bound in known:
        given[role] = bound
    free = [each for each in known if each.upper() not in {str(value).upper() for value in given.values()}]
    missing = [each for each in given if given[each] is None]
    if len(free) == len(missing):
        given |= dict(zip(missing, free, strict=True))
    both = {each: _party(given[each] or each) for each in given}
    if both["provider"].account.upper() == both["runner"].account.upper():
        raise UsageError(f"provider and runner are both {both[role].account}", fix="--provider ONE --runner ANOTHER")
    return both["provider"], both["runner"]


def _party(account: str) -> Party:
    """A party by its account; its alias is the account's name, as far as an alias is that long."""
    dotted = account if "." in account else f"{LOCAL_ORGANIZATION}.{account.upper()}"
    name = dotted.rpartition(".")[2]
    if not _ACCOUNT.match(dotted) or len(name) > _LONGEST_ALIAS:
        raise UsageError(
            f"{account!r} is not an account",
            fix=f"ORGANIZATION.ACCOUNT, or an account of the engine; its name at most {_LONGEST_ALIAS} characters",
        )
    return Party(name.lower(), dotted)


def samples() -> dict[str, Path]:
    """The sample projects that came with this installation, by name."""
    root = Path(__file__).resolve().parents[1] / "sample_projects"
    found = sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    return {path.name: path for path in found if (path / _README).is_file() and any(path.glob(f"*/{PROJECT_FILE}"))}


def described_samples() -> tuple[Sample, ...]:
    """Every sample project. The question is the README's heading, behind the project's name."""
    found = []
    for name, path in samples().items():
        heading = (path / _README).read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        parties = sorted(
            (file.parent for file in path.glob(f"*/{PROJECT_FILE}")),
            key=lambda party: (not (party / COLLABORATION_FILE).is_file(), party.name),
        )
        found.append(Sample(name, heading.partition(": ")[2] or heading, tuple(party.name for party in parties)))
    return tuple(found)


def copy_sample(name: str, directory: Path) -> Path:
    """A sample project, copied to `directory`. Data that was generated into the sample stays behind.

    What is a link in the sample (a party's reviewed copy of the code) is a copy of its own afterwards.

    Raises:
        UsageError: there is no such sample, or the directory is not empty.
    """
    known = samples()
    if name not in known:
        near = get_close_matches(name, known, n=1)
        listed = f"known: {', '.join(known) or 'none'}"
        raise UsageError(
            f"there is no sample project {name!r}",
            why=f"did you mean {near[0]!r}? {listed}" if near else listed,
            fix="cleanroom-ml init --list",
        )
    if directory.exists() and any(directory.iterdir()):
        raise UsageError(f"{directory} is not empty", fix="choose another directory")
    ignored = shutil.ignore_patterns("data", "__pycache__")
    shutil.copytree(known[name], directory, dirs_exist_ok=True, ignore=ignored)
    return directory


def check(path: Path) -> Checked:
    """Check a project directory or one spec file, offline; collects every problem.

    Raises:
        UsageError: there is nothing to read there.
    """
    if path.is_dir():
        return Checked(str(path), validate_project(path))
    try:
        spec = load_project(path.parent) if path.name == PROJECT_FILE else load_spec(path)
    except SpecProblems as error:
        return Checked(str(path), tuple(error.problems))
    if (among := _of_its_project(path)) is not None:
        return Checked(str(path), among)
    if isinstance(spec, Template):
        return Checked(str(path), tuple(body_problems(spec, read_text(path), str(path))))
    if isinstance(spec, Collaboration):
        return Checked(str(path), tuple(role_problems(spec, read_text(path), str(path))))
    return Checked(str(path), ())


def warnings(path: Path) -> tuple[str, ...]:
    """What is allowed and may not be meant, of the offerings of a project or of one spec file that `check` passes."""
    if path.is_dir() or path.name == PROJECT_FILE:
        files = load_project(path if path.is_dir() else path.parent).offering_paths
    else:
        files = (path,)
    found = []
    for file in files:
        spec = load_spec(file)
        for dataset in spec.datasets if isinstance(spec, DataOffering) else ():
            if dataset.unprotected:
                found.append(f"{file}: {dataset.alias} allows free-form SQL without a policy: every row is readable")
    return tuple(found)


def _of_its_project(path: Path) -> tuple[Problem, ...] | None:
    """The problems of a spec file among the other files of the project that lists it; None where none does."""
    place = path.resolve()
    root = next((above for above in place.parents if (above / PROJECT_FILE).is_file()), None)
    if root is None or path.name == PROJECT_FILE:
        return None
    try:
        project = load_project(root)
    except SpecProblems:
        return None
    listed = (*project.code_spec_paths, *project.template_paths, *project.offering_paths, project.collaboration_path)
    if place not in {each.resolve() for each in listed}:
        return None
    problems = (problem for problem in validate_project(root) if Path(problem.file).resolve() == place)
    return tuple(replace(problem, file=str(path)) for problem in problems)
