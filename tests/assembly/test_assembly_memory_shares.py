"""What everything that may run at once is limited to adds up to no more than the machine has."""

from __future__ import annotations

from pathlib import Path

import pytest

from cleanroom_ml.engine.assembly import engine as app
from cleanroom_ml.engine.assembly.memory_shares import GIB, memory_shares, statements_at_once
from cleanroom_ml.engine.home.paths import open_home
from cleanroom_ml.engine.jobs import families
from cleanroom_ml.engine.rooms import render


@pytest.mark.parametrize("gib", [1, 2, 4, 8, 24, 64, 512])
@pytest.mark.parametrize("statements", [1, 2, 8])
def test_the_engines_own_share_and_the_jobs_fit_together(
    gib: int, statements: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    total = gib * GIB
    shares = memory_shares(total, statements=statements, rendering_bytes=render.MEMORY_BYTES)
    monkeypatch.setattr(families, "total_memory", lambda: total)
    jobs = families.this_machine(reserve_bytes=shares.engine_bytes).memory_bytes
    assert jobs > 0
    assert statements * shares.statement_bytes <= total // 4
    assert shares.spare_statements >= 1
    assert shares.spare_renderers >= 1
    if gib > 2:  # below that a quarter is for jobs, whatever the engine is limited to
        assert jobs + shares.engine_bytes <= total
    if gib >= 32 and statements == 2:
        assert shares.statement_bytes == 3 * GIB


@pytest.mark.parametrize(
    ("gib", "processors", "statements"), [(1, 64, 2), (16, 2, 2), (64, 16, 10), (128, 16, 16), (512, 4, 4), (8, 1, 2)]
)
def test_as_many_statements_run_at_once_as_there_are_processors_with_memory_for_each(
    gib: int, processors: int, statements: int
) -> None:
    found = statements_at_once(gib * GIB, processors)
    assert found == statements
    each = memory_shares(gib * GIB, statements=found, rendering_bytes=render.MEMORY_BYTES).statement_bytes
    assert each >= 3 * GIB // 2 or found == 2


@pytest.mark.sandbox
def test_the_engine_limits_its_statements_and_its_jobs_by_these_shares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wiring: what the warehouse is limited to is what is taken off before jobs are admitted."""
    for module in (families, app):
        monkeypatch.setattr(module, "total_memory", lambda: 8 * GIB)
    engine = app.Engine(open_home(tmp_path / "home"))
    try:
        workers = engine.warehouse._workers
        statements = workers._shares.size * workers._config.limits.memory_bytes
        most = workers._shares.most - workers._shares.size
        spares = most * workers._spare_config.limits.memory_bytes
        renderers = engine._render_workers._shares.most * render.MEMORY_BYTES
        functions = engine.warehouse._functions
        of_functions = (functions._size + functions._spare) * functions._limits.memory_bytes
        of_functions += engine._procedures._size * engine._procedures._limits.memory_bytes
        jobs = engine.jobs._machine().memory_bytes
    finally:
        engine.close()
    assert statements == 2 * GIB
    assert spares == GIB
    assert 5 * GIB // 2 < jobs <= 8 * GIB - statements - spares - renderers - of_functions
