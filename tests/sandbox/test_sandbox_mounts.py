"""Mounts are readable inside wherever they lie, also below the directories that the sandbox makes its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from cleanroom_ml.engine.sandbox.policy import Mount
from cleanroom_ml.engine.sandbox.python_runtime import python_runtime

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


def test_the_machines_certificates_can_be_read(inside) -> None:
    """A distribution's own pip looks for them there, and fails at once where it may not look."""
    if not Path("/etc/ssl/certs").is_dir():
        return
    done = inside("import os; print(len(os.listdir('/etc/ssl/certs')))")
    assert done.outcome.exit_code == 0, done
    assert int(done.output) == len(list(Path("/etc/ssl/certs").iterdir()))


@pytest.mark.attack
@pytest.mark.parametrize("target", ["/usr/local/nvidia/lib64/libcuda.so.1", "/usr/local/share", "/usr/src/a/b"])
def test_a_mount_below_a_hidden_directory_shows_nothing_else_of_it(inside, tmp_path: Path, target: str) -> None:
    """A GPU's driver lies in /usr/local, where operators keep programs of their own."""
    (tmp_path / "file").write_text("the driver")
    tmp_path.chmod(0o755)
    source = tmp_path / "file" if target.endswith(".1") else tmp_path
    top = "/".join(target.split("/")[:3])
    known = [mount.target for mount in python_runtime().mounts]  # the interpreter's own packages may lie there too
    look = f"""
import os
found = [os.path.join(place, name) for place, _, names in os.walk({top!r}) for name in names]
found = [path for path in found if not path.startswith(tuple({known!r}))]
print(found, open(found[0]).read())
for name in ("{top}/x", "{target}x", "{Path(target).parent}/x"):
    try: os.mkdir(name)
    except OSError: continue
    print("written", name)
"""
    done = inside(look, mounts=(Mount(source, target),))
    shown = target if target.endswith(".1") else f"{target}/file"
    assert done.output.decode() == f"['{shown}'] the driver\n"


@pytest.mark.attack
def test_without_that_control_all_of_it_is_seen(inside, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    look = "import os; print(sorted(os.listdir('/usr/local')))"
    mounts = (Mount(tmp_path, "/usr/local/share"),)
    assert b"'bin'" not in inside(look, mounts=mounts).output
    assert b"'bin'" in inside(look, mounts=mounts, without=("host_files",)).output
