"""The documented questions about a job (RUN_ML_JOB_ACTION), and its log as far as the target tells it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cleanroom_ml.connection import Connection
from cleanroom_ml.connection.session import Row, whole_number
from cleanroom_ml.errors import PolicyDeniedError, ServerError
from cleanroom_ml.services.log_window import LogWindow
from cleanroom_ml.specs.ml_job_action import MlJobAction
from cleanroom_ml.specs.write import dump_spec

_COLUMNS: Final = {
    "get_status": ("status", "job_status"),
    "get_logs": ("logs", "log"),
    "get_result": ("result", "job_result"),
}
_NOT_MONITORED = re.compile(r"allow_(?:ml_jobs_)?monitoring|monitoring is (?:not|disabled)", re.IGNORECASE)


def job_action(connection: Connection, collaboration: str, job_id: str, action: str) -> object:
    """The one value that RUN_ML_JOB_ACTION answers with, whatever its column is called.

    Raises:
        ServerError: no job of that id is this runner's.
        PolicyDeniedError: the log may not be seen: nobody says which name that error has, so that its text decides.
    """
    spec = MlJobAction.model_validate(
        {"api_version": "2.0.0", "spec_type": "ml_job_action", "job_id": job_id, "action": action}
    )
    try:
        rows = connection.call("COLLABORATION.RUN_ML_JOB_ACTION", collaboration, dump_spec(spec))
    except ServerError as refused:
        if action == "get_logs" and _NOT_MONITORED.search(refused.what):
            raise PolicyDeniedError(refused.what, why=refused.why) from refused
        raise
    if not rows or not rows[0]:
        raise ServerError(f"{action} of job {job_id} returned nothing")
    # Nobody says how its column is called: one that tells more than a value has it under the name of what was asked.
    wanted = next((column for column in _COLUMNS[action] if column in rows[0]), None)
    return rows[0][wanted] if wanted is not None else next(iter(rows[0].values()))


def pieces(connection: Connection, procedure: str, collaboration: str, job_id: str, offset: int) -> str | None:
    """What JOBS.LOGS or JOBS.EVENTS tells from the `offset`-th character on, put together; None: it has none."""
    rows = connection.call_own(procedure, collaboration, job_id, offset)
    return None if rows is None else "".join(_pieces(connection, procedure, (collaboration, job_id), offset, rows))


def _pieces(
    connection: Connection, procedure: str, job: tuple[str, str], offset: int, rows: list[Row] | None
) -> Iterator[str]:
    while rows:
        yield str(next(iter(rows[0].values())) or "")
        following = rows[0].get("next_offset")
        at = None if following is None else whole_number(following)
        if at is None or at <= offset:
            return
        offset, rows = at, connection.call_own(procedure, *job, at)


@dataclass(frozen=True, slots=True)
class Printed:
    """What a job has printed since it was last asked. `missed`: lines before it were, or may have been, missed."""

    text: str
    missed: bool = False
    whole: str | None = None
    """Everything that the target tells now, where it tells its newest part only."""


class JobLog:
    """The log of one job, followed: by its offset where the target keeps all of it, else by what overlaps."""

    def __init__(self, connection: Connection, collaboration: str, job_id: str) -> None:
        self._job = (collaboration, job_id)
        self._connection = connection
        self._offset = 0
        self._window = LogWindow()

    def fresh(self) -> Printed:
        """What is new.

        Raises:
            PolicyDeniedError: the code spec or the collaboration's owner does not allow monitoring.
        """
        text = pieces(self._connection, "JOBS.LOGS", *self._job, self._offset)
        if text is not None:
            self._offset += len(text)
            return Printed(text)
        now = str(job_action(self._connection, *self._job, "get_logs") or "")
        return Printed(*self._window.fresh(now), whole=now)
