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
    """Stop a pending or running job (embedded engine), and say what that did."""
    from cleanroom_ml.services import jobs

    with open_connection() as connection:
        done = jobs.cancel(connection, collaboration(collaboration_), job_id)
    if done.cancelled:
        return Output(done, f"{job_id}: cancelled")
    if done.terminal:
        return Output(done, f"{job_id}: had ended already, {done.status}; nothing was cancelled")
    again = f"cleanroom-ml status {job_id} --wait"
    return Output(done, f"{job_id}: told to stop, still {done.status}", hints=(again,))
