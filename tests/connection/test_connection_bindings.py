"""Which connection a directory uses is this person's own state: nearest directory first, nothing lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cleanroom_ml.connection import bindings
from cleanroom_ml.errors import UsageError


def test_the_nearest_directory_decides(tmp_path: Path) -> None:
    inner = tmp_path / "outer/inner"
    inner.mkdir(parents=True)
    bindings.bind(tmp_path / "outer", "one")
    assert bindings.bound_to(inner) == "one"
    bindings.bind(inner, "two")
    assert bindings.bound_to(inner / "below") == "two"
    assert bindings.bound_to(tmp_path / "outer") == "one"
    assert bindings.bound_to(tmp_path) is None


def test_each_person_has_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bindings.bind(tmp_path, "mine")
    monkeypatch.setenv("CLEANROOM_ML_STATE", str(tmp_path / "somebody-else"))
    assert bindings.bound_to(tmp_path) is None
    assert list(tmp_path.glob("**/cleanroom.yaml")) == []


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    bindings.bind(tmp_path, "mine")
    assert bindings.state_file().stat().st_mode & 0o077 == 0


def test_two_that_bind_at_once_lose_nothing(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from cleanroom_ml.connection import bindings as b; " \
        "[b.bind(Path(sys.argv[1]) / f'{sys.argv[2]}{n}', 'x') for n in range(40)]"  # fmt: skip
    running = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), who]) for who in "abc"]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    assert len(json.loads(bindings.state_file().read_text())) == 120


@pytest.mark.parametrize("text", ["{", "[]", "1", "\x00"])
def test_a_broken_file_is_said_with_its_cure(tmp_path: Path, text: str) -> None:
    bindings.state_file().parent.mkdir(exist_ok=True)
    bindings.state_file().write_text(text)
    with pytest.raises(UsageError) as caught:
        bindings.bound_to(tmp_path)
    assert str(bindings.state_file()) in str(caught.value.fix)


def test_a_state_directory_that_cannot_be_written_is_said_with_what_helps(tmp_path: Path, monkeypatch) -> None:
    for place in ("/proc/none/state", "/dev/null/state"):
        monkeypatch.setenv("CLEANROOM_ML_STATE", place)
        with pytest.raises(UsageError, match="cannot be written") as caught:
            bindings.bind(tmp_path, "mine")
        assert "CLEANROOM_ML_STATE" in str(caught.value.fix)
