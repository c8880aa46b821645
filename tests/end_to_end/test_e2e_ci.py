"""`ci.sh`: both parties' steps without a terminal, as two CI jobs would run them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from e2e_parties import SAMPLE, Party, Person, copy_project

pytestmark = pytest.mark.sandbox


@pytest.fixture
def somebody():
    root = Path(tempfile.mkdtemp(prefix="cr-ci-"))
    try:
        yield Person(root)
    finally:
        Party(root, Person(root)).types("engine", "stop")
        shutil.rmtree(root)


def test_the_pinned_digest_is_the_one_of_the_samples_activation_template(submitted):
    pinned = next(line for line in (SAMPLE / "ci.sh").read_text().splitlines() if line.startswith("ACTIVATE_DIGEST="))
    assert pinned == f"ACTIVATE_DIGEST={submitted.digest('activate')}"


@pytest.mark.slow
def test_ci_runs_both_parties_steps_twice(somebody):
    pair = copy_project(somebody, somebody.root / "lookalike", quick_code=False)
    for _ in range(2):
        done = subprocess.run(
            ["./ci.sh", "60000"],
            cwd=pair.root,
            env={"HOME": os.environ["HOME"], "LANG": "C.UTF-8", **somebody.variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "audience.csv: 400 rows" in done.stdout
