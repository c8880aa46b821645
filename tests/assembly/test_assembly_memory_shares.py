"""What everything that may run at once is limited to adds up to no more than the machine has."""

from __future__ import annotations

import pytest

from cleanroom_ml.engine.assembly.memory_shares import GIB, memory_shares, statements_at_once
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
