"""A person of nobody's in an empty directory, and the command line run inside this process."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from cleanroom_ml.cli.main import run


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture(autouse=True)
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in [name for name in os.environ if name.startswith(("SNOWFLAKE_", "CLEANROOM_ML_"))]:
        monkeypatch.delenv(variable)
    for variable, place in (
        ("CLEANROOM_ML_HOME", "engine"),
        ("CLEANROOM_ML_STATE", "state"),
        ("CLEANROOM_ML_CONFIG", "config"),
        ("SNOWFLAKE_HOME", "snowflake"),
    ):
        monkeypatch.setenv(variable, str(tmp_path / place))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return tmp_path


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Run:
    """`cli("run", "train")`: the exit code and what went to each stream."""

    def call(*arguments: str) -> Ran:
        code = run(arguments)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return call
