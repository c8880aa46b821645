"""`cleanroom-ml logs`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cleanroom_ml.cli.command import command, single
from cleanroom_ml.cli.context import collaboration, open_connection
from cleanroom_ml.cli.options import Collaboration, Timeout
from cleanroom_ml.cli.output import Output
from cleanroom_ml.cli.settings import settings
from cleanroom_ml.json_values import Document

if TYPE_CHECKING:
    from cleanroom_ml.services.connections import Connection

app = single()


@command(app, example="cleanroom-ml logs JOB_ID --follow")
def logs(
    job_id: Annotated[str, typer.Argument(metavar="JOB_ID")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Stream until the job has ended.")] = False,
    events: Annotated[
        bool, typer.Option("--events", help="What it told in events (rounds, trials, …), as JSON lines.")
    ] = False,
    timeout: Timeout = None,
    collaboration_: Collaboration = None,
) -> Output:
    """What a job has printed; needs the code spec's and the owner's permission to monitor."""
    from cleanroom_ml.cli.render import stream
    from cleanroom_ml.cli.watching import missed
    from cleanroom_ml.services import jobs

    name = collaboration(collaboration_)
    with open_connection() as connection:
        if events:
            return _events(connection, name, job_id, follow=follow, timeout=timeout)
        if follow and not settings().machine_readable:
            jobs.wait(connection, name, job_id, timeout_seconds=timeout, on_log=stream, on_missed=missed)
            return Output({"job_id": job_id}, "")
        if follow:
            jobs.wait(connection, name, job_id, timeout_seconds=timeout)
        text = jobs.logs(connection, name, job_id)
    return Output({"job_id": job_id, "logs": text}, text)


def _events(connection: Connection, collaboration_: str, job_id: str, *, follow: bool, timeout: float | None) -> Output:
    """The events so far, or one by one as they come; with a format for machines, all of them once it has ended."""
    from cleanroom_ml.cli.render import json_line, stream
    from cleanroom_ml.services import jobs, telemetry

    found: list[Document] = []
    offset = 0

    def look(_: jobs.JobStatus | None = None) -> None:
        nonlocal offset
        fresh = telemetry.events(connection, collaboration_, job_id, offset=offset)
        offset = fresh.offset
        found.extend(fresh.found)
        if follow and fresh.found and not settings().machine_readable:
            stream("".join(f"{json_line(event)}\n" for event in fresh.found))

    if follow:
        jobs.wait(connection, collaboration_, job_id, timeout_seconds=timeout, on_look=look)
    else:
        look()
    return Output(found, "" if follow else "\n".join(map(json_line, found)))
