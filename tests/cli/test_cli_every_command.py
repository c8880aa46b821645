"""No command ends in a traceback or calls itself defective, whatever its streams, its place and its home are like."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from every_command import CONDITIONS

from cleanroom_ml.cli.table import entries
from cleanroom_ml.errors import exit_codes

# Half a minute each; what they do is tried by tests of their own.
SLOW = ("demo", "doctor", "engine", "account", "image")
QUICK = {"init", "stage", "jobs", "run", "sql", "connection", "requests"}


def ran(place: Path, condition: str, *left_out: str) -> list[dict]:
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("every_command.py")), condition, str(place), *left_out],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def check(found: list[dict]) -> None:
    for each in found:
        told = each["out"] + each["err"]
        assert each["code"] in exit_codes(), each
        assert "Traceback" not in told, each
        assert "internal error" not in told, each
        assert "Exception ignored" not in told, each


@pytest.mark.slow
@pytest.mark.parametrize("condition", CONDITIONS)
def test_no_command_breaks(person: Path, condition: str) -> None:
    found = ran(person, condition, *SLOW)
    assert {each["words"][0] for each in found} == set(entries()) - set(SLOW)
    check(found)
    if condition == "json":
        for each in found:
            if each["words"][0] != "completion":
                json.loads(each["out"])


@pytest.mark.parametrize("condition", ["no-streams"])
def test_these_do_not_break_either(person: Path, condition: str) -> None:
    """The quick part of the above: one command of each way through the code."""
    found = ran(person, condition, *(set(entries()) - QUICK))
    assert {each["words"][0] for each in found} == QUICK
    check(found)


@pytest.mark.parametrize(
    "redirected",
    [
        "2>&-",
        *(pytest.param(each, marks=pytest.mark.slow) for each in (">&-", "<&- >&- 2>&-", "2>/dev/full", "2>&1 | true")),
    ],
)
def test_what_a_command_does_is_not_changed_by_a_closed_stream(person: Path, redirected: str) -> None:
    """The exit code is the command's own, and what it made is there."""
    command = f"{Path(sys.executable).with_name('cleanroom-ml')} init {redirected}"
    done = shell(command, person / "work")
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done
    assert (person / "work" / "collaboration.yaml").is_file()
    assert ("standard output is closed" in done.stderr) == (redirected == ">&-")


def test_a_full_disk_is_said_so(person: Path) -> None:
    done = shell(f"{Path(sys.executable).with_name('cleanroom-ml')} init > /dev/full", person / "work")
    assert done.returncode == 1
    assert done.stderr == "error: standard output cannot be written to\nwhy: No space left on device\n"


def shell(command: str, place: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=place, capture_output=True, text=True, check=False, timeout=120
    )
