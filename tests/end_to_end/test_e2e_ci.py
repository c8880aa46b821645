"""`ci.sh`: both parties' steps without a terminal, as two CI jobs would run them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from e2e_parties import SAMPLE, Pair, Party, Person, copy_project

pytestmark = pytest.mark.sandbox


@pytest.fixture
def somebody():
    root = Path(tempfile.mkdtemp(prefix="cr-ci-"))
    try:
        yield Person(root)
    finally:
        Party(root, Person(root)).types("engine", "stop")
        shutil.rmtree(root)


@pytest.mark.parametrize("read", [True, False])
def test_the_digest_is_taken_of_the_template_that_was_read_and_of_no_other(submitted, read):
    text = (SAMPLE / "ci.sh").read_text(encoding="utf-8")
    functions = text[text.index("in_party()") : text.index("for party in")]
    prepared = "" if read else "cp publisher/score.yaml publisher/activate.yaml && "
    place = submitted.root.with_name(f"ci_{read}".lower())
    shutil.copytree(submitted.root, place)
    Pair(place, submitted.person).bind()
    done = subprocess.run(
        ["bash", "-c", f"set -euo pipefail\n{functions}\n{prepared}activate_digest"],
        cwd=place,
        env={"HOME": os.environ["HOME"], "LANG": "C.UTF-8", **submitted.person.variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) is read, done.stderr
    assert done.stdout.strip() == (submitted.digest("activate") if read else "")


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
