"""Secrets of a connection are never shown: not by `explain`, nor in a repr, nor in an error."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cleanroom_ml.connection import connect
from cleanroom_ml.connection.setting import MASK, Setting
from cleanroom_ml.connection.target import Target, resolve
from cleanroom_ml.errors import CleanroomError, ConnectError
from cleanroom_ml.services.connections import explain

SECRET = "hunter2-the-secret"
KEYS = [
    "password", "Password", "token", "private_key", "privatekey", "private_key_passphrase", "private_key_file_pwd",
    "passcode", "oauth_client_secret", "oauth_refresh_token", "session_token", "master_token", "id_token",
    "mfa_passcode", "proxy_password", "client_assertion", "aws_session_key", "user_credentials",
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
def test_explain_masks(write, key: str) -> None:
    write("snowflake/connections.toml", f"[dev]\naccount='d'\n{key}='{SECRET}'\n")
    target = resolve("dev")
    shown = {row["key"]: row["value"] for row in explain(target)}
    assert shown[key] == MASK
    assert shown["account"] == "d"
    assert target.parameters[key] == SECRET
    assert SECRET not in f"{target!r} {target} {target.settings!r} {replace(target)!r}"


@pytest.mark.parametrize("key", ["user", "private_key_file", "token_file_path", "authenticator", "warehouse"])
def test_what_is_no_secret_is_shown(key: str) -> None:
    assert Setting(key, "value", "x").displayed == "value"


def test_credentials_inside_of_an_address_are_masked() -> None:
    assert Setting("proxy_host", f"http://me:{SECRET}@proxy:8080", "x").displayed == f"http://{MASK}@proxy:8080"


@pytest.mark.parametrize(
    "settings",
    [
        {"password": SECRET, "host": "127.0.0.1", "port": "1", "protocol": "http", "login_timeout": 1},
        {"authenticator": "SNOWFLAKE_JWT", "private_key_file": "/nowhere/key.p8", "private_key_file_pwd": SECRET},
        {"authenticator": "OAUTH", "token": SECRET, "host": "127.0.0.1", "port": "1", "protocol": "http"},
    ],
)
def test_errors_of_connecting_carry_no_secret(settings: dict[str, object]) -> None:
    values = {"account": "a", "user": "u", "login_timeout": 1, "network_timeout": 1, **settings}
    target = Target("dev", "snowflake", tuple(Setting(key, value, "test") for key, value in values.items()), "test")
    with pytest.raises(CleanroomError) as caught:
        connect(target)
    error = caught.value
    assert isinstance(error, ConnectError)
    assert error.exit_code == 3
    assert SECRET not in f"{error!r} {error} {error.what} {error.why} {error.fix} {vars(error)}"


def test_a_port_that_is_no_number_is_said(write) -> None:
    write("engine/connections.toml", "[local]\naccount='LOCAL'\nport='many'\n")
    with pytest.raises(ConnectError, match="port"):
        connect(resolve("local"))
