"""`cleanroom-ml report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cleanroom_ml.cli.command import command, single
from cleanroom_ml.cli.context import collaboration, open_connection
from cleanroom_ml.cli.options import Collaboration, optional_option
from cleanroom_ml.cli.output import Output
from cleanroom_ml.cli.settings import settings

app = single()


@command(app, example="cleanroom-ml report JOB_ID --output train.html")
def report(
    job_id: Annotated[str, typer.Argument(metavar="JOB_ID")],
    output: Annotated[
        Path | None, optional_option("--output", metavar="FILE", help="Default: <JOB_ID>.html, or none with --format.")
    ] = None,
    collaboration_: Collaboration = None,
) -> Output:
    """One HTML page about a job: curves, trials, resources, approval, log; or its data."""
    from cleanroom_ml.services import reports

    with open_connection() as connection:
        found = reports.gather(connection, collaboration(collaboration_), job_id)
    path = output
    if path is None and not settings().machine_readable:
        path = reports.default_path(job_id, Path())
    if path is not None:
        reports.save(found, path)
    return Output(found, str(path))
