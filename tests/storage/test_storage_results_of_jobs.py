"""A job reads its tables as long as it runs, and be it for days."""

from __future__ import annotations

from storage_clock import MovingClock

from cleanroom_ml.engine.storage.storage import Storage


def test_results_of_a_job_are_kept_as_long_as_its_session(storage: Storage, clock: MovingClock) -> None:
    job = storage.sessions.create("ACME", "ALICE", kind="job", job_id="job-1")[0]
    person = storage.sessions.create("ACME", "ALICE")[0]
    for query, session in (("q1", job), ("q2", person)):
        (storage.queries.spool / f"{query}.arrows").write_bytes(b"rows")
        storage.queries.start(query, session.id, None, "h")
        storage.queries.finish(query, "{}", storage.queries.spool / f"{query}.arrows")
    clock.advance(hours=48)
    assert storage.queries.delete_expired() == 1
    assert [path.name for path in storage.queries.spool.iterdir()] == ["q1.arrows"]
    storage.sessions.close_job("job-1")
    assert storage.queries.delete_expired() == 1
    assert list(storage.queries.spool.iterdir()) == []
