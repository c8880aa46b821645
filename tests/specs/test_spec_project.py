"""The project file, and the checks between the files of a project (docs/project-file.md)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cleanroom_ml.errors import UsageError
from cleanroom_ml.services.projects import check
from cleanroom_ml.services.registration import register_file
from cleanroom_ml.specs.code_spec import CodeSpec
from cleanroom_ml.specs.load import load_project, load_spec
from cleanroom_ml.specs.problems import SpecProblems
from cleanroom_ml.specs.project_checks import validate_project

PROJECT = """\
version: 1
collaboration: lookalike
stage: ML_DB.PUBLIC.ML_STAGE/lookalike
code: code/
code_specs: [code_spec.yaml]
templates: [train.yaml, activate.yaml]
offerings: [features.yaml]
share_with: [advertiser]
reviewed: reviewed_code/
pool: {name: ML_POOL, family: CPU_X64_S, nodes: 1}
runs:
  train: {template: train, tables: [publisher.features_v1.t], args: {rounds: 10}, nodes: 1}
  theirs: {template: their_template}
activate: {template: activate, to: publisher, segment: lookalike_q3}
"""
CODE_SPEC = """\
api_version: 2.0.0
spec_type: code_spec
name: model
version: V1
ml_jobs:
  - name: train
    entrypoint: train.py
    stage_code_dir: '@ML_DB.PUBLIC.ML_STAGE/lookalike'
    pip_requirements: [wheels/mine-1.0-py3-none-any.whl]
"""
TRAIN = """\
api_version: 2.0.0
spec_type: template
name: train
version: V1
type: sql_analysis
parameters: [{name: rounds}, {name: compute_pool}, {name: warehouse}]
code_specs: [model_V1]
template: |
  call cleanroom.model$train({{ compute_pool }}, 1, {{ warehouse }}, '{}')
"""
ACTIVATE = """\
api_version: 2.0.0
spec_type: template
name: activate
version: V1
type: sql_activation
template: |
  BEGIN
    CREATE OR REPLACE TABLE cleanroom.activation_data_best AS SELECT id FROM cleanroom.scores;
    RETURN 'best';
  END;
"""
OFFERING = """\
api_version: 2.0.0
spec_type: data_offering
name: features
version: v1
datasets:
  - alias: t
    data_object_fqn: d.s.t
    allowed_analyses: template_only
    schema_and_template_policies: {a: {category: passthrough}}
"""
COLLABORATION = """\
api_version: 2.0.0
spec_type: collaboration
name: lookalike
owner: publisher
collaborator_identifier_aliases: {publisher: O.P, advertiser: O.A}
analysis_runners:
  advertiser: {data_providers: {publisher: {data_offerings: []}}}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    directory = tmp_path / "publisher"
    (directory / "code" / "wheels").mkdir(parents=True)
    files = {
        "cleanroom.yaml": PROJECT,
        "code_spec.yaml": CODE_SPEC,
        "train.yaml": TRAIN,
        "activate.yaml": ACTIVATE,
        "features.yaml": OFFERING,
        "collaboration.yaml": COLLABORATION,
        "code/train.py": "",
        "code/wheels/mine-1.0-py3-none-any.whl": "",
    }
    for name, text in files.items():
        (directory / name).write_text(text)
    return directory


def change(root: Path, name: str, old: str, new: str) -> None:
    text = (root / name).read_text()
    assert old in text
    (root / name).write_text(text.replace(old, new, 1))


def test_a_project_is_read_with_its_places(root: Path) -> None:
    project = load_project(root)
    assert project.root == root.resolve()
    assert project.stage_path == "@ML_DB.PUBLIC.ML_STAGE/lookalike"
    assert project.code_directory == root.resolve() / "code"
    assert project.reviewed_directory == root.resolve() / "reviewed_code"
    assert [path.name for path in project.template_paths] == ["train.yaml", "activate.yaml"]
    assert project.runs["train"].args == {"rounds": 10}
    assert project.pool is not None
    assert (project.pool.name, project.pool.family, project.pool.nodes) == ("ML_POOL", "CPU_X64_S", 1)
    assert project.activate is not None
    assert project.activate.segment == "lookalike_q3"
    assert validate_project(root) == ()


def test_the_least_project(tmp_path: Path) -> None:
    (tmp_path / "cleanroom.yaml").write_text("version: 1\n")
    assert load_project(tmp_path).runs == {}
    assert validate_project(tmp_path) == ()


def test_no_project(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no cleanroom\.yaml"):
        load_project(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "line", "at", "what"),
    [
        ("version: 1", "version: 2", 1, "2", "is '2'"),
        ("version: 1", "versoin: 1", 1, "versoin", "did you mean 'version'?"),
        ("templates:", "template:", 6, "template", "did you mean 'templates'?"),
        ("nodes: 1}\nruns", "node: 1}\nruns", 10, "node", "did you mean 'nodes'?"),
        ("family: CPU_X64_S,", "family: CPU_X64_XXL,", 10, "CPU", "not an instance family"),
        ("nodes: 1}\nruns", "nodes: 0}\nruns", 10, "0}", "whole number"),
        ("ML_DB.PUBLIC.ML_STAGE/lookalike", "ML_STAGE/lookalike", 3, "ML", "not a path on an internal stage"),
        ("ML_DB.PUBLIC.ML_STAGE/lookalike", "ML_DB.PUBLIC.ML_STAGE/../x", 3, "ML", "may leave"),
        ("code: code/", "code: ../code", 4, "../", "may leave its directory"),
        ("code: code/", "code: /code", 4, "/code", "not a relative path"),
        ("[train.yaml, activate.yaml]", "[train.yaml, ../a.yaml]", 6, "../a", "may leave its directory"),
        ("[train.yaml, activate.yaml]", "[train.yaml, train.yaml]", 6, "train.yaml]", "listed twice"),
        ("tables: [publisher.features_v1.t]", "tables: [features_v1.t]", 12, "features_v1", "name of 3 parts"),
        ("args: {rounds: 10}", "args: {preset_tables: 10}", 12, "preset_tables", "reserved"),
        ("args: {rounds: 10}", "arg: {rounds: 10}", 12, "arg:", "did you mean 'args'?"),
        ("segment: lookalike_q3", "segmnt: x", 14, "segmnt", "did you mean 'segment'?"),
        ("share_with: [advertiser]", "share_with: [a, A]", 8, "A]", "listed twice"),
    ],
)
def test_each_rule_of_the_file(root: Path, old: str, new: str, line: int, at: str, what: str) -> None:
    change(root, "cleanroom.yaml", old, new)
    with pytest.raises(SpecProblems) as caught:
        load_project(root)
    found = [problem for problem in caught.value.problems if what in problem.what]
    column = (root / "cleanroom.yaml").read_text().split("\n")[line - 1].index(at) + 1
    assert [(problem.line, problem.column) for problem in found] == [(line, column)], caught.value
    assert found[0].file == str(root / "cleanroom.yaml")
    assert validate_project(root) == caught.value.problems


@pytest.mark.attack
@pytest.mark.parametrize("target", ["../secret.yaml", "/etc/passwd"])
def test_a_link_out_of_the_directory_is_refused(root: Path, target: str) -> None:
    (root.parent / "secret.yaml").write_text(TRAIN)
    (root / "train.yaml").unlink()
    (root / "train.yaml").symlink_to(target)
    with pytest.raises(
        SpecProblems, match=r"cleanroom.yaml:6:13: templates\[0\]: 'train.yaml' leaves the project's directory"
    ):
        load_project(root)
    (root / "train.yaml").unlink()
    (root / "train.yaml").symlink_to("activate.yaml")
    load_project(root)


def test_a_linked_directory_out_of_the_project_is_refused(root: Path) -> None:
    (root / "reviewed_code").symlink_to(root.parent)
    with pytest.raises(SpecProblems, match="reviewed"):
        load_project(root)


@pytest.mark.parametrize(
    ("name", "old", "new", "place", "message"),
    [
        (
            "code_spec.yaml",
            "entrypoint: train.py",
            "entrypoint: run.py",
            "code_spec.yaml:7:17",
            "ml_jobs[0].entrypoint: there is no file 'run.py'",
        ),
        (
            "code_spec.yaml",
            "mine-1.0",
            "mine-2.0",
            "code_spec.yaml:9:24",
            "ml_jobs[0].pip_requirements[0]: there is no file",
        ),
        (
            "code_spec.yaml",
            "ML_STAGE/lookalike",
            "ML_STAGE/other",
            "code_spec.yaml:8:21",
            "ml_jobs[0].stage_code_dir: is not where `stage` uploads to",
        ),
        (
            "code_spec.yaml",
            "version: V1",
            "version: V2",
            "train.yaml:7:14",
            "code_specs[0]: lists 'model_V1', but the code spec here is 'model_V2'",
        ),
        (
            "code_spec.yaml",
            "name: train",
            "name: fit",
            "train.yaml:9:1",
            "template: the code spec 'model_V1' has no 'train'",
        ),
        (
            "train.yaml",
            "cleanroom.model$train",
            "cleanroom.model_V1$train",
            "train.yaml:9:8",
            "template: Template references unknown code spec callables",
        ),
        (
            "train.yaml",
            "code_specs: [model_V1]",
            "code_specs: [modle_V1, model_V1]",
            "train.yaml:7:14",
            "code_specs[0]: lists 'modle_V1', which is none of the project's code specs; did you mean 'model_V1'?",
        ),
        (
            "train.yaml",
            "cleanroom.model$train",
            "cleanroom.train",
            "train.yaml:9:1",
            "template: there is no cleanroom.train to call; allowed: cleanroom.<code spec's name>$train",
        ),
        (
            "activate.yaml",
            "activation_data_best",
            "best",
            "activate.yaml:7:1",
            "template: writes no table cleanroom.activation_data_…",
        ),
        (
            "activate.yaml",
            "RETURN 'best'",
            "RETURN 'activation_data_best'",
            "activate.yaml:9:1",
            "template: returns 'activation_data_best', and writes no table",
        ),
        (
            "train.yaml",
            "name: rounds",
            "name: depth",
            "cleanroom.yaml:12:78",
            "runs.train.args.rounds: template 'train' takes no such argument",
        ),
        (
            "train.yaml",
            "sql_analysis",
            "sql_activation",
            "cleanroom.yaml:12:21",
            "runs.train.template: 'train' is of type sql_activation",
        ),
        (
            "activate.yaml",
            "sql_activation",
            "sql_analysis",
            "cleanroom.yaml:14:22",
            "activate.template: 'activate' is of type sql_analysis",
        ),
        (
            "cleanroom.yaml",
            "template: train,",
            "template: train_V0,",
            "cleanroom.yaml:12:21",
            "runs.train.template: there is no 'train_V0' here",
        ),
        (
            "cleanroom.yaml",
            "[advertiser]",
            "[publisher]",
            "cleanroom.yaml:8:14",
            "share_with[0]: 'publisher' is no analysis runner",
        ),
        (
            "cleanroom.yaml",
            "collaboration: lookalike",
            "collaboration: other",
            "cleanroom.yaml:2:16",
            "collaboration: is 'other', but collaboration.yaml has",
        ),
        ("cleanroom.yaml", "features.yaml", "missing.yaml", "cleanroom.yaml:7:13", "offerings[0]: cannot read"),
        (
            "cleanroom.yaml",
            "code: code/",
            "code: nothing",
            "cleanroom.yaml:4:7",
            "code: there is no directory 'nothing'",
        ),
        ("activate.yaml", "name: activate", "name: train", "activate.yaml:4:10", "version: "),
        (
            "features.yaml",
            "category: passthrough",
            "category: pass",
            "features.yaml:9:50",
            "datasets[0].schema_and_template_policies.a.category",
        ),
        (
            "collaboration.yaml",
            "owner: publisher",
            "owner: publsher",
            "collaboration.yaml:4:8",
            "owner: the alias 'publsher'",
        ),
    ],
)
def test_checks_between_files(root: Path, name: str, old: str, new: str, place: str, message: str) -> None:
    change(root, name, old, new)
    found = [str(problem) for problem in validate_project(root)]
    assert any(line.startswith(f"{root}/{place}: {message}") for line in found), found


@pytest.mark.parametrize("where", [".", "specs"])
def test_a_file_by_itself_is_checked_among_those_of_its_project(root: Path, where: str, monkeypatch) -> None:
    """`validate train.yaml` knew nothing of the code spec beside it; nor did `template register`."""
    (root / where).mkdir(exist_ok=True)
    (root / "train.yaml").rename(root / where / "train.yaml")
    change(root, "cleanroom.yaml", "train.yaml", str(Path(where) / "train.yaml"))
    monkeypatch.chdir(root / where)
    assert check(Path("train.yaml")).problems == ()
    change(root, "code_spec.yaml", "name: train", "name: fit")
    (problem,) = check(Path("train.yaml")).problems
    assert (problem.file, problem.line) == ("train.yaml", 9)
    assert "'model_V1' has no 'train'" in problem.what
    with pytest.raises(SpecProblems, match="'model_V1' has no 'train'"):
        register_file(Unasked(), Path("train.yaml"))
    (root / "cleanroom.yaml").unlink()
    assert check(Path("train.yaml")).problems == ()


class Unasked:
    """A connection on which nothing is asked."""

    def call(self, *_: object) -> list[dict[str, object]]:
        raise AssertionError("the target was asked about a file that is known to be wrong")


def test_the_problems_of_all_specs_come_together(root: Path) -> None:
    change(root, "code_spec.yaml", "name: model", "name: 1model")
    change(root, "features.yaml", "version: v1", "version: v.1")
    assert {Path(problem.file).name for problem in validate_project(root)} == {"code_spec.yaml", "features.yaml"}


def test_a_sub_directory_of_the_stage_is_a_sub_directory_of_the_code(root: Path) -> None:
    change(root, "code_spec.yaml", "ML_STAGE/lookalike", "ML_STAGE/lookalike/sub/")
    (root / "code/sub/wheels").mkdir(parents=True)
    (root / "code/train.py").rename(root / "code/sub/train.py")
    wheel = "wheels/mine-1.0-py3-none-any.whl"
    (root / "code" / wheel).rename(root / "code/sub" / wheel)
    assert validate_project(root) == ()


def test_load_spec_names_the_file(root: Path) -> None:
    assert isinstance(load_spec(root / "code_spec.yaml"), CodeSpec)
    with pytest.raises(UsageError, match="cannot read"):
        load_spec(root / "nothing.yaml")
    (root / "latin.yaml").write_bytes(b"api_version: 2.0.0\nname: \xe9\n")
    with pytest.raises(SpecProblems, match=r"latin\.yaml:2:7: the file is not UTF-8"):
        load_spec(root / "latin.yaml")
    with pytest.raises(SpecProblems, match="not a regular file"):
        load_spec(root)
    os.mkfifo(root / "fifo.yaml")
    with pytest.raises(SpecProblems, match="not a regular file"):
        load_spec(root / "fifo.yaml")
