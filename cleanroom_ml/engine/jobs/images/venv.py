"""An empty virtual environment, to be filled and mounted at `INSIDE`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

from cleanroom_ml.engine.jobs.images.image import INSIDE
from cleanroom_ml.errors import CleanroomError

_SHEBANG_BYTES: Final = 4096
_SCRIPT: Final = """#!{python}
import sys

from {module} import {first}

if __name__ == "__main__":
    sys.exit({attribute}())
"""


def make_environment(python: Path, target: Path) -> None:
    """An environment of this interpreter, with nothing installed, not even pip.

    Raises:
        CleanroomError: the interpreter does not make one.
    """
    # -I: nothing of our own environment decides what is made.
    argv = [str(python), "-I", "-m", "venv", "--without-pip", str(target)]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = (done.stdout + done.stderr).strip().splitlines()
        raise CleanroomError(f"{python} makes no virtual environment", why=lines[-1] if lines else None)


def name_interpreter_inside(script: Path, venv: Path) -> None:
    """A script names its interpreter by where it was installed; a job finds it where the image is mounted."""
    if script.is_symlink() or not script.is_file():
        return
    content = script.read_bytes()
    before, after = os.fsencode(venv), os.fsencode(INSIDE)
    if content.startswith(b"#!") and before in content[:_SHEBANG_BYTES]:
        script.write_bytes(content.replace(before, after))


def write_script(path: Path, value: str) -> None:
    """The script of an entry point, such as `ray.scripts.scripts:main`."""
    module, _, attribute = value.partition("[")[0].strip().partition(":")
    first = attribute.strip().partition(".")[0]
    text = _SCRIPT.format(
        python=f"{INSIDE}/bin/python", module=module.strip(), first=first, attribute=attribute.strip()
    )
    path.write_text(text, encoding="utf-8")
    path.chmod(0o555)
