"""`cleanroom-ml cancel`."""

from __future__ import annotations

from typing import Annotated

import typer

from cleanroom_ml.cli.command import command, single
from cleanroom_ml.cli.context import collaboration, open_connection
from cleanroom_ml.cli.options import Collaboration
from cleanroom_ml.cli.output import Output

app = single()


@command(app, example="cleanroom-ml cancel JOB_ID")
def cancel(job_id: Annotated[str, typer.Argument(metavar="JOB_ID")], collaboration_: Collaboration = None) -> Output:
    """Stop a pending or running job (embedded engine); one that has ended stays as it is."""
    from cleanroom_ml.services import jobs

    with open_connection() as connection:
        done = jobs.cancel(connection, collaboration(collaboration_), job_id)
    return Output(done, f"{job_id}: {done.status}")
