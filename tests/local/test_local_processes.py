"""Which process is the engine of a home, by its command line."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from cleanroom_ml.local.processes import engine_process, terminate


@pytest.mark.parametrize(
    ("module", "found"),
    [("http.server", True), ("server", True), ("home.paths", False)],
    ids=["now", "before", "other"],
)
def test_an_engine_of_this_version_and_of_the_one_before_is_found_and_ended(
    tmp_path: Path, module: str, found: bool
) -> None:
    home = tmp_path / "home"
    sleeping = "import sys, time; print(flush=True); time.sleep(300)"
    words = [sys.executable, "-c", sleeping, "-m", f"cleanroom_ml.engine.{module}", "--home", str(home)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            assert (engine_process(home) == process.pid) is found
            assert engine_process(tmp_path / "another") is None
            if found:
                began = time.monotonic()
                ended = terminate(process.pid, home, timeout=30)
                assert ended, f"after {time.monotonic() - began:.1f} s"
        finally:
            process.kill()
