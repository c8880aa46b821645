"""A real engine that answers as the service does, and the command line with it: the layer and the network are wired."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.sandbox

COMMAND = Path(sys.executable).with_name("cleanroom-ml")
DEVIATIONS = "transient,session-expiry,tracebacks,lower-case,secondary-roles,no-own-database"


class Typed:
    """What a person types, in a process each."""

    def __init__(self, place: Path) -> None:
        self.place = place
        ours = {f"CLEANROOM_ML_{name}": str(place / name.lower()) for name in ("HOME", "CONFIG", "STATE")}
        theirs = {
            name: value for name, value in os.environ.items() if not name.startswith(("CLEANROOM_", "SNOWFLAKE_"))
        }
        images = (
            {"CLEANROOM_ML_IMAGES": os.environ["CLEANROOM_ML_IMAGES"]} if "CLEANROOM_ML_IMAGES" in os.environ else {}
        )
        self.environment = {**theirs, **ours, **images, "HOME": str(place), "SNOWFLAKE_HOME": str(place / "snowflake")}

    def __call__(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(COMMAND), *words], cwd=self.place, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, (words, done.stdout, done.stderr)
        return done


@pytest.fixture
def typed(tmp_path: Path) -> Iterator[Typed]:
    types = Typed(tmp_path)
    types("engine", "start", "--like-snowflake", DEVIATIONS)
    try:
        types("account", "create", "local")  # an engine that runs is left as it is
        yield types
    finally:
        types("engine", "stop")


def test_the_command_line_gets_through_and_tells_what_the_service_says(typed: Typed) -> None:
    """Each statement's first try fails, every third finds its token expired; nothing is applied twice."""
    made = "CREATE TABLE T (N INT); INSERT INTO T VALUES (1)"
    script = f"CREATE DATABASE D; {made}; SELECT COUNT(*) AS N FROM T"
    found = typed("sql", script, "-c", "local", "--format", "jsonl")
    assert '{"N": 1}' in found.stdout
    gone = typed("collaboration", "status", "nowhere", "-c", "local", code=5)
    assert "error: CollaborationNotFoundException: " in gone.stderr
    assert "Traceback" not in gone.stderr
    assert "in GET_STATUS" in gone.stderr
    other = typed("engine", "start", "--like-snowflake", "delays", code=1)
    assert f"it deviates in: {', '.join(sorted(DEVIATIONS.split(',')))}" in other.stderr
