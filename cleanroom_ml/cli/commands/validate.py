"""`cleanroom-ml validate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cleanroom_ml.cli.command import command, single
from cleanroom_ml.cli.options import optional_argument
from cleanroom_ml.cli.output import Output
from cleanroom_ml.errors import UsageError

app = single()


@command(app, example="cleanroom-ml validate train.yaml")
def validate(
    paths: Annotated[list[Path] | None, optional_argument(help="Project directories or spec files.")] = None,
) -> Output:
    """Check a project or spec files, offline: every problem, with file, line and column."""
    from cleanroom_ml.cli.render import note
    from cleanroom_ml.services.projects import check, warnings

    checked = [check(path) for path in paths or [Path.cwd()]]
    problems = [problem for each in checked for problem in each.problems]
    for warning in () if problems else (each for path in paths or [Path.cwd()] for each in warnings(path)):
        note(f"warning: {warning}")
    text = "\n".join(str(problem) for problem in problems) or "\n".join(f"{each.path}: no problems" for each in checked)
    return Output(
        {"valid": not problems, "problems": problems}, text, exit_code=UsageError.exit_code if problems else 0
    )
