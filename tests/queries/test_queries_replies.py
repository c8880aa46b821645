"""What a client that waits is sent: its result, its error, or that the result is gone."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cleanroom_ml.engine.contracts.table import SELECT, Rows
from cleanroom_ml.engine.protocol.capabilities import Capabilities
from cleanroom_ml.engine.queries import replies
from cleanroom_ml.engine.queries.answers import Answers, outcome_of
from cleanroom_ml.engine.queries.replies import answer_of, small_reply
from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.engine.statements.results import VARCHAR, StatementResult
from cleanroom_ml.engine.storage.queries import QueryRecord
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.engine.warehouse.outcomes import Batch, ResultColumn, Spooled

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SESSION = Session("1", "ACME", "ANA", "R")
BASE = "http://front"


@pytest.fixture
def answers(tmp_path: Path) -> Answers:
    return Answers(tmp_path, Capabilities(bytes(32)))


def record(state: str, response: str | None = None, spool: str | None = None, *error: object) -> QueryRecord:
    code, sqlstate, message = error or (None, None, None)
    return QueryRecord("q", "ACME", "ANA", "1", None, "h", state, NOW, NOW, response, spool, code, sqlstate, message)  # type: ignore[arg-type]


def kept(result: StatementResult, tmp_path: Path) -> str:
    storage = Storage.open(tmp_path / "home")
    try:
        return outcome_of(result, SESSION, storage).response
    finally:
        storage.close()


def test_what_failed_says_how(answers: Answers) -> None:
    told = answer_of(answers, record("FAILED", None, None, 2003, "42S02", "Object 'X' does not exist"), SESSION, BASE)
    assert (told["success"], told["code"], told["message"]) == (False, "002003", "Object 'X' does not exist")
    told = answer_of(answers, record("ABORTED"), SESSION, BASE)
    assert (told["success"], told["code"]) == (False, "000603"), "it has ended, whatever was kept of it"


def test_a_result_whose_rows_are_gone_is_said_and_not_empty(answers: Answers, tmp_path: Path) -> None:
    (tmp_path / "q.arrows").write_bytes(b"first")
    columns = (ResultColumn("A", SqlType("FLOAT")),)
    response = kept(Spooled(tmp_path / "q.arrows", columns, (Batch(0, 5, 1),), 1), tmp_path)
    there = record("SUCCESS", response, "q.arrows")
    assert answer_of(answers, there, SESSION, BASE)["success"]
    (tmp_path / "q.arrows").unlink()
    told = answer_of(answers, there, SESSION, BASE)
    assert (told["success"], told["code"]) == (False, "000612")
    assert "Run the statement again" in str(told["message"])


def test_only_what_is_small_is_made_on_the_statements_own_thread(
    answers: Answers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = Rows((("A", VARCHAR),), (("x" * 1000,),), SELECT)
    small = record("SUCCESS", kept(rows, tmp_path))
    reply = small_reply(answers, small, SESSION, BASE)
    assert reply is not None
    assert json.loads(reply.content)["data"]["rowset"] == [["x" * 1000]]
    monkeypatch.setattr(replies, "MOST_BYTES", 1000)
    assert small_reply(answers, small, SESSION, BASE) is None
    (tmp_path / "q.arrows").write_bytes(bytes(5000))
    columns = (ResultColumn("A", SqlType("FLOAT")),)
    spooled = kept(Spooled(tmp_path / "q.arrows", columns, (Batch(0, 5000, 1),), 1), tmp_path)
    monkeypatch.setattr(replies, "MOST_BYTES", 3000)
    assert len(spooled) < 3000, "what is kept is short, and what would be sent is not"
    assert small_reply(answers, record("SUCCESS", spooled, "q.arrows"), SESSION, BASE) is None
