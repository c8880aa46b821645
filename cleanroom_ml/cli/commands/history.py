"""`cleanroom-ml history`."""

from __future__ import annotations

import json
from typing import Any

from cleanroom_ml.cli.command import command, single
from cleanroom_ml.cli.context import collaboration, open_connection
from cleanroom_ml.cli.options import Collaboration
from cleanroom_ml.cli.output import Output

app = single()


@command(app, example="cleanroom-ml history")
def history(collaboration_: Collaboration = None) -> Output:
    """What was run in the collaboration, by whom, and how it ended."""
    from cleanroom_ml.services.jobs import activity_history

    with open_connection() as connection:
        rows = activity_history(connection, collaboration(collaboration_))
    return Output(rows, "\n".join(map(_line, rows)) or "nothing was run yet")


def _line(row: dict[str, Any]) -> str:
    from cleanroom_ml.cli.render import jsonable

    info = row.get("activity_info")
    parameters = (json.loads(info) if isinstance(info, str) else info or {}).get("request_parameters", {})
    line = (
        f"{jsonable(row['start_ts'])}  {row['analysis_runner_alias']}  {parameters.get('template_id')}  {row['status']}"
    )
    return f"{line}: {row['failure_reason']}" if row.get("failure_reason") else line
