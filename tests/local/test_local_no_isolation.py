"""An engine without isolation is the bundled demo's alone; without it and without a sandbox, none starts."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cleanroom_ml.engine.home import no_isolation
from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.errors import ConnectError, ServerError, UsageError
from cleanroom_ml.local import accounts, demo
from cleanroom_ml.local import engine as local_engine
from cleanroom_ml.local.demo_home import NO_ISOLATION_ARGUMENT

COMMAND = Path(sys.executable).with_name("cleanroom-ml")


def without_bubblewrap(*arguments: str, home: Path, seconds: float) -> subprocess.CompletedProcess[str]:
    """`cleanroom-ml` on a machine whose bubblewrap has been put away (by bubblewrap, which can)."""
    bwrap = str(shutil.which("bwrap"))
    # Its own home is told by the environment, which conftest.py already keeps from this person's.
    hidden = (
        bwrap,
        "--dev-bind",
        "/",
        "/",
        "--ro-bind",
        "/dev/null",
        bwrap,
        "--setenv",
        "CLEANROOM_ML_HOME",
        str(home),
    )
    command = (*hidden, str(COMMAND), *arguments)
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)


def test_the_demos_accounts_are_those_that_such_an_engine_makes() -> None:
    assert {name.upper() for name in demo.ACCOUNTS.values()} == no_isolation.ACCOUNTS


def test_a_home_is_marked_first_and_for_good(fresh_home: Home) -> None:
    no_isolation.claim(fresh_home, isolated=False)
    assert [path.name for path in fresh_home.path.iterdir()] == ["isolation"]
    no_isolation.claim(fresh_home, isolated=False)
    with pytest.raises(UsageError, match="made by an engine without isolation"):
        no_isolation.claim(fresh_home, isolated=True)
    fresh_home.isolation.write_text("isolated\nnone\n")
    for isolated in (True, False):
        with pytest.raises(UsageError):
            no_isolation.claim(fresh_home, isolated=isolated)


def test_a_home_with_anything_in_it_is_not_for_an_engine_without_isolation(fresh_home: Home) -> None:
    fresh_home.catalog.write_bytes(b"")
    with pytest.raises(UsageError, match="cannot be used without isolation"):
        no_isolation.claim(fresh_home, isolated=False)
    assert not fresh_home.isolation.exists()


@pytest.mark.sandbox
def test_neither_engine_opens_the_others_home(fresh_home: Home) -> None:
    local_engine.ensure_running(fresh_home)
    local_engine.stop(fresh_home)
    with pytest.raises(ConnectError, match="made by an engine with isolation"):
        local_engine.ensure_running(fresh_home, arguments=(NO_ISOLATION_ARGUMENT,))


def test_an_isolating_engine_does_not_open_a_home_that_was_used_without(fresh_home: Home) -> None:
    started = local_engine.ensure_running(fresh_home, arguments=(NO_ISOLATION_ARGUMENT,))
    assert (started.isolation, started.isolation_reason) == ("none", no_isolation.REASON)
    local_engine.stop(fresh_home)
    with pytest.raises(ConnectError, match="made by an engine without isolation"):
        local_engine.ensure_running(fresh_home)


def test_without_isolation_there_are_the_demos_accounts_only(fresh_home: Home) -> None:
    local_engine.ensure_running(fresh_home, arguments=(NO_ISOLATION_ARGUMENT,))
    for name in ("acme", "demo_publisher2", "demo"):
        with pytest.raises(ServerError, match="the demo's accounts only"):
            accounts.create(name, home=fresh_home)
    assert accounts.create("demo_publisher", home=fresh_home).created


@pytest.mark.sandbox
@pytest.mark.parametrize("command", [("demo",), ("engine", "start")])
def test_without_a_sandbox_nothing_starts_and_three_lines_say_what_helps(tmp_path: Path, command) -> None:
    done = without_bubblewrap(*command, home=tmp_path / "home", seconds=60)
    assert done.returncode == 3
    assert done.stdout == ""
    *reported, what, why, fix = done.stderr.splitlines()
    assert reported in ([], ["starting the engine: a few seconds"])
    assert what.startswith("error: this machine cannot isolate")
    assert "bwrap is not installed" in why
    assert "apt-get install -y bubblewrap" in fix
    assert "cleanroom-ml demo --no-isolation" in fix
    assert not (tmp_path / "home-no-isolation").exists()


@pytest.mark.sandbox
@pytest.mark.slow
def test_the_demo_runs_without_a_sandbox_and_says_so(tmp_path: Path) -> None:
    home = Home(tmp_path / "home-no-isolation")
    try:
        done = without_bubblewrap("demo", "--no-isolation", "--format", "json", home=tmp_path / "home", seconds=400)
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert (told["isolation"], told["isolation_reason"]) == ("none", no_isolation.REASON)
        assert told["auc"] > 0.8
        assert told["activated_rows"] > 0
        warnings = [line for line in done.stderr.splitlines() if line.startswith("warning: ")]
        assert len(warnings) == 1
        assert "no sandbox" in warnings[0]
        for job_id in told["job_ids"].values():
            record = json.loads((home.jobs / job_id / "record.json").read_text())
            assert (record["isolation"], record["isolation_reason"]) == ("none", no_isolation.REASON)
    finally:
        if home.path.exists():
            local_engine.stop(home)
    assert not (tmp_path / "home").exists()
