"""Project directories: start one, load one, check one offline (design/project-file.md)."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from cleanroom_ml.errors import UsageError
from cleanroom_ml.specs import (
    COLLABORATION_FILE,
    PROJECT_FILE,
    Problem,
    Project,
    SpecProblems,
    Template,
    load_project,
    load_spec,
    validate_project,
)
from cleanroom_ml.specs.load import read_text
from cleanroom_ml.specs.project_checks import body_problems

__all__ = [
    "Checked",
    "Problem",
    "Project",
    "Sample",
    "check",
    "copy_sample",
    "described_samples",
    "load_project",
    "samples",
    "start",
]

# Short enough for `<name>_code`, which is a name as well (at most 75 characters).
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}\Z")

_README = "README.md"

_PROVIDER = """\
version: 1
collaboration: {name}
stage: ML_DB.PUBLIC.ML_STAGE/{name}
code: code/
code_specs: [code_spec.yaml]
templates: [train.yaml]
share_with: []
"""
_RUNNER = """\
version: 1
collaboration: {name}
offerings: []
reviewed: reviewed_code/
pool: {{name: ML_POOL, family: CPU_X64_S, nodes: 1}}
runs:
  train: {{template: train, tables: [], args: {{}}}}
"""
_CODE_SPEC = """\
api_version: 2.0.0
spec_type: code_spec
name: {name}_code
version: V1
ml_jobs:
  - name: train
    entrypoint: train.py
    stage_code_dir: '@ML_DB.PUBLIC.ML_STAGE/{name}'
    allow_monitoring: true
"""
_TEMPLATE = """\
api_version: 2.0.0
spec_type: template
name: train
version: V1
type: sql_analysis
parameters:
  - name: compute_pool
    type: string
    required: true
code_specs:
  - {name}_code_V1
template: |
  call cleanroom.{name}_code$train(
    {{{{ compute_pool }}}}, {{{{ num_instances | default(1) }}}}, {{{{ warehouse | default('COMPUTE_WH') }}}},
    OBJECT_CONSTRUCT('tables', ARRAY_CONSTRUCT())::VARCHAR
  )
"""
_SCRIPT = '''\
"""Runs in the clean room: python train.py --args '{"tables": [...]}'."""

import argparse
import json

from snowflake.snowpark.context import get_active_session

parser = argparse.ArgumentParser()
parser.add_argument("--args", type=json.loads, default={})
args = parser.parse_args().args

session = get_active_session()
rows = {table: session.table(table).count() for table in args["tables"]}
print(rows)

__return__ = rows
'''

_ROLES = {
    "provider": {
        PROJECT_FILE: _PROVIDER,
        "code_spec.yaml": _CODE_SPEC,
        "train.yaml": _TEMPLATE,
        "code/train.py": _SCRIPT,
    },
    "runner": {PROJECT_FILE: _RUNNER},
}


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


def start(directory: Path, role: str, name: str) -> tuple[str, ...]:
    """Write the files of a new project; returns their paths. Nothing that is there is overwritten.

    Raises:
        UsageError: a file of it is there already, or the name is none for a collaboration.
    """
    if not _NAME.match(name):
        raise UsageError(
            f"{name!r} is not a name for a collaboration",
            fix="letters, digits and _, a letter first, at most 60 characters",
        )
    files = {directory / path: text for path, text in _ROLES[role].items()}
    taken = [path for path in files if path.exists()]
    if taken:
        raise UsageError(f"{taken[0]} is there already", fix="choose an empty directory")
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if path.suffix == ".py" else text.format(name=name), encoding="utf-8")
    return tuple(str(path.relative_to(directory)) for path in files)


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
    found = body_problems(spec, read_text(path), str(path)) if isinstance(spec, Template) else ()
    return Checked(str(path), tuple(found))
