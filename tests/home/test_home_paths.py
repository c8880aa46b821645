"""The engine's home is one person's: what is none, or somebody else could enter, is refused and not used."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cleanroom_ml.engine.home.paths import Home, open_home
from cleanroom_ml.engine.home.private_files import check_private
from cleanroom_ml.errors import UsageError


def test_a_home_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    home = open_home(tmp_path / "new" / "home")
    assert home.path.stat().st_mode & 0o777 == 0o700
    assert open_home(home.path) == home, "and is the same when it is opened again"


@pytest.mark.attack
@pytest.mark.parametrize("mode", [0o710, 0o701, 0o750, 0o777])
def test_a_home_that_others_may_enter_is_not_used(tmp_path: Path, mode: int) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home").chmod(mode)
    with pytest.raises(UsageError, match=f"mode {mode:04o}") as caught:
        open_home(tmp_path / "home")
    assert caught.value.fix == f"chmod 700 {tmp_path / 'home'}"
    (tmp_path / "home").chmod(0o700)
    assert open_home(tmp_path / "home").path == tmp_path / "home"


@pytest.mark.attack
def test_a_home_of_somebody_elses_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(UsageError, match="belongs to another user"):
        open_home(tmp_path / "home")


@pytest.mark.attack
def test_a_link_to_a_home_is_none(tmp_path: Path) -> None:
    """Whoever may change the link decides later which directory it is."""
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(UsageError, match="is not a directory"):
        open_home(tmp_path / "link")
    check_private(tmp_path / "real")


@pytest.mark.parametrize("place", ["file", "file/home"])
def test_what_cannot_be_made_is_said(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be the engine's home"):
        open_home(tmp_path / place)


def test_where_an_engine_listens_is_what_it_wrote(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert home.description_values() is None, "none ever ran here"
    home.description.write_text('{"port": 7}')
    assert home.description_values() == {"port": 7}


@pytest.mark.parametrize("text", ["{", "\x00", "[]", "7", "null"])
def test_a_description_that_no_engine_wrote_is_said(tmp_path: Path, text: str) -> None:
    home = Home(tmp_path)
    home.description.write_text(text)
    with pytest.raises(UsageError, match=r"engine\.json"):
        home.description_values()


def test_everything_of_a_home_is_inside_of_it(tmp_path: Path) -> None:
    """docs/ARCHITECTURE.md, "On disk"; no two things of it are one file."""
    home = Home(tmp_path)
    names = [name for name in dir(Home) if not name.startswith("__") and name != "path"]
    places = [value for name in names if isinstance(value := getattr(home, name), Path)]
    assert len(places) > 10
    assert len(set(places)) == len(places)
    assert {place.parent for place in places} == {tmp_path}
