"""The unmodified `snow` program, in an environment of its own, with the connection that `account create` wrote.

It pins its own connector and typer, so it never lives among our dependencies. The environment is made once, in
`$CLEANROOM_ML_TEST_CACHE` (default: a directory of this person's below the temporary directory).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from guarantees_world import World

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

Snow = Callable[..., Any]


def _environment() -> Path:
    default = Path(tempfile.gettempdir()) / f"cleanroom-ml-test-cache-{os.getuid()}"
    place = Path(os.environ.get("CLEANROOM_ML_TEST_CACHE") or default) / "snowflake-cli"
    program = place / "bin" / "snow"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True, capture_output=True, timeout=120)
        pip = [str(place / "bin" / "pip"), "install", "--quiet", "snowflake-cli"]
        done = subprocess.run(pip, capture_output=True, text=True, timeout=500, check=False)
        if done.returncode:
            pytest.skip(f"snowflake-cli cannot be installed here: {done.stderr.strip().splitlines()[-1]}")
    return program


@pytest.fixture(scope="module")
def snow(world: World, tmp_path_factory: pytest.TempPathFactory) -> Snow:
    """`snow(arguments…)` as the shop: what it printed as JSON. Its HOME is empty: nothing of this person's is used."""
    program, person = _environment(), tmp_path_factory.mktemp("person")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(person),
        "SNOWFLAKE_HOME": str(world.home.path),
        "SNOWFLAKE_CLI_FEATURES_SNOWFLAKE_CLI_USAGE_TELEMETRY": "false",
    }

    def run(*arguments: str, connection: str = "shop", fails: bool = False) -> Any:
        done = subprocess.run(
            [str(program), *arguments, "-c", connection, "--format", "json"],
            env=environment,
            cwd=person,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        told = done.stdout + done.stderr
        if fails:
            assert done.returncode != 0, told
            return told
        assert done.returncode == 0, told
        return json.loads(done.stdout) if done.stdout.strip() else None

    return run


def test_snow_sql(snow: Snow) -> None:
    assert snow("sql", "-q", "SELECT CURRENT_ACCOUNT() AS A, COUNT(*) AS N FROM SHOP_DB.PUBLIC.VISITS") == [
        {"A": "SHOP", "N": 3}
    ]
    statements = (
        "CREATE TABLE SHOP_DB.PUBLIC.S (A INT)",
        "INSERT INTO SHOP_DB.PUBLIC.S VALUES (1), (2)",
        "SELECT SUM(A) AS T FROM SHOP_DB.PUBLIC.S",
    )
    several = snow("sql", "-q", "; ".join(statements))
    assert several[-1] == [{"T": 3}]
    assert [row["name"] for row in snow("sql", "-q", "SHOW DATABASES") if row["name"] == "SHOP_DB"] == ["SHOP_DB"]
    assert "does not exist or not authorized" in snow("sql", "-q", "SELECT * FROM BRAND_DB.PUBLIC.BOOKS", fails=True)


def test_snow_stage(snow: Snow, tmp_path: Path) -> None:
    sent, back = tmp_path / "sent", tmp_path / "back"
    sent.mkdir()
    back.mkdir()
    (sent / "a.py").write_text("print('a')\n")
    (sent / "b.txt").write_text("b" * 100_000)
    snow("stage", "create", "SHOP_DB.PUBLIC.SNOW")
    snow("stage", "copy", f"{sent}/", "@SHOP_DB.PUBLIC.SNOW/dir", "--overwrite")
    listed = snow("stage", "list-files", "@SHOP_DB.PUBLIC.SNOW")
    assert sorted(Path(row["name"]).name for row in listed) == ["a.py", "b.txt"]
    snow("stage", "copy", "@SHOP_DB.PUBLIC.SNOW/dir/", str(back))
    got = {path.name: path.read_bytes() for path in back.rglob("*") if path.is_file()}
    assert got == {path.name: path.read_bytes() for path in sent.iterdir()}
    assert "does not exist or not authorized" in snow(
        "stage", "list-files", "@SHOP_DB.PUBLIC.CODE", connection="brand", fails=True
    )


def test_snow_connection_test(snow: Snow) -> None:
    assert snow("connection", "test")["Status"] == "OK"
