"""A statement's time: what sets it, and what holds where nothing does."""

from __future__ import annotations

import pytest

from cleanroom_ml.engine.contracts.statement_time import (
    DEFAULT_SECONDS,
    MOST_SECONDS,
    PARAMETER,
    allowed_seconds,
    set_seconds,
)


@pytest.mark.parametrize("value", ["", "0", "-1", "nan", "soon", "1 or 2"])
def test_what_sets_no_limit(value: str) -> None:
    assert set_seconds({PARAMETER: value}) is None
    assert allowed_seconds({PARAMETER: value}, {}) == DEFAULT_SECONDS


def test_the_request_comes_before_the_session() -> None:
    assert allowed_seconds({PARAMETER: "5"}, {PARAMETER: "7"}) == 5
    assert allowed_seconds({}, {PARAMETER: "7"}) == 7


@pytest.mark.parametrize("value", ["inf", "1e30", "604801"])
def test_no_statement_runs_longer_than_a_week(value: str) -> None:
    assert allowed_seconds({PARAMETER: value}) == MOST_SECONDS
