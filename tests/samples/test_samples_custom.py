"""custom-workflow: a private wheel and a model trained elsewhere, both approved by their hashes."""

from __future__ import annotations

import subprocess
import sys

import pandas as pd
import pytest
from samples_run import Finished

from cleanroom_ml.services.projects import samples

pytestmark = pytest.mark.sandbox


@pytest.mark.slow
def test_the_private_library_runs_in_the_room_once_its_reviewer_has_the_same_bytes(start_sample):
    run = start_sample("custom-workflow")
    run.meet()
    run.submit()

    wheel = next((run.root / "grocer/reviewed_code/wheels").glob("*.whl"))
    read = wheel.read_bytes()
    wheel.write_bytes(read + b"\n")
    refused = run.parties["grocer"].quickly(
        "approve", "custom_profile", "--yes", "--reviewed", "reviewed_code", code=11
    )
    assert wheel.name in refused.err
    wheel.write_bytes(read)

    for name in run.parties:
        run.approve(name)
    results, logs = run.run_all()
    finished = Finished(results, logs, run.activate())
    run.check(finished)

    assert "dietscore 1.2.0" in finished.logs["profile"]
    members = set(pd.read_parquet(run.root / "wellness/data/members.parquet")["HASHED_EMAIL"])
    assert {row["HASHED_EMAIL_SHA256"] for row in finished.activated} <= members
    assert all(float(row["CHANGE"]) < 0 for row in finished.activated)


def test_the_wheel_is_built_from_the_sources_beside_it(tmp_path):
    """Byte for byte: whoever has the sources can compare what was approved with what they build."""
    package = next(path / "wellness/package" for path in samples().values() if (path / "wellness/package").is_dir())
    done = subprocess.run([sys.executable, "build.py", str(tmp_path)], cwd=package, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (built,) = (tmp_path / "wheels").iterdir()
    assert built.read_bytes() == (package.parent / "code/wheels" / built.name).read_bytes()
    assert (tmp_path / "model.json").is_file()
