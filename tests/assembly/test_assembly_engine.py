"""The parts of one engine, put together: its memory adds up, its upkeep goes on, a job's session is its job's."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading

import pytest

from cleanroom_ml.engine.assembly import engine as app
from cleanroom_ml.engine.assembly.memory_shares import GIB
from cleanroom_ml.engine.load.owners import Owner, owner
from cleanroom_ml.engine.rooms import render
from cleanroom_ml.engine.storage.errors import SessionGone
from cleanroom_ml.engine.storage.sessions import Session, Tokens

pytestmark = pytest.mark.sandbox

TOKEN = "a job's token"


class Sockets:
    """The front's side: which jobs it listens for."""

    def __init__(self) -> None:
        self.open_for: list[str] = []

    def open(self, job_id: str) -> None:
        self.open_for.append(job_id)

    def close(self, job_id: str) -> None:
        self.open_for.remove(job_id)


def of_job(engine: app.Engine, job_id: str | None) -> tuple[Session, Tokens]:
    kind = "client" if job_id is None else "job"
    return engine.storage.sessions.create("ACME", "ANA", kind=kind, job_id=job_id)  # type: ignore[arg-type]


def test_the_engine_limits_its_statements_and_its_jobs_by_these_shares(engine: app.Engine) -> None:
    """The wiring: what the warehouse is limited to is what is taken off before jobs are admitted."""
    workers = engine.warehouse._workers
    statements = workers._shares.size * workers._config.limits.memory_bytes
    most = workers._shares.most - workers._shares.size
    spares = most * workers._spare_config.limits.memory_bytes
    renderers = engine._render_workers._shares.most * render.MEMORY_BYTES
    functions = engine.warehouse._functions
    of_functions = (functions._size + functions._spare) * functions._limits.memory_bytes
    of_functions += engine._procedures._size * engine._procedures._limits.memory_bytes
    jobs = engine.jobs._machine().memory_bytes
    assert statements == 2 * GIB
    assert spares == GIB
    assert 5 * GIB // 2 < jobs <= 8 * GIB - statements - spares - renderers - of_functions


@pytest.mark.attack
@pytest.mark.parametrize(("whose", "at"), [("job-1", None), ("job-1", "job-2"), (None, "job-1")])
def test_a_token_that_comes_by_another_socket_renews_nothing_and_ends_its_session(
    engine: app.Engine, whose: str | None, at: str | None
) -> None:
    """Whoever has it there has stolen it."""
    session, tokens = of_job(engine, whose)
    renewed, new = engine.renew(tokens.master_token, whose)
    assert renewed.id == session.id
    with pytest.raises(SessionGone):
        engine.renew(new.master_token, at)
    assert engine.storage.sessions.get(session.id) is None
    with pytest.raises(SessionGone):
        engine.renew(new.master_token, whose)


def test_a_jobs_socket_its_token_and_its_sessions_live_and_die_together(engine: app.Engine) -> None:
    sockets, ended = Sockets(), []
    keeper = app.JobSocketKeeper(engine.storage, engine._tokens)
    with pytest.raises(RuntimeError, match="does not listen yet"):
        keeper.open_job_socket("job-3", "0" * 64)
    assert not engine._tokens.matches("job-3", TOKEN)
    keeper.close_job_socket("job-3")
    keeper.connect(sockets, ended.append)
    keeper.open_job_socket("job-3", hashlib.sha256(TOKEN.encode()).hexdigest())
    assert engine._tokens.matches("job-3", TOKEN)
    assert sockets.open_for == ["job-3"]
    (mine, _), (other, _) = of_job(engine, "job-3"), of_job(engine, "job-4")
    keeper.close_job_socket("job-3")
    assert not engine._tokens.matches("job-3", TOKEN)
    assert (sockets.open_for, ended) == ([], [mine.id])
    assert [engine.storage.sessions.get(each.id) for each in (mine, other)] == [None, other]


def test_who_logs_out_has_no_session_and_nothing_under_way(engine: app.Engine) -> None:
    session, tokens = of_job(engine, None)
    engine.close_session(session)
    with pytest.raises(SessionGone):
        engine.renew(tokens.master_token, None)


def test_blocking_work_is_done_elsewhere_and_for_its_owner(engine: app.Engine) -> None:
    async def both() -> list[object]:
        whose = owner.set(Owner("ACME"))
        try:
            return [await engine.in_thread(owner.get), await engine.in_login_thread(threading.current_thread)]
        finally:
            owner.reset(whose)

    whose, thread = asyncio.run(both())
    assert whose == Owner("ACME")
    assert thread is not threading.current_thread()


def test_upkeep_outlives_what_fails_in_it(
    engine: app.Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A disk that is full today is not tomorrow: what could not be deleted then is deleted later."""
    rounds, collected = [], threading.Event()
    trim, sweep = engine.warehouse.trim, engine.jobs.environments.sweep

    def full_at_first() -> None:
        rounds.append(1)
        if len(rounds) == 1:
            raise OSError(28, "No space left on device")
        trim()

    def last(used: frozenset[str]) -> None:
        sweep(used)
        collected.set()

    monkeypatch.setattr(app, "UPKEEP_SECONDS", 0.01)
    monkeypatch.setattr(engine.warehouse, "trim", full_at_first)
    monkeypatch.setattr(engine.jobs.environments, "sweep", last)
    forgotten = engine.storage.objects.put_bytes(b"nothing points at it")
    with caplog.at_level(logging.ERROR, app.__name__):
        engine.start(Sockets())
        assert collected.wait(20)
    assert "upkeep failed" in caplog.text
    assert engine.storage.objects.exists(forgotten), "not before its time"
