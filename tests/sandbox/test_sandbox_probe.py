from __future__ import annotations

import pytest
from weakened_sandbox import Weakened

from cleanroom_ml.engine.sandbox import bubblewrap
from cleanroom_ml.engine.sandbox.errors import IsolationUnavailable
from cleanroom_ml.engine.sandbox.probe import probe, require_isolation

pytestmark = pytest.mark.sandbox


def test_this_machine_isolates() -> None:
    report = require_isolation()
    assert report.ok
    assert report.how_to_fix is None
    assert report.memory_enforced_by != "none"
    assert len(report.checks) >= 12


@pytest.mark.attack
@pytest.mark.parametrize(
    ("control", "check"),
    [
        ("network", "no network"),
        ("seccomp", "system calls filtered"),
        ("seccomp", "ptrace denied"),
        ("processes", "other processes invisible"),
        ("host_files", "host files invisible"),
    ],
)
def test_the_probe_notices_a_missing_control(control: str, check: str) -> None:
    report = probe(Weakened(control))
    assert not report.ok
    assert check in [found.name for found in report.checks if not found.ok]


def test_without_bubblewrap_nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap.shutil, "which", lambda *_, **__: None)
    with pytest.raises(IsolationUnavailable) as caught:
        require_isolation()
    assert str(caught.value.fix).startswith("apt-get install -y bubblewrap")
