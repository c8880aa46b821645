"""A session at what answers as Snowflake does: rows and their refusals, what is sent, and what is not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from account_stand_in import Account, listening, refused, rows
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from snowflake.connector.errors import OperationalError

from cleanroom_ml.connection import connect, driver, session
from cleanroom_ml.connection.session import RETRY_SECONDS, Connection, pauses, whole_number, with_more
from cleanroom_ml.connection.setting import Setting
from cleanroom_ml.connection.target import Target
from cleanroom_ml.errors import CommunicationError, ConnectError, ServerError


def at(account: Account, **settings: object) -> Target:
    given = {"user": "me", "password": "secret", **account.settings, **settings}
    return Target("dev", "server", tuple(Setting(key, value, "test") for key, value in given.items()), "test")


@pytest.fixture(scope="module")
def opened() -> Iterator[tuple[Account, Connection]]:
    with listening(Account()) as account, connect(at(account), rows_only=True) as connection:
        yield account, connection


@pytest.fixture
def account(opened: tuple[Account, Connection]) -> Account:
    there = opened[0]
    there.statements.clear()
    return there


@pytest.fixture
def connection(opened: tuple[Account, Connection]) -> Iterator[Connection]:
    there = opened[1]
    yield there
    there.observer = there.before_call = None


def test_rows_come_by_name_in_order_or_one_by_one(account: Account, connection: Connection) -> None:
    account.statement = lambda sql: rows(["A", "b"], ["1", "x"], ["2", None])
    assert connection.execute("SELECT 1") == [{"a": "1", "b": "x"}, {"a": "2", "b": None}]
    assert connection.query("SELECT 1") == (("A", "b"), [("1", "x"), ("2", None)])
    assert list(connection.stream("SELECT 1")) == [("1", "x"), ("2", None)]
    with connection.cursor() as cursor:
        assert cursor.execute("SELECT 1").fetchone() == ("1", "x")


def test_what_an_answer_lacks_is_the_targets_refusal(account: Account, connection: Connection) -> None:
    account.statement = lambda sql: rows(["A"], ["1"])
    [row] = connection.execute("SELECT 1")
    for each in (row, with_more(row, {"more": 1})):
        with pytest.raises(ServerError, match="no column STATUS") as caught:
            each["status"]
        assert "it has A" in str(caught.value.why)
    assert with_more(row, {"a": 2}) == {"a": 2}
    account.statement = lambda sql: rows(["A"])
    none = connection.execute("SELECT 1")
    assert none[:1] == []
    with pytest.raises(ServerError, match="no rows"):
        none[0]
    assert connection.scalar("COLLABORATION.GET_STATUS", "x") is None


@pytest.mark.parametrize(("value", "number"), [("7", 7), (7.0, 7), (Decimal(7), 7), (True, 1), (-7, -7)])
def test_a_whole_number_is_read_however_the_driver_gives_it(value: object, number: int) -> None:
    assert whole_number(value) == number


@pytest.mark.parametrize("value", [None, "", "x", "7.5", float("inf"), float("nan"), Decimal("NaN"), b"7", [7]])
def test_what_is_no_whole_number_is_refused(value: object) -> None:
    with pytest.raises(ServerError, match="where a whole number is to be"):
        whole_number(value)


def test_a_call_can_be_prevented_and_nothing_is_sent_then(account: Account, connection: Connection) -> None:
    asked: list[tuple[str, tuple[object, ...]]] = []

    def refuse(procedure: str, arguments: tuple[object, ...]) -> None:
        asked.append((procedure, arguments))
        raise LookupError(procedure)

    connection.before_call = refuse
    with pytest.raises(LookupError):
        connection.call("COLLABORATION.JOIN", "room")
    assert (asked, account.statements) == ([("COLLABORATION.JOIN", ("room",))], [])


def test_a_file_is_put_by_a_path_that_ends_no_text(account: Account, connection: Connection, tmp_path: Path) -> None:
    r"""Snowflake's documentation, sql-reference/sql/put: a path with special characters is in single quotes, and a `\`
    and a `'` in it are escaped.
    """
    told: list[str] = []
    connection.observer = told.append
    account.statement = lambda sql: refused("003001", "Insufficient privileges")
    with pytest.raises(ServerError, match="Insufficient"):
        connection.put(Path("/tmp/it's a\\b.txt"), "@~/x")
    assert told == [r"PUT 'file:///tmp/it\'s a\\b.txt' @~/x AUTO_COMPRESS=FALSE OVERWRITE=TRUE"]
    assert account.statements == told


class Broken:
    """The driver's connection, which breaks at the first statement."""

    closed = 0

    def cursor(self) -> Broken:
        return self

    def execute(self, sql: str) -> None:
        raise OperationalError("the connection was reset")

    def close(self) -> None:
        self.closed += 1


def test_a_session_that_cannot_begin_is_closed() -> None:
    """Nobody else would log it out: whoever asked for it has an error and no session."""
    driven = Broken()
    with pytest.raises(CommunicationError):
        Connection(at(Account()), driven).begin()  # type: ignore[arg-type]
    assert driven.closed == 2, "its cursor, and itself"


def test_an_engine_is_tried_for_a_while_and_then_not_any_more() -> None:
    """The connector takes pauses from its `backoff_policy`; one without end would hold a job up for ever."""
    policy, given = pauses(), [0.0]
    while sum(given) < RETRY_SECONDS:
        given.append(next(policy))
    assert given[1:6] == [0.5, 1.0, 2.0, 4.0, 4.0]
    with pytest.raises(OperationalError, match="has not answered for 60 s"):
        next(policy)


@pytest.mark.parametrize("key", ["rsa", "another kind", "encrypted"])
def test_an_accounts_own_key_is_read_once_and_what_is_none_is_left_to_the_connector(tmp_path: Path, key: str) -> None:
    how = BestAvailableEncryption(b"x") if key == "encrypted" else NoEncryption()
    made = ec.generate_private_key(ec.SECP256R1()) if key == "another kind" else rsa.generate_private_key(65537, 2048)
    file = tmp_path / "key.p8"
    file.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how))
    given: dict[str, object] = {"account": "A", "private_key_file": str(file)}
    if key == "encrypted":
        given["private_key_file_pwd"] = "x"
    loaded = session._with_loaded_key(given)
    if key == "rsa":
        assert loaded.keys() == {"account", "private_key"}
        assert loaded["private_key"].private_numbers() == made.private_numbers()
    else:
        assert loaded == given


def test_an_engines_connection_without_a_home_is_nobodys() -> None:
    """Whose engine it is could not be checked: nothing is sent."""
    target = Target("local", "engine", (Setting("account", "A", "test"),), "test")
    with pytest.raises(ConnectError, match="has no home"):
        connect(target)


def test_libraries_that_no_command_needs_are_not_there_while_the_connector_loads() -> None:
    loaded = sys.modules["json"]
    with driver._absent(("json", "wave")):
        import json

        assert json is loaded, "what was there before is left alone"
        with pytest.raises(ImportError):
            import wave
    import wave

    assert wave.open


def test_a_collaboration_that_a_role_does_not_see_may_be_granted(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Connection, sql: str) -> list[dict[str, object]]:
        raise ServerError("CollaborationNotFoundException: collaboration 'room' does not exist", fix="look")

    monkeypatch.setattr(Connection, "execute", refuse)
    fixes = []
    for settings in ((), (Setting("role", "ANALYST", "test"),)):
        target: Any = Target("c", "snowflake", settings, "test")
        with pytest.raises(ServerError) as caught:
            Connection(target, None).call("COLLABORATION.RUN", "room")  # type: ignore[arg-type]
        fixes.append(caught.value.fix)
    assert fixes == ["look", "look; or the role has no privilege of it: cleanroom-ml grant READ --to <role>"]
