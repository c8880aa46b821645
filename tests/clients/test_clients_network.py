"""No byte goes anywhere but to the engine: the connector and Snowpark, with all else refused and written down."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.sandbox

MakeAccount = Callable[[str], dict[str, Any]]

NAMES = [
    "plain.txt",
    "two  blanks.txt",
    "o'clock; x.txt",
    "100%25 #1 ? & +.txt",
    "naïve ‘日本’.txt",
    'a "quoted" name.txt',
    "a*b[c]?.txt",
    "-- not a comment.txt",
    "file:.txt",
]
PARKED = ["plain.txt", "o'clock; x.txt", "naïve ‘日本’.txt", "a*b[c]?.txt"]


def run(make_account: MakeAccount, folder: Path) -> dict[str, Any]:
    good, bad = folder / "good", folder / "bad"
    good.mkdir()
    bad.mkdir()
    for name in NAMES:
        (good / name).write_text(f"in {name}")
    (bad / "a\ttab.txt").write_text("secret")
    connection = make_account("recorded") | {"platform_detection_timeout_seconds": 0.0}
    settings = {
        "host": connection["host"],
        "port": int(connection["port"]),
        "connection": connection,
        "folder": str(folder),
        "parked": PARKED,
    }
    script = Path(__file__).with_name("recorded_client.py")
    done = subprocess.run(
        [sys.executable, str(script)],
        input=json.dumps(settings),
        env={**os.environ, "TMPDIR": str(folder)},  # Snowpark's streams go by a file of the stage's name in there
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


@pytest.mark.attack
def test_nothing_but_the_engine_is_ever_tried(make_account: MakeAccount, tmp_path: Path) -> None:
    happened = run(make_account, tmp_path)
    assert happened["tried"] == []
    assert any("storage.googleapis.com" in address for address in happened["tried without"]), "the controls are why"
    assert happened["listed"] == sorted(
        [f"up/quoted/{name}" for name in NAMES]
        + [f"up/zipped/{name}.gz" for name in NAMES]
        + [f"up/bare/{name}" for name in NAMES]
        + ["up/bound/o'clock; x.txt", "up/bound/plain.txt.gz"]
    )
    assert happened["parked"] == sorted(
        [f"park/stream/{name}" for name in PARKED]
        + [f"park/put/{name}" for name in PARKED if not set(name) & set("*?[")]
    )
    assert happened["down"] == {name: f"in {name}" for name in NAMES}
    assert happened["streamed"] == "in plain.txt"
    assert "write the path in the statement" in happened["bound pattern"]
    assert "has a control character" in happened["a name that no stage keeps"]
    assert happened["left behind"] == []
    for verb in ("put", "get"):
        for status in (500, 503):
            assert happened[f"{verb} once {status}"] == "ok"
        for status in (403, 404, 409):
            assert str(status) in happened[f"{verb} once {status}"]
        assert happened[f"{verb} once 400"] == "ok", "the connector asks for another URL, or tries again"
    for failed in ("put ever 400", "put ever 500", "repeated put 404", "repeated put 409"):
        assert happened[failed] != "ok"
