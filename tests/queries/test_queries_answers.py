"""How long a result's chunks can be fetched: a person's for six hours, a job's for as long as it may run."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cleanroom_ml.engine.protocol.capabilities import Capabilities, CapabilityRefusedError
from cleanroom_ml.engine.protocol.results import CHUNK_HEADER
from cleanroom_ml.engine.queries.answers import Answers, outcome_of
from cleanroom_ml.engine.sql.types.sql_type import SqlType
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
