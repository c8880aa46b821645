"""`cleanroom-ml init`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cleanroom_ml.cli.command import command, single
from cleanroom_ml.cli.options import optional_argument, optional_option
from cleanroom_ml.cli.output import Output

app = single()


class Role(StrEnum):
    provider = "provider"
    runner = "runner"


@command(app, example="cleanroom-ml init my-project --from lookalike")
def init(
    directory: Annotated[Path | None, optional_argument(help="Default: the current one.")] = None,
    sample: Annotated[
        str | None, optional_option("--from", metavar="SAMPLE", help="Copy a sample project; --list names them.")
    ] = None,
    role: Annotated[Role, typer.Option("--role", help="Whose directory it is.")] = Role.provider,
    name: Annotated[str, typer.Option("--name", help="The collaboration's name.")] = "my_collaboration",
    list_: Annotated[bool, typer.Option("--list", help="Show the sample projects, and start nothing.")] = False,
) -> Output:
    """Start a project directory: an empty one for one party, or a whole sample."""
    from cleanroom_ml.services.projects import copy_sample, described_samples, start

    if list_:
        return Output(described_samples(), hints=("cleanroom-ml init --from NAME",))
    where = directory or (Path(sample) if sample else Path.cwd())
    if sample:
        copied = copy_sample(sample, where)
        return Output(
            {"directory": copied, "sample": sample}, f"{sample} → {copied}", hints=(f"cat {copied}/README.md",)
        )
    files = start(where, role.value, name)
    return Output({"directory": where, "files": files}, "\n".join(files), hints=("cleanroom-ml validate",))
