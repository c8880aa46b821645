"""`cleanroom-ml run`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cleanroom_ml.cli.command import command, single
from cleanroom_ml.cli.context import collaboration, open_connection, project_or_none
from cleanroom_ml.cli.interrupts import looked_for_first, upgrading
from cleanroom_ml.cli.next_steps import of_a_job
from cleanroom_ml.cli.options import (
    Arguments,
    Collaboration,
    Tables,
    Timeout,
    optional_argument,
    optional_option,
    parse_arguments,
)
from cleanroom_ml.cli.output import Output

if TYPE_CHECKING:
    from cleanroom_ml.services.jobs import JobRun

app = single()


@command(app, example="cleanroom-ml run train --wait --follow")
def run(
    name: Annotated[
        str | None,
        optional_argument(metavar="RUN", help="A name of `runs`, or a template; default: the first."),
    ] = None,
    pool: Annotated[str | None, optional_option("--pool", help="Default: the project's.")] = None,
    nodes: Annotated[int | None, optional_option("--nodes", min=1, help="Nodes for this job.")] = None,
    warehouse: Annotated[str | None, optional_option("--warehouse", help="For the job's SQL.")] = None,
    arguments: Arguments = None,
    tables: Tables = None,
    wait: Annotated[bool, typer.Option("--wait", help="Block; exit 0, 20, 21 or 22 as the job ends.")] = False,
    follow: Annotated[bool, typer.Option("--follow", help="Wait, and stream the log to standard error.")] = False,
    timeout: Timeout = None,
    collaboration_: Collaboration = None,
) -> Output:
    """Run a template; prints the job id."""
    from cleanroom_ml.cli.watching import watch
    from cleanroom_ml.services import jobs

    wanted = _wanted(name, collaboration(collaboration_), pool, nodes, warehouse, parse_arguments(arguments), tables)
    with open_connection() as connection:
        with looked_for_first("cleanroom-ml history"):
            submitted = jobs.run(connection, wanted, on_upgrade=upgrading)
        if submitted.job_id is None:
            return Output(list(submitted.rows), verbatim=True)
        job_id = submitted.job_id
        if not (wait or follow):
            return Output(submitted, job_id, hints=of_a_job(connection, wanted.collaboration, job_id))
        runs_on = (wanted.arguments or {}).get("compute_pool") or (wanted.defaults or {}).get("compute_pool")
        pool_name = str(runs_on) if runs_on else None
        return watch(connection, wanted.collaboration, job_id, follow=follow, timeout=timeout, pool=pool_name)


def _wanted(
    name: str | None,
    collaboration_: str,
    pool: str | None,
    nodes: int | None,
    warehouse: str | None,
    given: dict[str, object],
    tables: list[str] | None,
) -> JobRun:
    """The run of the project file with what the command line says over it."""
    from cleanroom_ml.errors import UsageError
    from cleanroom_ml.services.jobs import JobRun

    mine = project_or_none()
    runs = dict(mine.runs) if mine else {}
    chosen = name or next(iter(runs), None)
    if chosen is None:
        raise UsageError("nothing to run", fix="`runs` in cleanroom.yaml, or: run TEMPLATE --table VIEW")
    # A template named instead of a run, also by its id: the project still says which tables and values it gets.
    meant = (chosen, chosen.rpartition("_")[0])
    key = chosen if chosen in runs else next((key for key, each in runs.items() if each.template in meant), "")
    entry = runs.get(key)
    arguments: dict[str, object] = dict(entry.args) if entry else {}
    fill = {
        "compute_pool": pool or (entry.pool if entry else None),
        "num_instances": nodes or (entry.nodes if entry else None),
        "warehouse": warehouse or (entry.warehouse if entry else None),
    }
    arguments |= {key: value for key, value in fill.items() if value is not None}
    return JobRun(
        collaboration=collaboration_,
        template=runs[chosen].template if chosen in runs else chosen,
        tables=tuple(tables or (entry.tables if entry else ())),
        my_tables=entry.my_tables if entry else (),
        arguments=arguments | given,
        defaults={"compute_pool": mine.pool.name} if mine and mine.pool else {},
        key=f"runs.{key}" if key else "",
        runs=tuple(runs),
    )
