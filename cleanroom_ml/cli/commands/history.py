"""`cleanroom-ml history`."""

from __future__ import annotations

from collections.abc import Mapping

from cleanroom_ml.cli.command import command, single
from cleanroom_ml.cli.context import collaboration, open_connection
from cleanroom_ml.cli.options import Collaboration
from cleanroom_ml.cli.output import Output

app = single()


@command(app, example="cleanroom-ml history")
def history(collaboration_: Collaboration = None) -> Output:
    """What was run in the collaboration, by whom, and how it ended; free-form SQL is in nobody's."""
    from cleanroom_ml.services import jobs

    with open_connection() as connection:
        rows = jobs.history(connection, collaboration(collaboration_))
    return Output(rows, "\n".join(map(_line, rows)) or "no template was run yet; free-form SQL is not recorded")


def _line(row: Mapping[str, object]) -> str:
    from cleanroom_ml.services.answers import mapping_of

    template = mapping_of(mapping_of(row.get("activity_info")).get("request_parameters")).get("template_id")
    line = f"{row['start_ts']}  {row['analysis_runner_alias']}  {template}  {_state(row)}"
    return f"{line}: {row['failure_reason']}" if row.get("failure_reason") else line


def _state(row: Mapping[str, object]) -> str:
    """How it ended: for an ML job as the job stands, since the run itself succeeded in starting it."""
    if row["job_id"] is None or row["status"] != "SUCCESS":
        return str(row["status"])
    reason = f" ({row['job_reason']})" if row["job_reason"] not in (None, "", "none") else ""
    return f"{row['job_status']}{reason}  {row['job_id']}"
