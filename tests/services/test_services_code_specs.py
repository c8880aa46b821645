"""What registering needs no server for: reading manifests, telling differences."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from services_requests import CODE_SPEC, FILES, manifest
from services_targets import Account, unknown

from cleanroom_ml.errors import UsageError
from cleanroom_ml.services.code_specs import (
    RegisteredCodeSpec,
    _differences,
    _load,
    is_registered,
    manifests,
    not_compared,
)
from cleanroom_ml.services.projects import load_project, start
from cleanroom_ml.services.registration import differing_fields
from cleanroom_ml.specs.parse import parse_spec


def registered(files: dict[str, bytes], **changes: object) -> str:
    """The code spec as the server shows it: with its manifests."""
    spec = yaml.safe_load(CODE_SPEC)
    spec["ml_jobs"][0]["content_manifest"] = manifest(files).to_json()
    return yaml.safe_dump({**spec, **changes}, sort_keys=False)


def test_manifests_by_job() -> None:
    assert manifests(registered(FILES)) == {"train": manifest(FILES)}
    assert manifests(CODE_SPEC) == {}
    assert manifests("") == {}


@pytest.mark.attack
@pytest.mark.parametrize("shown", [registered(FILES).replace("train.py\n", "../train.py\n", 2), CODE_SPEC])
def test_a_manifest_that_cannot_be_read_is_never_taken_for_the_same(shown: str) -> None:
    """Also of one's own code spec: registering it again says that the content was not compared."""
    assert manifests(shown) == {}
    assert not_compared(shown) == ("train",)
    assert not_compared(registered(FILES)) == ()
    again = RegisteredCodeSpec("code_V1", "unchanged", {}, not_compared=not_compared(shown))
    assert any("hashes of its files are not shown by this account" in line for line in again.warnings())


def test_fields_that_differ() -> None:
    before, after = parse_spec(CODE_SPEC), parse_spec(CODE_SPEC + "description: new\n")
    assert differing_fields(before, after) == ("description",)
    assert differing_fields(before, before) == ()


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (FILES, ()),
        ({**FILES, "train.py": b"old"}, ("changed: train.py",)),
        ({**FILES, "gone.py": b""}, ("removed: gone.py",)),
        ({"train.py": FILES["train.py"]}, ("added: lib/features.py",)),
    ],
)
def test_how_a_directory_differs_from_what_is_registered(
    tmp_path: Path, files: dict[str, bytes], expected: tuple[str, ...]
) -> None:
    start(tmp_path, "provider", "c")
    (tmp_path / "code/train.py").unlink()
    for path, data in FILES.items():
        (tmp_path / "code" / path).parent.mkdir(exist_ok=True)
        (tmp_path / "code" / path).write_bytes(data)
    spec = parse_spec(CODE_SPEC)
    assert _differences(registered(files), spec, load_project(tmp_path)) == expected


def test_another_kind_of_spec_is_said(tmp_path: Path) -> None:
    start(tmp_path, "provider", "c")
    with pytest.raises(UsageError, match="is a template"):
        _load(tmp_path / "train.yaml")


@pytest.mark.parametrize(("there", "told"), [("c_code_v1", True), ("c_code_V2", False), ("", False)])
def test_whether_a_project_s_code_is_registered(tmp_path: Path, there: str, told: bool) -> None:
    """`stage` of changed code named the command that refuses it: `spec register`, without --bump."""
    start(tmp_path, "provider", "c")
    rows = [{"code_spec_id": there}] if there else unknown("REGISTRY")
    account = Account({"REGISTRY.VIEW_REGISTERED_CODE_SPECS": rows})
    assert is_registered(account, load_project(tmp_path)) is told
