from __future__ import annotations

import stat
import tomllib
from pathlib import Path

import pytest

from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.errors import ServerError, UsageError
from cleanroom_ml.local import accounts, operator
from cleanroom_ml.local.connections import read_connections, write_connection
from cleanroom_ml.local.home import ensure_home


@pytest.mark.sandbox
def test_an_account_is_made_once(engine: object, engine_home: Home) -> None:
    made = accounts.create("Once", home=engine_home)
    again = accounts.create("once", home=engine_home)
    assert (made.account, made.connection, made.created, again.created) == ("ONCE", "once", True, False)
    assert made.key_file == again.key_file
    assert stat.S_IMODE(made.key_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.key_file.parent.stat().st_mode) == 0o700
    assert not made.key_file.is_relative_to(engine_home.path)


@pytest.mark.sandbox
def test_an_account_whose_key_is_somebody_elses_is_not_taken_over(
    engine: object, engine_home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    accounts.create("taken", home=engine_home)
    before = dict(read_connections(engine_home))
    monkeypatch.setenv("CLEANROOM_ML_CONFIG", str(tmp_path / "another person"))
    with pytest.raises(UsageError, match="exists with another key"):
        accounts.create("taken", home=engine_home)
    assert read_connections(engine_home) == before


@pytest.mark.sandbox
@pytest.mark.parametrize("name", ["", "a b", "1a", "a;b", "../x", 'a"', "é", "x" * 200, '"mixed"', "a.b"])
def test_a_name_that_is_none_is_refused(engine: object, engine_home: Home, name: str) -> None:
    with pytest.raises(UsageError):
        accounts.create(name, home=engine_home)


@pytest.mark.sandbox
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "X"},
        {"name": "X", "user": "Y"},
        {"name": "X", "user": "Y", "public_key": "none"},
        {"name": "x y", "user": "Y", "password": "long enough"},
        {"name": 1, "user": "Y", "password": "long enough"},
    ],
)
def test_the_engine_refuses_accounts_that_cannot_be(engine: object, engine_home: Home, body: dict[str, object]) -> None:
    with pytest.raises(ServerError):
        operator.call(engine_home, "POST", "/cleanroom/admin/accounts", body)


def test_the_connections_file_is_private_toml_that_keeps_what_is_in_it(tmp_path: Path) -> None:
    home = ensure_home(tmp_path / "h")
    strange = 'quo"te \\ \n\t\x7f é 名'
    assert write_connection(home, "alpha", {"account": "ALPHA", "port": 1, "user": strange}) is True
    assert write_connection(home, "a b", {"account": "B"}) is True
    assert write_connection(home, "a b", {"account": "B"}) is False
    loaded = tomllib.loads(home.connections.read_text(encoding="utf-8"))
    assert loaded == {"alpha": {"account": "ALPHA", "port": 1, "user": strange}, "a b": {"account": "B"}}
    assert stat.S_IMODE(home.connections.stat().st_mode) == 0o600
    home.connections.write_text("not toml [")
    with pytest.raises(UsageError, match="not valid TOML"):
        write_connection(home, "c", {"account": "C"})
    assert home.connections.read_text() == "not toml ["
