"""kill -9 between the rows being written and the commit."""

from __future__ import annotations

import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from statements_client import Client

from cleanroom_ml.engine.storage.storage import Storage

pytestmark = pytest.mark.sandbox


def test_a_kill_between_write_and_commit_leaves_nothing(alpha: Client, storage: Storage) -> None:
    alpha.result("CREATE TABLE t (a INT)")
    before = set(storage.objects.stored())
    request, query_id = str(uuid.uuid4()), str(uuid.uuid4())
    storage.queries.start(query_id, alpha.session.id, request, "hash")
    victim = Path(__file__).with_name("statements_victim.py")
    killed = subprocess.run(
        [sys.executable, str(victim), str(storage.home), alpha.session.id, query_id], timeout=120, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert set(storage.objects.stored()) - before, "the rows were written"
    assert alpha.rows("SELECT COUNT(*) FROM t") == [(0,)]
    record = storage.queries.get(query_id)
    assert record is not None
    assert record.state == "RUNNING"
    # What the next engine does at its start; the client's retry is then told, and runs it again under a new request.
    storage.queries.fail_interrupted(code=610, sqlstate="57P01", message="restarted")
    assert alpha.rows("INSERT INTO t VALUES (1), (2)") == [(2,)]
    assert alpha.rows("SELECT COUNT(*) FROM t") == [(2,)]
