"""The same tests once more as an ordinary user, when the tests run as root."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.sandbox

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534
PYTHON = Path("/usr/bin/python3")


@pytest.mark.slow
@pytest.mark.root_only
def test_as_an_ordinary_user(tmp_path_factory: pytest.TempPathFactory) -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if not PYTHON.exists() or version not in subprocess.run([PYTHON, "-V"], capture_output=True, text=True).stdout:
        pytest.skip(f"no Python {version} of the system that another user could run")
    home = Path("/tmp") / f"sandbox-as-user-{os.getpid()}"
    home.mkdir(mode=0o700)
    os.chown(home, NOBODY, NOBODY)
    packages = [entry for entry in sys.path if entry.endswith("site-packages")]
    try:
        done = subprocess.run(
            [
                *("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"),
                *(str(PYTHON), "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--basetemp={home}/t"),
                str(Path(__file__).parent),
            ],
            env={"PATH": "/usr/bin:/bin", "HOME": str(home), "PYTHONPATH": os.pathsep.join([str(ROOT), *packages])},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
        )
    finally:
        subprocess.run(["rm", "-rf", str(home)], check=True)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
