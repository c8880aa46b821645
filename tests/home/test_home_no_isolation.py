"""A home is of one kind for good: what ran without a sandbox there could have changed anything in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cleanroom_ml.engine.home import no_isolation
from cleanroom_ml.engine.home.paths import Home, open_home
from cleanroom_ml.errors import UsageError


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


@pytest.mark.attack
@pytest.mark.parametrize("isolated", [True, False])
def test_an_engine_of_the_other_kind_does_not_start_there(home: Home, isolated: bool) -> None:
    no_isolation.claim(home, isolated=isolated)
    no_isolation.claim(home, isolated=isolated)
    with pytest.raises(UsageError, match="with isolation" if isolated else "without isolation"):
        no_isolation.claim(home, isolated=not isolated)
    home.isolation.unlink()
    no_isolation.claim(home, isolated=not isolated)


@pytest.mark.attack
def test_a_home_that_others_trusted_is_not_used_without_isolation(home: Home) -> None:
    for name in ("engine.lock", "start.lock", "engine-start.log"):
        (home.path / name).touch()
    (home.path / "catalog.sqlite").touch()
    with pytest.raises(UsageError, match="cannot be used without isolation") as caught:
        no_isolation.claim(home, isolated=False)
    assert "catalog.sqlite" in str(caught.value.why)
    assert not home.isolation.exists()
    (home.path / "catalog.sqlite").unlink()
    no_isolation.claim(home, isolated=False)


@pytest.mark.attack
def test_a_mark_that_others_may_write_marks_nothing(home: Home) -> None:
    no_isolation.claim(home, isolated=True)
    home.isolation.chmod(0o602)
    with pytest.raises(UsageError, match="not private"):
        no_isolation.claim(home, isolated=True)


def test_without_isolation_there_are_the_demos_accounts_and_no_others() -> None:
    assert sorted(no_isolation.ACCOUNTS) == ["DEMO_ADVERTISER", "DEMO_PUBLISHER"]
    for account in no_isolation.ACCOUNTS:
        assert no_isolation.refusal(account) is None
    for account in ("PUBLISHER", "demo_publisher", "DEMO_PUBLISHER ", ""):
        assert "no sandbox" in str(no_isolation.refusal(account))
