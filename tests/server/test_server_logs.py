from __future__ import annotations

import logging
import stat
from pathlib import Path

import pytest

from cleanroom_ml.engine.logs import log_to


@pytest.fixture
def log(tmp_path: Path):
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    path = tmp_path / "engine.log"
    handler = log_to(path)
    yield path
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
