"""Who may start what without a sandbox is decided in one place; nothing else names a driver."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cleanroom_ml.engine.sandbox.bubblewrap import Bubblewrap
from cleanroom_ml.engine.sandbox.choosing import driver_for
from cleanroom_ml.engine.sandbox.no_isolation import NoIsolation

ROOT = Path(__file__).parents[2] / "cleanroom_ml"


def drivers() -> set[str]:
    """The classes that keep the protocol, wherever they stand."""
    defined = re.compile(r"^class (\w+)\b.*?(?=^\S|\Z)", re.M | re.S)
    found = {
        match[1]
        for path in ROOT.rglob("*.py")
        for match in defined.finditer(path.read_text(encoding="utf-8"))
        if "def prepare(self, spec: SandboxSpec" in match[0]
    }
    return found - {"Driver"}


def test_no_isolation_is_had_with_a_reason_alone() -> None:
    assert type(driver_for()) is Bubblewrap
    assert driver_for("told so") == NoIsolation("told so")
    with pytest.raises(ValueError, match="needs a reason"):
        driver_for("  ")


def test_nobody_else_makes_a_driver() -> None:
    """So a driver more is its file and the one that chooses."""
    assert drivers() >= {"Bubblewrap", "NoIsolation"}
    made = re.compile(rf"(?<!class )\b({'|'.join(drivers())})\(")
    found = {path.name for path in ROOT.rglob("*.py") if made.search(path.read_text(encoding="utf-8"))}
    assert found == {"choosing.py"}
