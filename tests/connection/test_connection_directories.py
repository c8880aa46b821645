"""Where a person's things are, by platform: the XDG base directories, and Snowflake's own rule for its files."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cleanroom_ml.connection import directories
from cleanroom_ml.errors import UsageError

KINDS = {
    "CLEANROOM_ML_HOME": directories.engine_home,
    "CLEANROOM_ML_CONFIG": directories.config_home,
    "CLEANROOM_ML_STATE": directories.state_home,
    "SNOWFLAKE_HOME": directories.snowflake_home,
}


@pytest.fixture(autouse=True)
def somebody(person: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With a home directory, and none of the variables."""
    for variable in (*KINDS, "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(person))
    return person


@pytest.mark.parametrize(
    ("platform", "places"),
    [
        (
            "linux",
            (
                ".local/share/cleanroom-ml", ".config/cleanroom-ml", ".local/state/cleanroom-ml", ".config/snowflake",
            ),
        ),
        (
            "darwin",
            (
                "Library/Application Support/cleanroom-ml", "Library/Preferences/cleanroom-ml",
                "Library/Application Support/state/cleanroom-ml", "Library/Application Support/snowflake",
            ),
        ),
    ],
)  # fmt: skip
def test_without_variables_they_are_where_the_platform_has_such(
    somebody: Path, monkeypatch: pytest.MonkeyPatch, platform: str, places: tuple[str, ...]
) -> None:
    """The XDG base directory specification, and the connector's `sf_dirs.py` (platformdirs on macOS)."""
    monkeypatch.setattr(sys, "platform", platform)
    assert [found() for found in KINDS.values()] == [somebody / place for place in places]


def test_xdg_variables_move_them(somebody: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("DATA", "CONFIG", "STATE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(somebody / kind))
    found = [path() for path in KINDS.values()]
    assert found == [
        somebody / "DATA/cleanroom-ml", somebody / "CONFIG/cleanroom-ml",
        somebody / "STATE/cleanroom-ml", somebody / "CONFIG/snowflake",
    ]  # fmt: skip


def test_snowflakes_own_directory_of_old_wins_where_there_is_one(somebody: Path) -> None:
    """The connector's `sf_dirs.py`: `~/.snowflake` if it is there."""
    (somebody / ".snowflake").mkdir()
    assert directories.snowflake_home() == somebody / ".snowflake"


@pytest.mark.parametrize("variable", KINDS)
def test_a_variable_says_where(somebody: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "~/elsewhere")
    assert KINDS[variable]() == somebody / "elsewhere"
    monkeypatch.setenv(variable, "~nobody-of-that-name/x")
    with pytest.raises(UsageError, match="no home directory") as caught:
        KINDS[variable]()
    assert caught.value.fix == f"export {variable}=/an/absolute/path"


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container whose user has no entry."""

    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nowhere)
    with pytest.raises(UsageError, match="no home directory") as caught:
        directories.engine_home()
    assert caught.value.fix == "export HOME=/a/directory"
