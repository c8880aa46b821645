"""`cleanroom-ml logs`."""

from __future__ import annotations

from typing import Annotated

import typer

from cleanroom_ml.cli.command import command, single
from cleanroom_ml.cli.context import collaboration, open_connection
from cleanroom_ml.cli.options import Collaboration, Timeout
from cleanroom_ml.cli.output import Output
from cleanroom_ml.cli.settings import settings

app = single()


@command(app, example="cleanroom-ml logs JOB_ID --follow")
def logs(
    job_id: Annotated[str, typer.Argument(metavar="JOB_ID")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Stream until the job has ended.")] = False,
    timeout: Timeout = None,
    collaboration_: Collaboration = None,
) -> Output:
    """What a job has printed; needs the code spec's and the owner's permission to monitor."""
    from cleanroom_ml.cli.render import stream
    from cleanroom_ml.services import jobs

    name = collaboration(collaboration_)
    with open_connection() as connection:
        if follow and not settings().machine_readable:
            jobs.wait(connection, name, job_id, timeout_seconds=timeout, on_log=stream)
            return Output({"job_id": job_id}, "")
        if follow:
            jobs.wait(connection, name, job_id, timeout_seconds=timeout)
        text = jobs.logs(connection, name, job_id)
    return Output({"job_id": job_id, "logs": text}, text)
