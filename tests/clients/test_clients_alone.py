"""Clients in a network namespace of their own, where only the engine can be reached and all else is counted."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.local import accounts

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

HERE = Path(__file__).parent
NAMES = ["plain.txt", "two  blanks.txt", "o'clock; x.txt", "100%25 #1 ? & +.txt", "naïve ‘日本’.txt"]
Alone = Callable[..., tuple[str, str, int, int]]

sys.path.insert(0, str(HERE))
from alone import relay  # noqa: E402


@pytest.fixture
def connection(make_account: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    return make_account("alone") | {"platform_detection_timeout_seconds": 0.0}


@pytest.fixture
def alone(connection: dict[str, Any]) -> Iterator[Alone]:
    """`alone(command…, stdin)`: its stdout, its stderr, its status, and how often it tried to reach anything else."""
    directory = Path(tempfile.mkdtemp(prefix="cr-"))
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(directory / "s"))
    listener.listen(64)

    def serve() -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.create_connection((connection["host"], int(connection["port"])))
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=relay, args=(one, other), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()

    def run(*command: str, stdin: str = "", **environment: str) -> tuple[str, str, int, int]:
        unshare = ["unshare", *(["--map-root-user"] if os.geteuid() else []), "--net"]
        done = subprocess.run(
            [*unshare, sys.executable, str(HERE / "alone.py"), str(connection["port"]), str(directory / "s"), *command],
            input=stdin, env=os.environ | environment, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        told, _, count = done.stderr.rpartition("without a route: ")
        assert count, done.stderr
        return done.stdout, told, done.returncode, int(count)

    yield run
    listener.close()
    shutil.rmtree(directory)


def test_what_is_counted_is_what_was_tried(alone: Alone) -> None:
    tries = "import socket\ntry: socket.create_connection(('203.0.113.1', 443), 2)\nexcept OSError: pass"
    assert alone(sys.executable, "-c", tries)[3] > 0
    assert alone(sys.executable, "-c", "pass")[3] == 0


@pytest.mark.attack
def test_the_connector_and_snowpark_need_and_try_the_engine_only(
    alone: Alone, connection: dict[str, Any], tmp_path: Path
) -> None:
    for directory in ("good", "bad"):
        (tmp_path / directory).mkdir()
    for name in NAMES:
        (tmp_path / "good" / name).write_text(name)
    (tmp_path / "bad" / "a\ttab.txt").write_text("secret")
    settings = {
        "host": connection["host"], "port": int(connection["port"]), "connection": connection,
        "folder": str(tmp_path), "parked": NAMES,
    }  # fmt: skip
    out, told, status, tried = alone(sys.executable, str(HERE / "recorded_client.py"), stdin=json.dumps(settings))
    assert status == 0, told
    happened = json.loads(out.splitlines()[-1])
    assert happened["tried"] == []
    assert sorted(happened["down"]) == sorted(NAMES)
    # The script ends with an attempt without the controls, which its own recorder refused before the kernel saw it.
    assert tried == 0


@pytest.mark.attack
def test_snow_needs_and_tries_the_engine_only(alone: Alone, engine_home: Home, tmp_path: Path) -> None:
    default = Path(tempfile.gettempdir()) / f"cleanroom-ml-test-cache-{os.getuid()}"
    place = Path(os.environ.get("CLEANROOM_ML_TEST_CACHE") or default) / "snowflake-cli"
    program = place / "bin" / "snow"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True, capture_output=True, timeout=120)
        pip = [str(place / "bin" / "pip"), "install", "--quiet", "snowflake-cli"]
        done = subprocess.run(pip, capture_output=True, text=True, timeout=500, check=False)
        if done.returncode:
            pytest.skip(f"snowflake-cli cannot be installed here: {done.stderr.strip().splitlines()[-1]}")
    name = accounts.create("alone", home=engine_home).connection
    (tmp_path / "up").mkdir()
    (tmp_path / "down").mkdir()
    for file in NAMES:
        (tmp_path / "up" / file).write_text(file)

    def snow(*arguments: str) -> str:
        out, told, status, tried = alone(
            str(program), *arguments, "-c", name,
            HOME=str(tmp_path), SNOWFLAKE_HOME=str(engine_home.path), SNOWFLAKE_DISABLE_PLATFORM_DETECTION="true",
            SNOWFLAKE_CLI_FEATURES_SNOWFLAKE_CLI_USAGE_TELEMETRY="false",
            SNOWFLAKE_CLI_IGNORE_NEW_VERSION_WARNING="true",
        )  # fmt: skip
        assert status == 0, out + told
        assert tried == 0
        return out

    snow("sql", "-q", "create database if not exists alone_db; create or replace stage alone_db.public.s")
    snow("stage", "copy", str(tmp_path / "up"), "@alone_db.public.s", "--overwrite")
    snow("stage", "copy", "@alone_db.public.s", str(tmp_path / "down"))
    assert sorted(path.name for path in (tmp_path / "down").rglob("*.txt")) == sorted(NAMES)
