"""The connector really logs in, at what answers as Snowflake does: refused is refused, and not unreachable."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from account_stand_in import Account, accepted, listening, refused, rows
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from cleanroom_ml.connection import capabilities, connect, opening
from cleanroom_ml.connection.credentials import for_connector
from cleanroom_ml.connection.setting import MASK, Setting
from cleanroom_ml.connection.sources import GENERIC_KEYS
from cleanroom_ml.connection.target import Target, resolve
from cleanroom_ml.errors import ConnectError, ServerError, UsageError
from cleanroom_ml.services import connections

SECRET = "hunter2-the-secret"


def at(account: Account, **settings: object) -> Target:
    given = {"user": "me", "password": SECRET, **account.settings, **settings}
    return Target("dev", "snowflake", tuple(Setting(key, value, "test") for key, value in given.items()), "test")


@pytest.fixture
def account():
    with listening(Account()) as there:
        yield there


@pytest.mark.parametrize(
    ("code", "message", "helps"),
    [
        ("390100", "Incorrect username or password was specified.", "user and password"),
        ("390144", "JWT token is invalid. [b0]", "RSA_PUBLIC_KEY"),
        ("394304", "JWT token is invalid.", "RSA_PUBLIC_KEY"),
        ("390189", "Role 'X' specified in the connect string does not exist or not authorized.", "--role"),
        ("390100", "The role NOPE does not exist or not authorized.", "--role"),
        ("390303", "Invalid OAuth access token. [b0]", "token_file_path"),
        ("390422", "Incoming request with IP/Token 1.2.3.4 is not allowed to access Snowflake.", "network policy"),
        ("394507", "Multi-factor authentication is required.", "SNOWFLAKE_PASSCODE"),
        ("399999", "A reason that nobody has heard of.", "connection explain"),
    ],
)
def test_a_login_that_was_refused_says_refused(account: Account, code: str, message: str, helps: str) -> None:
    """The numbers: the connector's network.py, and Snowflake's pages on its authenticators."""
    account.login = refused(code, message)
    with pytest.raises(ConnectError) as caught:
        connect(at(account))
    error = caught.value
    assert error.what == "the account refused the login"
    assert error.why == message
    assert helps in str(error.fix)
    assert (error.exit_code, error.code) == (3, int(code))
    assert SECRET not in f"{error.what} {error.why} {error.fix} {vars(error)}"


def test_what_was_not_reached_says_unreachable() -> None:
    with listening(Account()) as gone:
        target = at(gone, login_timeout=1)
    with pytest.raises(ConnectError) as caught:
        connect(target)
    assert caught.value.what == "the target cannot be reached"


@pytest.mark.parametrize(
    "settings",
    [{"user": ""}, {"password": ""}, {"authenticator": "NO_SUCH"}, {"authenticator": "WORKLOAD_IDENTITY"}],
    ids=str,
)
def test_settings_that_cannot_be_used_are_not_called_unreachable(account: Account, settings: dict[str, object]) -> None:
    with pytest.raises(ConnectError) as caught:
        connect(at(account, **settings))
    assert caught.value.what == "the connection's settings cannot be used"
    assert not account.logins


def test_every_session_begins_without_secondary_roles_and_with_a_tag(account: Account) -> None:
    """service-behaviour.md, "Session"."""
    with connect(at(account)) as connection:
        assert connection.kept_secondary_roles is None
    assert account.statements == ["USE SECONDARY ROLES NONE"]
    assert account.logins[0]["SESSION_PARAMETERS"]["QUERY_TAG"] == opening.QUERY_TAG
    with connect(at(account, session_parameters={"query_tag": "mine"})):
        pass
    assert account.logins[1]["SESSION_PARAMETERS"]["query_tag"] == "mine"
    assert "QUERY_TAG" not in account.logins[1]["SESSION_PARAMETERS"]


def test_a_token_that_is_restricted_to_a_role_connects_all_the_same(account: Account) -> None:
    """service-behaviour.md: 003107 is not fatal."""
    restricted = "SQL execution error: Current session is restricted. USE ROLE not allowed."
    account.statement = lambda sql: refused("003107", restricted) if sql.startswith("USE") else rows(["A"], ["1"])
    with connect(at(account)) as connection:
        assert connection.execute("SELECT 1 AS A") == [{"a": "1"}]
        assert connection.kept_secondary_roles is not None
        assert connection.kept_secondary_roles.code == 3107


def test_what_a_target_can_do_is_asked_once_a_session(account: Account) -> None:
    listed = rows(["name", "schema_name", "catalog_name"], ["EVENTS", "JOBS", "CLEANROOM_ML"], ["X", "JOBS", "OTHER"])
    account.statement = lambda sql: listed
    with connect(at(account)) as connection:
        asked = [connection.capabilities.has_procedure(name) for name in ("jobs.events", "JOBS.X", "JOBS.EVENTS")]
    assert asked == [True, False, True]
    assert account.statements[1:] == ["SHOW PROCEDURES IN DATABASE CLEANROOM_ML"]


def test_a_target_without_the_database_can_do_nothing_of_it(account: Account) -> None:
    gone = refused("002043", "SQL compilation error:\nObject does not exist, or operation cannot be performed.")
    account.statement = lambda sql: gone if sql.startswith("SHOW") else rows(["status"], ["ok"])
    with connect(at(account)) as connection:
        assert not connection.capabilities.has_procedure("JOBS.EVENTS")
        assert connection.capabilities.own_procedures == frozenset()
    assert capabilities.OWN_DATABASE == "CLEANROOM_ML"


def test_what_only_some_targets_have_is_called_where_it_is_and_its_refusal_is_no_absence(account: Account) -> None:
    listed = rows(["name", "schema_name", "catalog_name"], ["STATUS", "JOBS", "CLEANROOM_ML"])
    denied = refused("002003", "SQL compilation error:\nJob 'J' does not exist or not authorized.")
    account.statement = lambda sql: listed if sql.startswith("SHOW") else denied
    with connect(at(account)) as connection:
        assert connection.call_own("JOBS.CANCEL", "room", "J") is None
        with pytest.raises(ServerError, match="does not exist or not authorized"):
            connection.call_own("JOBS.STATUS", "room", "J")
    assert [sql for sql in account.statements if sql.startswith("CALL")] == [
        "CALL CLEANROOM_ML.JOBS.STATUS('room', 'J')"
    ]


def test_role_and_warehouse_of_the_command_line_are_what_is_sent(account: Account) -> None:
    target = at(account, role="OF_THE_FILE").instead(role="ANALYST", warehouse=None)
    with connect(target):
        pass
    # The connector's auth/_auth.py puts them into the address.
    assert "roleName=ANALYST" in account.addresses[0]
    assert "OF_THE_FILE" not in account.addresses[0]
    assert {each.key: each.source for each in target.settings}["role"] == "--role"
    assert target.instead(role=None) is target


def _pem(passphrase: str | None) -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    how = serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)


@pytest.fixture(scope="module")
def pems() -> tuple[bytes, bytes]:
    """A key, and one that SECRET opens."""
    return _pem(None), _pem(SECRET)


@pytest.mark.parametrize("how", ["file", "path", "raw"])
@pytest.mark.parametrize("encrypted", [False, True])
def test_a_key_comes_from_a_file_or_a_variable_with_the_variable_of_its_passphrase(
    account: Account, pems, write, monkeypatch: pytest.MonkeyPatch, how: str, encrypted: bool
) -> None:
    """snow's PRIVATE_KEY_PASSPHRASE and private_key_raw: snow_connector.py."""
    pem = pems[encrypted].decode()
    if how == "raw":
        monkeypatch.setenv("SNOWFLAKE_PRIVATE_KEY_RAW", pem)
    else:
        monkeypatch.setenv(f"SNOWFLAKE_PRIVATE_KEY_{how.upper()}", str(write("key.p8", pem)))
    monkeypatch.setenv("PRIVATE_KEY_PASSPHRASE", SECRET)
    monkeypatch.setenv("SNOWFLAKE_USER", "me")
    lines = "".join(f"{key} = {value!r}\n" for key, value in account.settings.items())
    write("snowflake/connections.toml", f"[dev]\nauthenticator='SNOWFLAKE_JWT'\n{lines}")
    with connect(resolve("dev")):
        pass
    assert account.logins[0]["AUTHENTICATOR"] == "SNOWFLAKE_JWT"
    shown = {row["key"]: row["value"] for row in connections.explain(resolve("dev"))}
    assert shown["private_key_file_pwd"] == MASK
    assert shown.get("private_key_raw", MASK) == MASK


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"private_key_raw": "ENC", "private_key_file_pwd": "wrong"}, "the passphrase does not open the key"),
        ({"private_key_raw": "ENC"}, "the key is encrypted, and there is no passphrase"),
        ({"private_key_raw": SECRET}, "it is no private key in PEM"),
        ({"private_key_raw": "EC"}, "it is no RSA key"),
        ({"private_key_file": "~nobody-of-that-name/k"}, "~nobody-of-that-name/k: it is no path"),
        ({"private_key_file": "/k\0"}, "/k\0: it is no path"),
        ({"token_file_path": "/dev/zero"}, "/dev/zero has more than 65,536 bytes"),
        ({"private_key_file": "/nowhere/key.p8"}, "/nowhere/key.p8: No such file or directory"),
        ({"token_file_path": "/nowhere/token"}, "/nowhere/token: No such file or directory"),
        ({"client_store_temporary_credential": SECRET}, "it is neither true nor false"),
        ({"login_timeout": SECRET}, "it is no whole number"),
    ],
)
def test_what_cannot_be_used_is_named_without_its_value(pems, settings: dict[str, object], why: str) -> None:
    unencrypted = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    keys = {"ENC": pems[1], "EC": ec.generate_private_key(ec.SECP256R1()).private_bytes(*unencrypted)}
    given = {key: keys[str(value)].decode() if value in keys else value for key, value in settings.items()}
    with pytest.raises(ConnectError) as caught:
        for_connector("dev", given)
    error = caught.value
    assert f"`{next(iter(settings))}` of the connection 'dev'" in error.what
    assert error.why == why
    assert SECRET not in f"{error!r} {error.what} {error.why} {error.fix} {error.__cause__}"


def test_tokens_and_their_caches_are_as_snow_has_them(account: Account, write) -> None:
    token = write("token", f"{SECRET}\n")
    with connect(at(account, authenticator="PROGRAMMATIC_ACCESS_TOKEN", token_file_path=str(token))):
        pass
    assert account.logins[0]["TOKEN"] == SECRET
    assert for_connector("dev", {"authenticator": "username_password_mfa"})["client_request_mfa_token"] is True
    assert for_connector("dev", {"client_store_temporary_credential": "false"}) == {
        "client_store_temporary_credential": False
    }
    assert for_connector("dev", {"login_timeout": "7", "port": "443"}) == {"login_timeout": 7, "port": "443"}
    both = for_connector("dev", {"session_token": "s", "master_token": "m"})
    assert both["server_session_keep_alive"] is True


def test_a_passcode_is_sent(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNOWFLAKE_PASSCODE", "123456")
    for key, value in {**account.settings, "user": "me", "password": SECRET}.items():
        monkeypatch.setenv(f"SNOWFLAKE_{key.upper()}", str(value))
    with connect(resolve(temporary=True)):
        pass
    assert account.logins[0]["PASSCODE"] == "123456"


@pytest.mark.parametrize("key", GENERIC_KEYS)
def test_every_generic_key_fills_what_a_file_does_not_say(write, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    write("snowflake/connections.toml", "[dev]\nunrelated='d'\n")
    monkeypatch.setenv(f"SNOWFLAKE_{key.upper()}", "generic")
    [setting] = [each for each in resolve("dev").settings if each.key == key]
    assert (setting.value, setting.source) == ("generic", f"SNOWFLAKE_{key.upper()}")


def test_files_that_others_may_read_are_told_and_those_that_they_may_write_refused(
    write, person: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connector's rules: config_manager.py."""
    file = write("snowflake/connections.toml", "[dev]\naccount='d'\n")
    assert connections.permission_warnings(resolve("dev")) == ()
    file.chmod(0o644)
    assert connections.permission_warnings(resolve("dev")) == (f"{file} can be read by others: chmod 0600 {file}",)
    monkeypatch.setenv("SF_SKIP_TOKEN_FILE_PERMISSIONS_VERIFICATION", "true")
    assert connections.permission_warnings(resolve("dev")) == ()
    file.chmod(0o662)
    with pytest.raises(UsageError, match="can be written by others"):
        resolve("dev")


def test_what_a_login_tells_does_not_go_to_standard_output(
    account: Account, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A login in the browser prints its progress (the connector's auth/webbrowser.py); standard output is for data."""
    import snowflake.connector

    really = snowflake.connector.connect

    def loud(**parameters: object) -> object:
        print("Initiating login request with your identity provider.")
        return really(**{**parameters, "authenticator": "snowflake"})

    monkeypatch.setattr(snowflake.connector, "connect", loud)
    account.login = accepted()
    with connect(at(account, authenticator="externalbrowser")):
        pass
    told = capsys.readouterr()
    assert (told.out, "identity provider" in told.err) == ("", True)


def test_a_login_without_a_browser_leaves_standard_output_alone(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the process' own: of two threads that put another in its place and back, one left the other's there."""
    import snowflake.connector

    seen: list[bool] = []
    real, own = snowflake.connector.connect, sys.stdout

    def watched(**parameters: object) -> object:
        seen.append(sys.stdout is own)
        return real(**parameters)

    monkeypatch.setattr(snowflake.connector, "connect", watched)
    connect(at(account)).close()
    assert seen == [True]
