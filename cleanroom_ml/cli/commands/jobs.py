"""`cleanroom-ml jobs`."""

from __future__ import annotations

from cleanroom_ml.cli.command import command, single
from cleanroom_ml.cli.context import collaboration, open_connection
from cleanroom_ml.cli.options import Collaboration
from cleanroom_ml.cli.output import Output

app = single()


@command(app, example="cleanroom-ml jobs --format json")
def jobs(collaboration_: Collaboration = None) -> Output:
    """The ML jobs that were started in this collaboration, newest first."""
    from cleanroom_ml.services.jobs import list_jobs

    with open_connection() as connection:
        return Output(list_jobs(connection, collaboration(collaboration_)))
