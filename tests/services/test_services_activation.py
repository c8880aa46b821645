"""Activations of a target that answers as the pages say, or as accounts did: sent once, waited for, taken, exported.

Source: collaboration API reference, VIEW_ACTIVATIONS and PROCESS_ACTIVATION; "Activating query results", "Reading the
activation results"; the shapes of accounts: docs/api-digest.md §9.
"""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cleanroom_ml.errors import (
    CleanroomError,
    CommunicationError,
    ConflictError,
    ServerError,
    UsageError,
    WaitTimeoutError,
)
from cleanroom_ml.services import activation, waiting
from cleanroom_ml.services.activation import ActivationRequest
from cleanroom_ml.services.activation_export import export
from cleanroom_ml.services.segment_records import flat, named

DOCUMENTED = "room.activation.segment_records"
ON_ACCOUNTS = "SFDCR_ROOM.ACTIVATION.SEGMENT_RECORDS"


def listed(batch: str, status: str = "SHARED", segment: str = "q1", **more: Any) -> dict[str, Any]:
    row = {"updated_on": f"2026-01-01T00:00:0{len(batch)}Z", "segment_name": segment, "batch_id": batch}
    row |= {"template_id": "act_v1", "shared_by": "adv", "shared_with": "pub", "status": status, "details": None}
    return row | more


class Account:
    """One party of a room: `views` is what VIEW_ACTIVATIONS answers, one after the other; `tables` what it can read."""

    target = SimpleNamespace(kind="snowflake", parameters={"account": "ORG-ME"})

    def __init__(self, *views: list[dict[str, Any]], alias: str = "adv", **tables: dict[str, list[Any]]) -> None:
        self.views, self.alias, self.sent = list(views), alias, []
        self.tables: dict[str, dict[str, list[Any]]] = {name.replace("__", "."): rows for name, rows in tables.items()}
        self.run: list[dict[str, Any]] | Exception = [{"message": "done"}]
        self.processed: list[dict[str, Any]] | Exception = []

    def call(self, procedure: str, *arguments: Any) -> list[dict[str, Any]]:
        name = procedure.partition(".")[2]
        self.sent.append((name, *arguments[1:]))
        match name:
            case "VIEW_TEMPLATES":
                return [{"template_id": "act_v1", "template_spec": "api_version: 2.0.0"}]
            case "GET_STATUS":
                status = {"roles": "[]", "status": "JOINED", "details": None, "updated_on": None}
                return [{"collaborator_account": "ORG.ME", "collaborator_name": self.alias, **status}]
            case "VIEW_ACTIVATIONS":
                return self.views.pop(0) if len(self.views) > 1 else self.views[0]
            case "RUN":
                return self.told(self.run)
            case "PROCESS_ACTIVATION":
                return self.told(self.processed)
        raise AssertionError(procedure)

    def execute(self, sql: str) -> list[dict[str, Any]]:
        return [{"account": "ORG.ME"}]

    def stream(self, sql: str) -> list[tuple[Any, ...]]:
        table, batch = re.search(r" FROM (\S+) ", sql)[1], re.search(r"BATCH_ID = '(\w+)'", sql)  # type: ignore[index]
        rows = {name.upper(): rows for name, rows in self.tables.items()}.get(table.upper())
        if rows is None:
            error = ServerError(f"Object {table} does not exist or not authorized.")
            error.code = 2003
            raise error
        if batch is None:
            return [(each,) for each in list(rows)[-1:]]
        return [(json.dumps(record),) for record in rows.get(batch[1], [])]

    @staticmethod
    def told(what: Any) -> Any:
        if isinstance(what, Exception):
            raise what
        return what

    def ran(self) -> int:
        return sum(name == "RUN" for name, *_ in self.sent)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses are counted as time that has passed, and not waited for."""
    passed = [0.0]
    monkeypatch.setattr(waiting.time, "sleep", lambda seconds: passed.__setitem__(0, passed[0] + seconds))
    monkeypatch.setattr(waiting.time, "monotonic", lambda: passed[0])
    monkeypatch.setattr(activation, "runnable_template", lambda *_: "act_v1")


def send(account: Account, to: str = "pub", **options: Any) -> activation.Activation:
    return activation.activate(account, ActivationRequest("room", "act", to, "q1"), **options)  # type: ignore[arg-type]


def test_what_was_sent_is_the_batch_that_was_not_there_before() -> None:
    """An earlier batch of the same segment was taken for it where the new one was listed late."""
    old = listed("older_batch", "PROCESSED")
    other = [listed("x", segment="q2"), listed("y", shared_with="third")]
    account = Account([old], [old, *other], [old, *other], [old, *other, listed("b", "PENDING")])
    assert (send(account, again=True).batch_id, account.ran()) == ("b", 1)


@pytest.mark.parametrize("status", ["PENDING", "REPLICATING", "SHARED", "PROCESSED"])
def test_a_segment_is_sent_once_until_it_is_asked_for_again(status: str) -> None:
    """Typed twice, it was sent twice, and nobody said so. The statuses: VIEW_ACTIVATIONS."""
    account = Account([listed("a", "FAILED"), listed("bb", status)])
    with pytest.raises(ConflictError, match=f"q1 for pub was sent before as batch bb, which is {status}") as caught:
        send(account)
    assert "--again" in str(caught.value.fix)
    assert account.ran() == 0
    assert send(Account([listed("bb", status)], [listed("bb", status), listed("c")]), again=True).batch_id == "c"


def test_what_failed_or_is_another_segment_or_another_s_is_not_sent_before() -> None:
    others = [listed("a", "FAILED"), listed("b", segment="q2"), listed("c", shared_with="third")]
    others.append(listed("d", shared_by="third"))
    assert send(Account(others, [*others, listed("e")])).batch_id == "e"


def test_what_was_sent_to_oneself_before_is_told_by_the_table() -> None:
    account = Account([])
    account.tables = {ON_ACCOUNTS: {"b": [{"A": 1}]}}
    with pytest.raises(ConflictError, match="was sent before as batch b"):
        send(account, to="ADV")
    assert account.ran() == 0


def test_waiting_goes_through_the_documented_statuses() -> None:
    steps = [[], *([listed("b", status)] for status in ("PENDING", "PENDING", "REPLICATING", "SHARED"))]
    told: list[str] = []
    sent = send(Account(*steps), wait=True, on_status=lambda now: told.append(now.status))
    assert (sent.status, told) == ("SHARED", ["PENDING", "REPLICATING", "SHARED"])


def test_what_failed_says_why_and_what_is_late_says_where_it_is() -> None:
    with pytest.raises(ServerError) as failed:
        send(Account([], [listed("b", "FAILED", details="no listing in your region")]))
    assert failed.value.why == "no listing in your region"
    with pytest.raises(WaitTimeoutError) as late:
        send(Account([], [listed("b", "REPLICATING")]), wait=True, timeout_seconds=5)
    assert (late.value.what, late.value.fix) == ("the segment q1 is still REPLICATING", "cleanroom-ml activation list")
    account = Account([])
    with pytest.raises(WaitTimeoutError, match="is not listed after 60 s"):
        send(account)
    assert account.ran() == 1


def test_to_oneself_it_is_there_at_once_and_not_listed() -> None:
    """ "Activation requests to send data to yourself are not listed." """
    assert send(Account([]), to="ADV").status == "PROCESSED"


@pytest.mark.parametrize(("after", "said"), [([listed("b")], "batch b is SHARED"), ([], "whether it was sent is not")])
def test_an_activation_that_broke_is_looked_up_and_not_sent_again(after: list[dict[str, Any]], said: str) -> None:
    account = Account([], after)
    account.run = CommunicationError("the connection broke", fix="repeat the command; repeating is safe")
    with pytest.raises(CommunicationError) as caught:
        send(account)
    assert said in str(caught.value.why)
    assert "repeating is safe" not in str(caught.value.fix)
    assert account.ran() == 1


def test_batches_are_taken_by_their_ids() -> None:
    before, after = [listed("a"), listed("b")], [listed("a", "PROCESSED"), listed("b")]
    account = Account(before, after, alias="pub")
    account.processed = [{"table_name": ON_ACCOUNTS, "segment_name": "q1"}]
    (taken,) = activation.process(account, "room", batches=("a",))  # type: ignore[arg-type]
    assert (taken.batch_id, taken.new, taken.table) == ("a", True, ON_ACCOUNTS)
    assert ("PROCESS_ACTIVATION", ["a"]) in account.sent
    with pytest.raises(UsageError, match="no batch for this party called 'c'"):
        activation.process(Account([listed("a")], alias="pub"), "room", batches=("c",))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="exclude each other"):
        activation.process(account, "room", "q1", ("a",))  # type: ignore[arg-type]


def test_taking_waits_until_it_is_processed_and_says_what_it_waits_for() -> None:
    shared, done = [listed("a")], [listed("a", "PROCESSED")]
    (taken,) = activation.process(Account(shared, shared, shared, done, alias="pub"), "room")  # type: ignore[arg-type]
    assert (taken.status, taken.new) == ("PROCESSED", True)
    with pytest.raises(WaitTimeoutError) as late:
        activation.process(Account(shared, alias="pub"), "room")  # type: ignore[arg-type]
    assert (late.value.what, late.value.fix) == ("batch a is still SHARED", "cleanroom-ml activation list")
    with pytest.raises(CleanroomError, match="the segment q1 from adv is still REPLICATING"):
        activation.process(Account([listed("a", "REPLICATING")], alias="pub"), "room", "q1")  # type: ignore[arg-type]
    for before in ([], [listed("b", "PROCESSED")], [listed("b", "FAILED")]):
        sent = [*before, listed("a", "PENDING")]
        with pytest.raises(CleanroomError, match="the segment q1 from adv is still PENDING"):
            activation.process(Account(sent, alias="pub"), "room")  # type: ignore[arg-type]
    assert activation.process(Account([listed("b", "FAILED")], alias="pub"), "room") == ()  # type: ignore[arg-type]
    with pytest.raises(CleanroomError) as failed:
        activation.process(Account([listed("a", "FAILED", details="no space")], alias="pub"), "room", "q1")  # type: ignore[arg-type]
    assert failed.value.why == "no space"


RECORD = {"EMAIL": "x", "N": 1}
FIELD = {"ID": {"p1.EMAIL": "x", "c1.N": 1, "c1.LIST": ["ä", None]}}


@pytest.mark.parametrize(
    ("processed", "tables", "record", "header"),
    [
        ([{"table_name": DOCUMENTED, "segment_name": "q1"}], DOCUMENTED, RECORD, ["EMAIL", "N"]),
        ([{"process_activation": ON_ACCOUNTS}], ON_ACCOUNTS, FIELD, ["p1.EMAIL", "c1.N", "c1.LIST"]),
        ([{"table_name": "ELSEWHERE.S.T", "segment_name": "q1"}], "ELSEWHERE.S.T", RECORD, ["EMAIL", "N"]),
        ([{"m": f"Results are in {ON_ACCOUNTS}."}], ON_ACCOUNTS, FIELD, ["p1.EMAIL", "c1.N", "c1.LIST"]),
        ([], ON_ACCOUNTS, FIELD, ["p1.EMAIL", "c1.N", "c1.LIST"]),
        (ServerError("nothing to process"), DOCUMENTED, RECORD, ["EMAIL", "N"]),
        ([{"table_name": "x'; DROP TABLE y --"}], DOCUMENTED, RECORD, ["EMAIL", "N"]),
    ],
)
def test_export_reads_the_table_that_is_named_in_either_shape(
    tmp_path: Path, processed: Any, tables: str, record: dict[str, Any], header: list[str]
) -> None:
    account = Account([listed("b", "PROCESSED")], alias="pub")
    account.tables, account.processed = {tables: {"b": [record, {}]}}, processed
    done = export(account, "room", "q1", tmp_path / "q1.csv")  # type: ignore[arg-type]
    with done.path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert (rows[0], rows[1][:2], done.rows) == (header, ["x", "1"], 2)
    assert rows[1][2:] in ([], ['["ä", null]'])


def test_what_was_sent_to_oneself_is_found_in_the_table(tmp_path: Path) -> None:
    account = Account([], alias="adv")
    account.tables = {ON_ACCOUNTS: {"b": [FIELD]}}
    assert export(account, "room", "q1", tmp_path / "q1.csv").rows == 1  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="no records of segment 'q1'"):
        export(Account([]), "room", "q1", tmp_path / "q2.csv")  # type: ignore[arg-type]


@pytest.mark.attack
@pytest.mark.parametrize(
    "name", ["x'; DROP TABLE y --", "A.B", "A.B.C.D", "", "A.B.C; SELECT 1", "(SELECT 1)", "A..C", "x" * 5000]
)
def test_a_name_that_the_other_side_made_up_is_no_part_of_a_statement(name: str) -> None:
    assert named([{"table_name": name}, {"other": name}]) == ()


def test_only_an_object_below_id_is_a_record_of_its_own() -> None:
    assert flat({"id": {"p1.A": 1}}) == {"p1.A": 1}
    for record in ({"ID": "7"}, {"ID": {"a": 1}, "B": 2}, {}, {"A": {"b": 1}}):
        assert flat(record) == record


def test_who_sent_a_segment_is_told_where_it_is(tmp_path: Path) -> None:
    account: Any = Account([listed("b1")])
    with pytest.raises(UsageError, match="its records are with pub") as caught:
        export(account, "room", "q1", tmp_path / "q1.csv")
    assert caught.value.fix == "pub: cleanroom-ml activation process --segment q1"


def test_a_destination_that_nobody_is_is_told_who_there_are() -> None:
    account: Any = Account([])
    account.run = ServerError("ActivationError: 'adw' is not among the activation_destinations of adv.")
    with pytest.raises(ServerError, match="adw") as caught:
        activation.activate(account, ActivationRequest("room", "act_v1", "adw", "q1"))
    assert caught.value.why == "did you mean 'adv'? there are: adv"
    assert str(caught.value.fix).startswith("correct --to, or activate.to in cleanroom.yaml")
