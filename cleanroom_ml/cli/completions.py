"""The shells' completion scripts; the ones in `completions/` are made by `python -m cleanroom_ml.cli.completions`."""

from __future__ import annotations

import sys
from pathlib import Path

from typer._completion_shared import get_completion_script

from cleanroom_ml.cli.root import COMPLETE_VARIABLE

PROGRAM = "cleanroom-ml"
FILES = {"bash": "cleanroom-ml.bash", "zsh": "_cleanroom-ml", "fish": "cleanroom-ml.fish"}


def script(shell: str) -> str:
    """The completion script of a shell: it asks the program itself, which imports nothing heavy for it."""
    return get_completion_script(prog_name=PROGRAM, complete_var=COMPLETE_VARIABLE, shell=shell).rstrip() + "\n"


def write(directory: Path) -> None:
    """Write every shell's script."""
    directory.mkdir(parents=True, exist_ok=True)
    for shell, name in FILES.items():
        (directory / name).write_text(script(shell), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
