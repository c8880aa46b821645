"""What `init` writes: every key of every spec is there with what it is for, and each that is left out can be put in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from cleanroom_ml.errors import UsageError
from cleanroom_ml.services.commented import commented
from cleanroom_ml.services.projects import check, parties, start
from cleanroom_ml.services.starter import Party, files
from cleanroom_ml.specs.reference import keys

OWN = (Party("shop", "LOCAL.SHOP"), Party("brand", "ORG.BRAND"))
FILES = {
    (role, path): text
    for role in ("provider", "runner")
    for path, text in files(role, "mine", *OWN).items()
    if path.endswith(".yaml")
}
LEFT_OUT = [
    (role, path, line)
    for (role, path), text in FILES.items()
    for line in text.splitlines()
    if re.match(r" *#[a-z_]+:", line)
]
# What is below these is explained by the reference alone: a first project has none of it.
ADVANCED = (
    "code_spec.artifacts.", "code_spec.functions.", "code_spec.procedures.", "template.preset_tables.",
    "data_offering.datasets.freeform_sql_policies.", "collaboration.analysis_runners.templates.",
    "collaboration.analysis_runners.data_providers.data_offerings.", "analysis.", "ml_job_action.",
)  # fmt: skip


@pytest.mark.parametrize("role", ["provider", "runner"])
def test_a_new_project_is_valid_as_it_is(tmp_path: Path, role: str) -> None:
    start(tmp_path / "new", role, "mine")
    assert check(tmp_path / "new").problems == ()


def _names(project: str) -> list[str]:
    """What an account, or a receiver of one, has one of by its name: as the specs and the project file call it."""
    found: list[Any] = []
    for role in ("provider", "runner"):
        for path, text in files(role, project, *OWN).items():
            if path.endswith(".yaml"):
                spec = yaml.safe_load(text)
                found += [spec.get("name"), spec.get("collaboration"), spec.get("stage")]
                found += [job["stage_code_dir"] for job in spec.get("ml_jobs", ())]
                found += [each["data_object_fqn"] for each in spec.get("datasets", ())]
                found += [spec.get("pool", {}).get("name"), spec.get("activate", {}).get("segment")]
    return [each.upper() for each in found if each]


def test_two_projects_of_one_account_have_no_name_in_common() -> None:
    mine, other = _names("mine"), _names("other")
    assert len(mine) == 14
    assert set(mine).isdisjoint(other)


def test_every_key_is_there_with_what_it_is_for() -> None:
    everything = "\n".join(FILES.values())
    words = " ".join(re.sub(r"^ *#", "", line).strip() for line in everything.splitlines())
    for key in keys():
        if not key.path.startswith(ADVANCED):
            assert re.search(rf"^[ #-]*{key.parts[-1]}:", everything, re.MULTILINE), key.path
            assert " ".join(key.description.split()) in words, key.path


@pytest.mark.parametrize(("role", "path", "line"), LEFT_OUT, ids=lambda value: value.strip())
def test_what_is_left_out_holds_without_its_mark(tmp_path: Path, role: str, path: str, line: str) -> None:
    start(tmp_path, role, "mine")
    text = (tmp_path / path).read_text()
    (tmp_path / path).write_text(text.replace(line, line.replace("#", "", 1), 1))
    assert check(tmp_path).problems == ()


def test_a_comment_is_above_its_key_once_and_never_inside_of_a_text() -> None:
    text = commented("name: a\nparameters:\n  - name: b\n  - name: c\ntemplate: |\n  name: not a key\n", "template")
    lines = text.splitlines()
    assert lines[lines.index("  - name: b") - 1] == "  # Name of the variable in the body."
    assert text.count("Name of the variable") == 1
    assert "  name: not a key" in lines
    assert lines[lines.index("  name: not a key") - 1] == "template: |"


def test_accounts_become_parties(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEANROOM_ML_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CLEANROOM_ML_STATE", str(tmp_path / "state"))
    named = Party("provider", "LOCAL.PROVIDER"), Party("runner", "LOCAL.RUNNER")
    assert parties(tmp_path, "provider") == named
    assert parties(tmp_path, "runner", provider="ORG.Shop") == (Party("shop", "ORG.Shop"), named[1])
    with pytest.raises(UsageError, match="both"):
        parties(tmp_path, "provider", provider="runner")
    for wrong in ("a b", "x.y.z", "1a", "a" * 26, ""):
        with pytest.raises(UsageError, match=r"account|both"):
            parties(tmp_path, "provider", provider=wrong or "-")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "connections.toml").write_text('[zoe]\naccount = "ZOE"\n[adam]\naccount = "ADAM"\n')
    assert parties(tmp_path, "runner") == (Party("zoe", "LOCAL.ZOE"), Party("adam", "LOCAL.ADAM"))
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "bindings.json").write_text(f'{{"{tmp_path}": "adam"}}')
    assert parties(tmp_path, "provider") == (Party("adam", "LOCAL.ADAM"), Party("zoe", "LOCAL.ZOE"))
