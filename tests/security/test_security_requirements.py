"""`pip_requirements` on their way to pip: whatever a spec says, it gets names, ranges and files of the code directory.

What the spec's own parser refuses is in tests/specs/test_spec_requirements.py; here is what would come through it.
"""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cleanroom_ml.engine.jobs.environments import Environments
from cleanroom_ml.engine.jobs.errors import JobsError
from cleanroom_ml.engine.jobs.layers import sandboxed_pip
from cleanroom_ml.engine.sandbox.policy import Outcome, SandboxSpec
from cleanroom_ml.engine.sandbox.process import Completed
from cleanroom_ml.engine.storage.objects import ObjectStore
from cleanroom_ml.specs.requirements import parse_requirement

sys.path.append(str(Path(__file__).parents[1] / "jobs"))
from jobs_wheels import Needs, Stored, needs, wheel_bytes, wheel_name

HOSTILE = [
    "--pre",
    "-c constraints.txt",
    "-f https://evil.example",
    "--config-settings=x=y",
    "uplift --global-option=x",
    "uplift \\\n--index-url https://evil.example",
    "uplift @ file:///etc/passwd",
    "uplift@git+ssh://evil.example/x",
    "git+https://evil.example/x#egg=uplift",
    "svn+ssh://evil.example/x",
    "bzr+lp:x",
    "hg+static-http://evil.example/x",
    "FILE:uplift-1.0-py3-none-any.whl",
    "\\\\host\\share\\uplift-1.0-py3-none-any.whl",
    "C:/uplift-1.0-py3-none-any.whl",
    "~/uplift-1.0-py3-none-any.whl",
    "wheels//uplift-1.0-py3-none-any.whl",
    "wheels/./../../uplift-1.0-py3-none-any.whl",
    "./uplift-1.0.tar.gz",
    "uplift-1.0.tar.gz",
    "${PIP_INDEX_URL}",
    "uplift==1.0 ; python_version > '3' -r x",
    "uplift\u2028--pre",
    "uplift\x00",
    "uplift\x1b[2J",
    "\uff55plift @ https://evil.example/x.whl",
]


@pytest.mark.attack
@pytest.mark.parametrize("line", HOSTILE)
def test_what_is_no_name_and_no_wheel_never_gets_there(line: str) -> None:
    with pytest.raises(ValueError):
        parse_requirement(line)


class Recorded:
    """The sandbox that pip would have run in."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.specs: list[SandboxSpec] = []
        ended = Outcome(1, None, "exited", "none", "none", False, None, 0.0, 0, False)

        def run(spec: SandboxSpec, **_: object) -> Completed:
            self.specs.append(spec)
            assert spec.scratch is not None
            (spec.scratch / "answer.json").write_text('{"code": 1}')
            return Completed(replace(ended, exit_code=0), b"")

        monkeypatch.setattr(sandboxed_pip, "run", run)

    def lines(self, name: str) -> list[str]:
        (spec,) = self.specs
        return spec.files[f"/run/cleanroom/{name}"].decode().splitlines()


@pytest.mark.attack
def test_pip_reads_files_of_requirements_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of a spec is an argument of pip; each line is put together from parsed parts, one requirement a line."""
    recorded = Recorded(monkeypatch)
    objects = ObjectStore(tmp_path / "objects")
    path = f"wheels/{wheel_name('mine')}"
    lines = ("Up_Lift [B,a] >= 1.0 , <2", "zzz ; python_version > '3'", path)
    with pytest.raises(JobsError):
        Environments(tmp_path, objects, environ={}).lock(needs(objects, *lines, code={path: wheel_bytes("mine")}))
    asked = recorded.lines("requirements.txt")
    assert asked[:2] == ["up-lift[B,a]<2,>=1.0", "zzz"]
    assert asked[2].startswith("mine @ file:///run/cleanroom/code/")
    assert len(asked) == 3
    (spec,) = recorded.specs
    options = json.loads("".join(recorded.lines("plan.json")))["options"]
    assert not any(word in shlex.join([*spec.argv, *options]) for word in ("up-lift", "zzz", "mine"))


@pytest.mark.attack
@pytest.mark.parametrize(
    "name",
    [
        "snowflake-connector-python",
        "snowflake-ml-python",
        "snowflake",
        "snowflake-legacy",
        "snowpark-connect",
        "cleanroom-ml",
        "cleanroom-runtime",
        "pip",
        "setuptools",
        "wheel",
        "ray",
    ],
)
def test_what_belongs_to_the_image_is_in_no_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Not by name, and not as a wheel of the code directory."""
    recorded = Recorded(monkeypatch)
    objects = ObjectStore(tmp_path / "objects")
    path = f"wheels/{wheel_name(name, '99.0')}"
    for lines, code in (((f"{name}==99.0",), {}), ((path,), {path: wheel_bytes(name, "99.0")})):
        with pytest.raises(JobsError, match="comes with the image or not at all"):
            Environments(tmp_path, objects, environ={}).lock(needs(objects, *lines, code=code))
    assert recorded.specs == []


@pytest.mark.attack
def test_a_wheel_is_a_file_of_the_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that leads elsewhere is not even looked for on a disk; a hash that leads elsewhere is noticed."""
    recorded = Recorded(monkeypatch)
    objects = ObjectStore(tmp_path / "objects")
    (tmp_path / wheel_name("mine")).write_bytes(wheel_bytes("mine"))
    environments = Environments(tmp_path, objects, environ={})
    with pytest.raises(JobsError, match="the code directory has no file"):
        environments.lock(needs(objects, wheel_name("mine")))
    swapped = objects.put_bytes(wheel_bytes("mine"))
    objects.path(swapped).chmod(0o644)
    objects.path(swapped).write_bytes(b"PK")
    requirement: Any = parse_requirement(wheel_name("mine"))
    with pytest.raises(JobsError, match="is not the file that was staged"):
        environments.lock(Needs((requirement,), {wheel_name("mine"): Stored(swapped, 2)}))
    assert recorded.specs == []
