"""What a person is told to do next is theirs to do, or says whose it is."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cleanroom_ml.cli.context import collaboration
from cleanroom_ml.cli.next_steps import after_request, of_a_job
from cleanroom_ml.cli.settings import reset, settings
from cleanroom_ml.errors import PolicyDeniedError, ServerError, UsageError

ROLES = {"requester": "LOCAL.PUBLISHER", "analysis_runner": "LOCAL.ADVERTISER"}
REVIEW: Any = SimpleNamespace(
    template_id="train_V1",
    template_type="sql_analysis",
    runner="advertiser",
    account_of=ROLES.__getitem__,
    accounts_of=lambda role: (ROLES[role],),
)


class Connected:
    def __init__(self, account: str, log: Exception | str = "") -> None:
        self.target = SimpleNamespace(kind="engine", parameters={"account": account})
        self.log = log

    def call(self, *_: object) -> list[dict[str, Any]]:
        if isinstance(self.log, Exception):
            raise self.log
        return [{"logs": self.log}]


@pytest.mark.parametrize(
    ("account", "status", "waiting", "first"),
    [
        ("advertiser", "PENDING_MY_APPROVAL", ("advertiser",), "cleanroom-ml approve train_V1"),
        ("advertiser", "COMPLETED", (), "cleanroom-ml run train_V1"),
        ("publisher", "COMPLETED", (), "advertiser: cleanroom-ml run train_V1"),
        ("publisher", "PENDING_PARTNER_APPROVAL", ("advertiser",), "advertiser: cleanroom-ml approve train_V1"),
        ("advertiser", "PENDING_PARTNER_APPROVAL", ("panel",), "panel: cleanroom-ml approve train_V1"),
        ("publisher", "REJECTED", (), "cleanroom-ml template submit"),
        ("advertiser", "REJECTED", (), "cleanroom-ml requests --all"),
    ],
)
def test_after_a_review_or_a_decision(account: str, status: str, waiting: tuple[str, ...], first: str) -> None:
    """`review` of a request that was decided said: next, approve; `approve` told its sender to run it."""
    assert after_request(Connected(account), REVIEW, status=status, waiting_for=waiting)[0] == first


@pytest.mark.parametrize(
    ("log", "told"), [("x", True), ("", True), (PolicyDeniedError("no"), False), (ServerError("not yet"), False)]
)
def test_nobody_is_sent_to_a_log_that_is_closed(log: Any, told: bool) -> None:
    assert any("logs" in hint for hint in of_a_job(Connected("a", log), "c", "J")) is told


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("jobs", "-c", "X"), "cleanroom-ml jobs -c X --collaboration NAME"),
        (("collaboration", "status", "-c", "X"), "cleanroom-ml collaboration status -c X NAME"),
    ],
)
def test_outside_of_a_project_a_command_says_what_it_lacks(typed: tuple[str, ...], said: str, person: Path) -> None:
    """`jobs -c X` spoke of a missing cleanroom.yaml, and not of --collaboration."""
    reset()
    settings().typed = typed
    with pytest.raises(UsageError) as caught:
        collaboration(None)
    assert said in str(caught.value.fix)
    assert str(Path.cwd()) in str(caught.value.why)


def test_who_joins_is_not_told_to_create(cli) -> None:
    Path("cleanroom.yaml").write_text("version: 1\ncollaboration: c\nowner: LOCAL.P\n", encoding="utf-8")
    ran = cli("collaboration", "create")
    assert ran.code == 2
    assert "LOCAL.P" in ran.err
    assert "fix: cleanroom-ml collaboration join" in ran.err


def test_of_several_accounts_none_is_proposed(cli, person: Path) -> None:
    """A directory that is bound to nothing was told to use the account that comes first in the alphabet."""
    (person / "engine").mkdir()
    sections = "".join(f"[{name}]\naccount = '{name}'\n" for name in ("anna", "bert"))
    (person / "engine" / "connections.toml").write_text(sections)
    ran = cli("pool", "list")
    assert ran.code == 2
    assert "connection use ACCOUNT" in ran.err
    assert "anna, bert" in ran.err
    (person / "engine" / "connections.toml").write_text("[anna]\naccount = 'anna'\n")
    assert "connection use anna" in cli("pool", "list").err


@pytest.mark.parametrize("arguments", [(), ("2.10", "--manifest", "x.json")])
def test_what_to_build_is_said_before_it_begins(cli, arguments: tuple[str, ...]) -> None:
    ran = cli("image", "build", *arguments)
    assert ran.code == 2
    assert "None" not in ran.err
    assert "building" not in ran.err
    assert "image build 2.10" in ran.err


@pytest.mark.parametrize("files", [(), ("__pycache__/a.pyc",)])
@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_an_empty_directory_takes_nothing_off_the_stage(cli, files, options, monkeypatch, person: Path) -> None:
    Path("code").mkdir()
    for file in files:
        Path("code", file).parent.mkdir()
        Path("code", file).write_text("x")
    monkeypatch.setattr("cleanroom_ml.cli.commands.stage.open_connection", lambda: _Untouched())
    ran = cli("stage", "code", "--to", "DB.PUBLIC.ST/code", *options)
    assert ran.code == 2
    assert options or "REMOVE @DB.PUBLIC.ST/code" in ran.err
    assert "removed" not in ran.out


def test_a_name_that_no_connection_has_is_looked_for_before_one_is_made(cli, person: Path) -> None:
    nobody = ("pool", "list", "-c", "nobody")
    assert "fix: cleanroom-ml account create nobody\n" in cli(*nobody).err
    (person / "engine").mkdir()
    (person / "engine" / "connections.toml").write_text("[anna]\naccount = 'anna'\n")
    ran = cli(*nobody)
    assert "known: anna" in ran.err
    assert "fix: cleanroom-ml connection list, or one more: cleanroom-ml account create nobody\n" in ran.err


@pytest.mark.parametrize("state", ["IDLE", "SUSPENDED"])
def test_what_is_done_with_a_pool_next(cli, monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    """Without a name it is the project's; nobody is told to run on a pool that is suspended."""
    pool = {"name": "P", "state": state, "instance_family": "CPU_X64_S", "min_nodes": 1, "max_nodes": 1}
    sent: list[str] = []

    def execute(sql: str) -> list[dict[str, Any]]:
        sent.append(sql)
        return [pool] if sql.startswith("SHOW") else []

    account = SimpleNamespace(execute=execute, target=SimpleNamespace(parameters={"warehouse": "APP_WH"}))
    monkeypatch.setattr("cleanroom_ml.cli.commands.pool.open_connection", lambda: nullcontext(account))
    Path("cleanroom.yaml").write_text("version: 1\ncollaboration: c\npool: {name: P, family: CPU_X64_S}\n")

    denied = PolicyDeniedError("shop is no analysis runner of c")
    monkeypatch.setattr("cleanroom_ml.services.runnable.runs_nothing", lambda *_: denied)
    created = cli("pool", "create")
    assert "warning: shop is no analysis runner of c: its jobs run on the pools of who runs them" in created.err
    assert "next:" not in created.err
    monkeypatch.setattr("cleanroom_ml.services.runnable.runs_nothing", lambda *_: None)
    created = cli("pool", "create")
    assert f"next: cleanroom-ml {'pool resume P' if state == 'SUSPENDED' else 'run'}\n" in created.err
    assert cli("pool", "suspend").code == 0
    assert ("ALTER COMPUTE POOL P SUSPEND" in sent) is (state == "IDLE")


def test_of_several_requests_the_first_is_next(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = [
        SimpleNamespace(
            id=f"r{at}", type="", template_id=f"t{at}_V1", details={}, requester="", runner="", open=True,
            status="PENDING_MY_APPROVAL", waiting_for=(), log=SimpleNamespace(unread=""), decisions=(), updated_on="",
        )
        for at in (1, 2)
    ]  # fmt: skip
    monkeypatch.setattr("cleanroom_ml.cli.commands.requests.open_connection", nullcontext)
    monkeypatch.setattr("cleanroom_ml.services.update_requests.list_requests", lambda *_: waiting)
    assert "next: cleanroom-ml review t1_V1\n" in cli("requests", "--collaboration", "c").err


class _Untouched:
    """A connection on which nothing is done."""

    def __enter__(self) -> _Untouched:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        print(name, file=sys.stderr)
        raise AssertionError(f"{name} was asked of the target")
