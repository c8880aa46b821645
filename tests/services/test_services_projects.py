"""Project directories: what `init` writes is valid, and `check` tells every problem."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from cleanroom_ml.errors import UsageError
from cleanroom_ml.services.projects import check, copy_sample, described_samples, samples, start


@pytest.mark.parametrize("name", ["my_collaboration", "A", "x" * 60])
def test_a_new_project_of_a_provider_has_no_problems(tmp_path: Path, name: str) -> None:
    files = start(tmp_path / "new", "provider", name)
    assert check(tmp_path / "new").problems == ()
    assert sorted(files) == sorted(
        str(path.relative_to(tmp_path / "new")) for path in (tmp_path / "new").rglob("*") if path.is_file()
    )


def test_a_new_project_of_a_runner_lacks_only_what_was_reviewed(tmp_path: Path) -> None:
    start(tmp_path, "runner", "c")
    assert [problem.field for problem in check(tmp_path).problems] in ([], ["reviewed"])


@pytest.mark.parametrize("name", ["", "a b", "1a", "x" * 61, "a\nstage: evil", "ä", '"quoted"', "{0}"])
def test_a_name_that_would_make_an_invalid_project_writes_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="not a name"):
        start(tmp_path / "new", "provider", name)
    assert not (tmp_path / "new").exists()


def test_nothing_that_is_there_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "train.yaml").write_text("mine")
    with pytest.raises(UsageError, match=r"train.yaml is there already"):
        start(tmp_path, "provider", "c")
    assert [path.name for path in tmp_path.iterdir()] == ["train.yaml"]
    assert (tmp_path / "train.yaml").read_text() == "mine"


@pytest.mark.parametrize("name", samples())
def test_a_sample_is_copied_whole_but_for_its_data(tmp_path: Path, name: str) -> None:
    copied = copy_sample(name, tmp_path / "copy")
    (described,) = [sample for sample in described_samples() if sample.name == name]
    assert len(described.parties) >= 2
    for party in described.parties:
        assert check(copied / party).problems == ()
    assert not [path for path in copied.rglob("*") if path.name in ("__pycache__", "data") or path.is_symlink()]


def contents(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", samples())
def test_what_was_reviewed_in_a_sample_is_what_its_provider_stages(tmp_path: Path, name: str) -> None:
    copied = copy_sample(name, tmp_path / "copy")
    (code,) = copied.glob("*/code")
    staged = contents(code)
    reviewed = list(copied.glob("*/reviewed_code"))
    assert reviewed
    for directory in reviewed:
        assert contents(directory) == staged


def test_every_sample_says_what_it_answers() -> None:
    questions = {sample.name: sample.question for sample in described_samples()}
    assert questions["lookalike"] == "who will respond to the advertiser's coupons?"
    assert all(question.endswith("?") for question in questions.values())
    assert len(set(questions.values())) == len(questions)
    assert next(sample for sample in described_samples() if sample.name == "lookalike").parties[0] == "publisher"


def test_no_two_samples_register_the_same_name() -> None:
    """So that one person can try all of them with the same accounts: names are unique in an account's registry."""
    found = [
        (yaml.safe_load(path.read_text(encoding="utf-8")).get("spec_type"), line)
        for sample in samples().values()
        for path in sample.glob("*/*.yaml")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith("name: ")
    ]
    assert len(found) == len(set(found))


def test_a_sample_is_not_copied_over_something(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        copy_sample("lookalike", tmp_path)
    with pytest.raises(UsageError, match="no sample project"):
        copy_sample("../../etc", tmp_path / "x")


def test_a_sample_that_is_misspelt_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        copy_sample("lookalik", tmp_path / "x")
    assert str(caught.value.why).startswith("did you mean 'lookalike'? known: ")
    assert caught.value.fix == "cleanroom-ml init --list"
    assert not (tmp_path / "x").exists()


def test_check_tells_all_problems_of_a_file_with_their_places(tmp_path: Path) -> None:
    path = tmp_path / "train.yaml"
    path.write_text("api_version: 2.0.0\nspec_type: template\nname: 1x\nversion: V 1\ntype: other\n")
    problems = check(path).problems
    assert {problem.field for problem in problems} >= {"name", "version", "type"}
    assert all(problem.file.endswith("train.yaml") and problem.line >= 1 for problem in problems)


def test_check_of_a_directory_without_a_project(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cleanroom"):
        check(tmp_path)
