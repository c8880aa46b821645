"""Writes locks/*.txt: for each extra, all that it installs, at the versions of constraints.txt, with SHA-256 hashes.

`make lock` runs it, with uv, after constraints.txt has changed; tests/test_packaging.py says when it was forgotten. The
hashes are those of the package index, for every platform and every Python that fits. torch is not in them: machines get
different builds of one version (CPU, CUDA), each with a hash and often an index of its own, so that it is pinned by its
version alone.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
UNLOCKED = "torch"
OF_TORCH = ("filelock", "fsspec", "jinja2", "networkx", "setuptools", "sympy", "typing-extensions")
"""What every build of torch needs; what only its CUDA builds need comes with them."""


def main() -> None:
    """Write all of them anew."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for extra, listed in project["optional-dependencies"].items():
        wanted = [text for text in (*project["dependencies"], *listed) if not text.startswith(UNLOCKED)]
        if len(wanted) < len(project["dependencies"]) + len(listed):
            wanted += OF_TORCH
        locked = resolve(wanted)
        head = (
            f"# base and {extra}, by locks/lock.py from constraints.txt; the index's hashes for Python 3.11 to 3.14.\n"
        )
        (ROOT / "locks" / f"{extra}.txt").write_text(head + locked, encoding="utf-8")


def resolve(wanted: list[str]) -> str:
    """The closure of some requirements, pinned and hashed."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "wanted.in")
        file.write_text("".join(f"{text}\n" for text in wanted), encoding="utf-8")
        options = (
            "--quiet",
            "--universal",
            "--python-version",
            "3.11",
            "--generate-hashes",
            "--no-header",
            "--no-annotate",
        )
        only = ("--only-binary", ":all:", "--constraints", str(ROOT / "constraints.txt"))
        command = [sys.executable, "-m", "uv", "pip", "compile", *options, *only, str(file)]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    main()
