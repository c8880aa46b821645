"""A person of nobody's: an own home, own Snowflake files, no variables of whoever runs the tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

Write = Callable[[str, str], Path]


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
        (tmp_path / place).mkdir()
        monkeypatch.setenv(variable, str(tmp_path / place))
    return tmp_path


@pytest.fixture
def write(person: Path) -> Write:
    """`write("snowflake/config.toml", text)`: a file of this person."""

    def to(place: str, text: str) -> Path:
        path = person / place
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        return path

    return to
