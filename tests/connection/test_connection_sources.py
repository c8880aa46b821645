"""Snowflake's files and variables, held against Snowflake's own reader of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cleanroom_ml.connection import sources
from cleanroom_ml.connection.target import resolve
from cleanroom_ml.errors import UsageError

THEIRS = """
import json
from snowflake.connector.config_manager import CONFIG_MANAGER
print(json.dumps([CONFIG_MANAGER["connections"].unwrap(), CONFIG_MANAGER["default_connection_name"]]))
"""


def origin(name: str, key: str) -> tuple[object, str]:
    [setting] = [each for each in resolve(name).settings if each.key == key]
    return setting.value, setting.source


@pytest.mark.parametrize("with_connections_toml", [True, False])
def test_the_same_connections_as_the_connector_reads(write, with_connections_toml: bool) -> None:
    config = write(
        "snowflake/config.toml", "default_connection_name = 'old'\n[connections.old]\naccount = 'o'\nport = 8080\n"
    )
    config.chmod(0o600)
    if with_connections_toml:
        write("snowflake/connections.toml", "[new]\naccount = 'n'\nuser = 'é'\n").chmod(0o600)
    done = subprocess.run([sys.executable, "-c", THEIRS], capture_output=True, text=True, check=True)
    connections, default = json.loads(done.stdout)
    assert {name: section for name, (section, _) in sources.snowflake_sections().items()} == connections
    assert sources.default_name() == default


def test_flag_then_variable_then_file_then_generic(write, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write("snowflake/connections.toml", "[dev]\naccount = 'file'\nrole = 'file'\n")
    monkeypatch.setenv("SNOWFLAKE_CONNECTIONS_DEV_ACCOUNT", "variable")
    for key in ("ACCOUNT", "ROLE", "WAREHOUSE"):
        monkeypatch.setenv(f"SNOWFLAKE_{key}", "generic")
    assert origin("dev", "account") == ("variable", "SNOWFLAKE_CONNECTIONS_DEV_ACCOUNT")
    assert origin("dev", "role") == ("file", str(file))
    assert origin("dev", "warehouse") == ("generic", "SNOWFLAKE_WAREHOUSE")


def test_variables_make_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNOWFLAKE_CONNECTIONS_GHOST_ACCOUNT", "x")
    with pytest.raises(UsageError, match="ghost"):
        resolve("ghost")


def test_a_variable_of_a_longer_name_is_not_this_ones(write, monkeypatch: pytest.MonkeyPatch) -> None:
    write("snowflake/connections.toml", "[dev]\naccount='d'\n[dev_eu]\naccount='e'\n")
    monkeypatch.setenv("SNOWFLAKE_CONNECTIONS_DEV_EU_PASSWORD", "s3cret")
    assert resolve("dev").parameters == {"account": "d"}
    assert resolve("dev_eu").parameters == {"account": "e", "password": "s3cret"}


def test_what_is_no_section_is_no_connection(write) -> None:
    write("snowflake/connections.toml", "stray = 1\n[dev]\naccount='d'\n")
    assert list(sources.snowflake_sections()) == ["dev"]
    with pytest.raises(UsageError, match="stray"):
        resolve("stray")


def test_a_broken_file_is_named(write) -> None:
    path = write("snowflake/connections.toml", "[dev\n")
    with pytest.raises(UsageError, match="not valid TOML") as caught:
        resolve("dev")
    assert str(path) in caught.value.what


@pytest.mark.parametrize("variable", ["SNOWFLAKE_HOME", "CLEANROOM_ML_HOME"])
def test_a_home_that_is_a_file_is_said(person: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    (person / "file").write_text("")
    monkeypatch.setenv(variable, str(person / "file"))
    with pytest.raises(UsageError, match="cannot be read") as caught:
        resolve("dev")
    assert caught.value.why == "Not a directory"


def test_a_file_that_cannot_be_read_is_said(person: Path) -> None:
    (person / "snowflake/config.toml").mkdir()
    with pytest.raises(UsageError, match=r"config\.toml cannot be read") as caught:
        resolve("dev")
    assert caught.value.why == "Is a directory"
    assert str(person / "snowflake/config.toml") in str(caught.value.fix)


def test_connections_that_are_no_table_are_none(write) -> None:
    write("snowflake/config.toml", "connections = 1\n")
    assert sources.snowflake_sections() == {}


@pytest.mark.parametrize(
    ("settings", "passphrase"),
    [
        ("private_key_path='/k.p8'", "from the variable"),
        ("private_key_path='/k.p8'\nprivate_key_passphrase='from the file'", "from the file"),
        ("password='p'", None),
    ],
)
def test_the_variable_of_a_passphrase_is_for_a_key_that_has_none(
    write, monkeypatch: pytest.MonkeyPatch, settings: str, passphrase: str | None
) -> None:
    """snow's PRIVATE_KEY_PASSPHRASE: `snow_connector.py`."""
    monkeypatch.setenv("PRIVATE_KEY_PASSPHRASE", "from the variable")
    write("snowflake/connections.toml", f"[dev]\naccount='d'\n{settings}\n")
    given = resolve("dev").parameters
    assert given.get("private_key_file_pwd", given.get("private_key_passphrase")) == passphrase


def test_the_command_lines_name_of_a_key_file_is_the_connectors(write) -> None:
    write("snowflake/connections.toml", "[dev]\naccount='d'\nprivate_key_path='/k.p8'\n")
    assert resolve("dev").parameters == {"account": "d", "private_key_file": "/k.p8"}


def test_the_engines_directory_as_snowflake_home_is_no_second_source(
    person: Path, write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("engine/connections.toml", "[local]\naccount='LOCAL'\n")
    monkeypatch.setenv("SNOWFLAKE_HOME", str(person / "engine"))
    assert sources.snowflake_sections() == {}
    assert resolve("local").kind == "engine"
