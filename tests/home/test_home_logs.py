from __future__ import annotations

import logging
import stat
from pathlib import Path

import pytest

from cleanroom_ml.engine.home.logs import BURST, OTHER_SECONDS, REFUSALS, REFUSALS_NAME, Seldom, log_to


@pytest.fixture
def log(tmp_path: Path):
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    path = tmp_path / "engine.log"
    log_to(path)
    yield path
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = before
    root.setLevel(level)


@pytest.mark.attack
def test_the_text_of_an_exception_is_not_logged(log: Path) -> None:
    """It may quote a row."""
    try:
        try:
            raise ValueError("Could not convert string 'patient 4711' to INT32")
        except ValueError as error:
            raise RuntimeError("while handling patient 4711") from error
    except RuntimeError:
        logging.getLogger("x").exception("query 1 failed")
    written = log.read_text()
    assert "4711" not in written
    assert "RuntimeError <- ValueError" in written


@pytest.mark.attack
def test_a_name_cannot_forge_lines_or_colours(log: Path) -> None:
    logging.getLogger("x").warning("login refused: %s", "EVIL\n2026-01-01 INFO login: ROOT \x1b[31m")
    lines = log.read_text().splitlines()
    assert len(lines) == 1
    assert "\x1b" not in lines[0]


def test_the_log_is_private(log: Path) -> None:
    logging.getLogger("x").warning("a")
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


@pytest.mark.attack
def test_what_strangers_cause_pushes_out_nothing_else(log: Path) -> None:
    logging.getLogger("x").error("what matters")
    for number in range(3000):
        logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
        logging.getLogger(REFUSALS).warning("login refused: account %s", number)
    assert log.read_text().splitlines() == [line for line in log.read_text().splitlines() if "what matters" in line]
    refused = log.with_name(REFUSALS_NAME)
    assert len(refused.read_text().splitlines()) == 2 * BURST
    assert stat.S_IMODE(refused.stat().st_mode) == 0o600


@pytest.mark.attack
def test_an_error_that_somebody_can_repeat_is_logged_a_hundred_times_and_then_seldom(log: Path) -> None:
    for number in range(3000):
        try:
            raise ValueError
        except ValueError:
            logging.getLogger("uvicorn.error").exception("request %s failed", number)
    assert log.read_text().count("request ") == BURST


def test_how_many_were_left_out_is_said() -> None:
    now = [0.0]
    seldom = Seldom(clock=lambda: now[0])
    passed = [seldom.filter(record(number)) for number in range(BURST + 50)]
    assert sum(passed) == BURST
    now[0] += OTHER_SECONDS
    last = record(1)
    assert seldom.filter(last)
    assert last.getMessage() == "refused 1 (50 like this were left out)"
    other = logging.LogRecord("x", logging.WARNING, "elsewhere.py", 7, "another", (), None)
    assert seldom.filter(other)


def record(number: int) -> logging.LogRecord:
    return logging.LogRecord("x", logging.WARNING, "place.py", 1, "refused %s", (number,), None)
