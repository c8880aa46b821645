"""`cleanroom-ml completion`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from cleanroom_ml.cli.command import command, single
from cleanroom_ml.cli.output import Output

app = single()


class Shell(StrEnum):
    bash = "bash"
    zsh = "zsh"
    fish = "fish"


@command(app, example='eval "$(cleanroom-ml completion bash)"')
def completion(shell: Annotated[Shell, typer.Argument(metavar="SHELL")]) -> Output:
    """Print the completion script of a shell."""
    from cleanroom_ml.cli.completions import script

    return Output({"shell": shell.value, "script": script(shell.value)}, script(shell.value))
