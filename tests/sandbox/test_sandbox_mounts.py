"""Mounts are readable inside wherever they lie, also below the directories that the sandbox makes its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from cleanroom_ml.engine.sandbox import Mount

pytestmark = pytest.mark.sandbox


@pytest.mark.parametrize(
    "target", ["/tmp/a/b/packages", "/scratch/x/packages", "/opt/a/b/packages", "/home/u/packages"]
)
def test_a_mount_below_any_directory_can_be_read(inside, tmp_path: Path, target: str) -> None:
    """A checkout in /tmp is a usual place: bubblewrap would make the directories on the way unreadable."""
    (tmp_path / "module.py").write_text("found")
    tmp_path.chmod(0o755)
    done = inside(f"print(open('{target}/module.py').read())", mounts=(Mount(tmp_path, target),))
    assert (done.outcome.exit_code, done.output.strip()) == (0, b"found"), done
