"""Who may start what without a sandbox is decided in one place; nothing else names a driver."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cleanroom_ml.engine.sandbox.bubblewrap import Bubblewrap
from cleanroom_ml.engine.sandbox.choosing import driver_for
from cleanroom_ml.engine.sandbox.no_isolation import NoIsolation

ROOT = Path(__file__).parents[2] / "cleanroom_ml"
OWN = {"choosing.py", "bubblewrap.py", "no_isolation.py"}


def test_no_isolation_is_had_with_a_reason_alone() -> None:
    assert type(driver_for()) is Bubblewrap
    assert driver_for("told so") == NoIsolation("told so")
    with pytest.raises(ValueError, match="needs a reason"):
        driver_for("  ")


def test_nobody_else_makes_a_driver() -> None:
    """So a driver more is its file and the one that chooses."""
    made = re.compile(r"\b(Bubblewrap|NoIsolation)\(")
    found = [
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*.py")
        if made.search(path.read_text(encoding="utf-8")) and path.name not in OWN
    ]
    assert found == []
