"""`cleanroom-ml status`."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from cleanroom_ml.cli.cells import cell
from cleanroom_ml.cli.command import command, single
from cleanroom_ml.cli.context import collaboration, meant, open_connection, project_or_none
from cleanroom_ml.cli.options import Collaboration, Timeout
from cleanroom_ml.cli.output import Output

app = single()


@command(app, example="cleanroom-ml status JOB_ID --watch")
def status(
    job_id: Annotated[str, typer.Argument(metavar="JOB_ID")],
    wait: Annotated[bool, typer.Option("--wait", help="Block; exit 0, 20, 21 or 22 as the job ends.")] = False,
    watch_: Annotated[
        bool, typer.Option("--watch", help="Block, and show memory, curves, trials and log as they change.")
    ] = False,
    timeout: Timeout = None,
    collaboration_: Collaboration = None,
) -> Output:
    """Where a job is, and once it ended, why."""
    from cleanroom_ml.cli.watching import watch, watch_live
    from cleanroom_ml.services import jobs
    from cleanroom_ml.services.pending import waits_for

    name = collaboration(collaboration_)
    mine = meant(name, project_or_none())
    pool = mine.pool.name if mine is not None and mine.pool is not None else None
    with open_connection() as connection:
        if watch_:
            return watch_live(connection, name, job_id, timeout=timeout, pool=pool)
        if wait:
            return watch(connection, name, job_id, follow=False, timeout=timeout, pool=pool)
        found = jobs.status(connection, name, job_id)
        waits = waits_for(connection, found, pool)
    if waits:
        found = replace(found, details={**found.details, "waits_for": waits})
    reported = {key: value for key, value in found.details.items() if value not in (None, "", "none")}
    lines = [f"{found.job_id}: {found.status}"]
    lines += [f"  {key}: {cell(value)}" for key, value in reported.items() if key not in ("job_id", "status")]
    return Output(found, "\n".join(lines))
