"""Which connection a command uses, by precedence; and what it does where nothing says which."""

from __future__ import annotations

from pathlib import Path

import pytest

from cleanroom_ml.connection import bindings
from cleanroom_ml.connection.target import resolve
from cleanroom_ml.errors import UsageError
from cleanroom_ml.services import connections

SECTIONS = "\n".join(f"[{name}]\naccount = '{name}_account'\nuser = 'me'\n" for name in ("a", "b", "c", "d", "default"))


@pytest.fixture
def project(person: Path, write) -> Path:
    write("snowflake/connections.toml", SECTIONS)
    directory = person / "project"
    directory.mkdir()
    return directory


def test_the_first_of_these_that_is_said_decides(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve(directory=project).name == "default"
    monkeypatch.setenv("SNOWFLAKE_DEFAULT_CONNECTION_NAME", "d")
    assert resolve(directory=project).name == "d"
    bindings.bind(project, "c")
    assert resolve(directory=project).name == "c"
    monkeypatch.setenv("CLEANROOM_ML_CONNECTION", "b")
    assert resolve(directory=project).name == "b"
    assert resolve("a", directory=project).name == "a"


def test_config_toml_names_the_default(person: Path, write) -> None:
    text = "default_connection_name = 'dev'\n[connections.dev]\naccount = 'x'\n"
    write("snowflake/config.toml", text)
    assert resolve(directory=person).name == "dev"


def test_nothing_bound_shows_the_two_choices(person: Path) -> None:
    with pytest.raises(UsageError) as caught:
        resolve(directory=person)
    assert caught.value.exit_code == 2
    assert "cleanroom-ml connection use local" in str(caught.value.fix)
    assert "cleanroom-ml account create local" in str(caught.value.fix)
    assert f"{person / 'snowflake/connections.toml'}" in str(caught.value.fix)


def test_the_choices_are_those_that_there_are(person: Path, write) -> None:
    write("engine/connections.toml", "[advertiser]\naccount='A'\n[publisher]\naccount='P'\n")
    write("snowflake/connections.toml", "[prod]\naccount='x'\n")
    directory = person / "publisher"
    directory.mkdir()
    with pytest.raises(UsageError) as caught:
        resolve(directory=directory)
    assert "connection use publisher" in str(caught.value.fix)
    assert "known: prod" in str(caught.value.fix)


def test_the_engine_is_never_assumed(person: Path, write) -> None:
    write("engine/connections.toml", "[local]\naccount='LOCAL'\n")
    with pytest.raises(UsageError):
        resolve(directory=person)


def test_a_default_that_is_not_there_is_an_error_and_not_silence(project: Path, monkeypatch) -> None:
    monkeypatch.setenv("SNOWFLAKE_DEFAULT_CONNECTION_NAME", "defualt")
    with pytest.raises(UsageError, match="defualt") as caught:
        resolve(directory=project)
    assert caught.value.why == "did you mean 'default'?"


def test_an_account_of_the_engine_is_a_target_of_the_engine(person: Path, write) -> None:
    write("engine/connections.toml", "[local]\naccount='LOCAL'\n")
    target = resolve("local")
    assert (target.kind, target.home) == ("engine", person / "engine")
    assert str(target) == f"local (account LOCAL, embedded engine at {person / 'engine'})"


def test_generic_variables_do_not_reach_the_engines_accounts(write, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password meant for Snowflake is not sent to the engine, nor an engine's account to another host."""
    write("engine/connections.toml", "[local]\naccount='LOCAL'\n")
    monkeypatch.setenv("SNOWFLAKE_PASSWORD", "for snowflake only")
    monkeypatch.setenv("SNOWFLAKE_HOST", "elsewhere.example")
    assert resolve("local").parameters == {"account": "LOCAL"}


def test_temporary_takes_variables_only(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="SNOWFLAKE_ACCOUNT"):
        resolve(temporary=True)
    monkeypatch.setenv("SNOWFLAKE_ACCOUNT", "org-x")
    assert resolve(temporary=True).parameters == {"account": "org-x"}
    with pytest.raises(UsageError, match="exclude"):
        resolve("a", temporary=True)


@pytest.mark.parametrize(
    ("settings", "kind", "place"),
    [
        ("account='x'", "snowflake", "Snowflake"),
        ("account='x'\nhost='x.eu-west-1.privatelink.snowflakecomputing.com'", "snowflake", "Snowflake"),
        ("account='x'\nhost='127.0.0.1'\nport=26879\nprotocol='http'", "server", "server at 127.0.0.1:26879"),
        ("account='x'\nhost='engine.example'\nprotocol='HTTP'", "server", "server at engine.example"),
        ("account='x'\nhost='snowflakecomputing.com.a.b'", "snowflake", "server at snowflakecomputing.com.a.b"),
        ("account='x'\nhost='notsnowflakecomputing.com'", "snowflake", "server at notsnowflakecomputing.com"),
    ],
)  # fmt: skip
def test_an_engine_of_somebody_elses_is_not_called_snowflake(write, settings: str, kind: str, place: str) -> None:
    write("snowflake/connections.toml", f"[other]\n{settings}\n")
    target = resolve("other")
    assert target.kind == kind
    assert str(target) == f"other (account x, {place})"
    assert [each.kind for each in connections.known(Path("/"))] == [kind]


def test_variables_lead_to_an_engine_too(monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in (("ACCOUNT", "x"), ("HOST", "127.0.0.1"), ("PORT", "1"), ("PROTOCOL", "http")):
        monkeypatch.setenv(f"SNOWFLAKE_{key}", value)
    assert str(resolve(temporary=True)) == "temporary (account x, server at 127.0.0.1:1)"
