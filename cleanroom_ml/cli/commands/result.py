"""`cleanroom-ml result`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from cleanroom_ml.cli.command import command, single
from cleanroom_ml.cli.context import collaboration, open_connection
from cleanroom_ml.cli.options import Collaboration
from cleanroom_ml.cli.output import Output

app = single()


@command(app, example="cleanroom-ml result JOB_ID --format json")
def result(job_id: Annotated[str, typer.Argument(metavar="JOB_ID")], collaboration_: Collaboration = None) -> Output:
    """What a job returned (`__return__` of its script)."""
    from cleanroom_ml.services import jobs

    with open_connection() as connection:
        value = jobs.result(connection, collaboration(collaboration_), job_id)
    return Output({"job_id": job_id, "result": value}, json.dumps(value, indent=2, ensure_ascii=False))
