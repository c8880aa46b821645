"""How long a result's chunks can be fetched: a person's for six hours, a job's for as long as it may run; and in which
form rows are sent."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cleanroom_ml.engine.contracts.result_format import PARAMETERS, asked_format
from cleanroom_ml.engine.protocol.capabilities import Capabilities, CapabilityRefusedError
from cleanroom_ml.engine.protocol.results import CHUNK_HEADER
from cleanroom_ml.engine.queries.answers import Answers, outcome_of, text_rows
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.engine.statements import session_parameters
from cleanroom_ml.engine.storage.queries import QueryRecord
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.engine.warehouse.outcomes import Batch, ResultColumn, Spooled

HOUR = 3600
CAPABILITIES = Capabilities(bytes(32))


@pytest.mark.parametrize(("job_id", "good_hours"), [(None, 6), ("job-1", 7 * 24)])
def test_a_training_of_days_still_reads_its_table(tmp_path: Path, job_id: str | None, good_hours: int) -> None:
    (tmp_path / "q.arrows").write_bytes(b"first" + b"second")
    columns = (ResultColumn("A", SqlType("FLOAT")),)
    spooled = Spooled(tmp_path / "q.arrows", columns, (Batch(0, 5, 1), Batch(5, 6, 1)), 2)
    session = Session("1", "ACME", "ALICE", "R", job_id=job_id)
    storage = Storage.open(tmp_path / "home")
    kept = outcome_of(spooled, session, storage)
    storage.close()
    now = datetime.now(UTC)
    texts = ("q", "ACME", "ALICE", "1", None, "hash", "SUCCESS", now, now, kept.response, "q.arrows", None, None, None)
    answer = Answers(tmp_path, CAPABILITIES).data(QueryRecord(*texts), session, "http://front")  # type: ignore[arg-type]
    capability = answer["chunkHeaders"][CHUNK_HEADER]
    claims = CAPABILITIES.check("chunk", capability, now=time.time() + (good_hours - 0.1) * HOUR)
    assert claims["owner"] == "ACME", "whose load the fetching is"
    assert claims["audience"] == (job_id or "")  # the gate lets it in on that job's own socket only
    with pytest.raises(CapabilityRefusedError):
        CAPABILITIES.check("chunk", capability, now=time.time() + (good_hours + 0.1) * HOUR)


@pytest.mark.attack
@pytest.mark.parametrize(
    "text",
    [
        b'["1"],["2"]',
        b'["1","2"]',
        b"[1]",
        b'[["1"]]',
        b'[{"a":"1"}]',
        b'["1"]],"queryResultFormat":["arrow"',
        b'["\\ud800"]',
        b"[" * 100_000,
        b'["\xff"]',
        b"",
    ],
)
def test_rows_that_a_worker_wrote_are_nothing_but_so_many_rows_of_texts(text: bytes) -> None:
    """They go into the answer itself: other keys of it, other values or another number of rows do not."""
    assert text_rows(b'["1"]', 1, 1) == [["1"]]
    assert text_rows(b'[null,"a"],["b",null]', 2, 2) == [[None, "a"], ["b", None]]
    with pytest.raises(FileNotFoundError):
        text_rows(text, 1, 1)


@pytest.mark.parametrize(
    ("request_asks", "session_asks", "sent"),
    [
        ({}, {}, "ARROW"),
        ({}, {"PYTHON_CONNECTOR_QUERY_RESULT_FORMAT": "json"}, "JSON"),
        ({}, {"QUERY_RESULT_FORMAT": "JSON"}, "JSON"),
        ({}, {"QUERY_RESULT_FORMAT": "JSON", "PYTHON_CONNECTOR_QUERY_RESULT_FORMAT": "ARROW_FORCE"}, "ARROW"),
        ({"PYTHON_CONNECTOR_QUERY_RESULT_FORMAT": "JSON"}, {"QUERY_RESULT_FORMAT": "ARROW"}, "JSON"),
        ({"PYTHON_CONNECTOR_QUERY_RESULT_FORMAT": "CSV"}, {"JDBC_QUERY_RESULT_FORMAT": "JSON"}, "JSON"),
    ],
)
def test_the_request_asks_for_a_form_before_its_session_does(
    request_asks: dict[str, str], session_asks: dict[str, str], sent: str
) -> None:
    """connector: `cursor._execute_helper` puts its own parameter into the request."""
    assert asked_format(request_asks, session_asks) == sent


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_form_of_results_that_is_none_is_refused(name: str) -> None:
    for value in ("JSON", "arrow", "ARROW_FORCE"):
        session_parameters.check(name, value)
    with pytest.raises(SqlError, match="XML"):
        session_parameters.check(name, "XML")
    with pytest.raises(SqlError, match="invalid parameter"):
        session_parameters.check("JS_QUERY_RESULT_FORMAT", "JSON")  # nothing here acts on it
