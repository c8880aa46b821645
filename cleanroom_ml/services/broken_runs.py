"""What became of a run whose answer never came: looked up, as far as the target tells, and never sent again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Final

from cleanroom_ml.connection import Connection
from cleanroom_ml.connection.session import Row
from cleanroom_ml.errors import CleanroomError, CommunicationError
from cleanroom_ml.services.answers import mapping_of
from cleanroom_ml.services.times import rfc3339
from cleanroom_ml.services.whose import own_names

_CLOCKS: Final = timedelta(minutes=5)
"""How far this machine's clock and the target's may be apart."""


def of_a_run(
    connection: Connection, collaboration: str, template_id: str, begun: datetime, broken: CommunicationError
) -> CommunicationError:
    """The error that says what is known: a run that began since `begun` in VIEW_ACTIVITY_HISTORY, or none, or nothing.

    A run that the connection broke in may have begun: to send it once more could do everything twice.
    """
    what = f"the connection broke while {template_id} was being run"
    try:
        rows = connection.call("COLLABORATION.VIEW_ACTIVITY_HISTORY", collaboration)
        names = own_names(connection, collaboration)
        found = sorted((row for row in rows if _is_ours(row, template_id, begun, names)), key=_start)
        job = _job(connection, collaboration, found[-1]) if found else None
    except CleanroomError:
        why = f"{broken.why or broken.what}; whether the run has begun is not known, and it was not sent again"
        return CommunicationError(what, why=why, fix="before you repeat it, look: cleanroom-ml history")
    if not found:
        why = "the activity history shows no run of it since; it may be shown later, and it was not sent again"
        return CommunicationError(what, why=why, fix="before you repeat it, look once more: cleanroom-ml history")
    ran = found[-1]
    why = f"the activity history has a run of it that began {_start(ran)}: {ran.get('status')}"
    if job is not None:
        return CommunicationError(what, why=f"{why}, as job {job}", fix=f"cleanroom-ml status {job} --wait")
    return CommunicationError(what, why=why, fix="cleanroom-ml history")


def _is_ours(row: Row, template_id: str, begun: datetime, names: Collection[str]) -> bool:
    parameters = mapping_of(mapping_of(row.get("activity_info")).get("request_parameters"))
    # "arguments" and "local_tables" are visible only to the analysis runner (activity history, "Result columns").
    own = not parameters.keys().isdisjoint(("arguments", "local_tables"))
    own = own or str(row.get("analysis_runner_alias") or "").upper() in names
    same = str(parameters.get("template_id", "")).upper() == template_id.upper()
    return own and same and _start(row) >= rfc3339(begun.astimezone(UTC) - _CLOCKS)


def _start(row: Row) -> str:
    return rfc3339(row.get("start_ts"))


def _job(connection: Connection, collaboration: str, row: Row) -> str | None:
    for job in connection.call_own("JOBS.LIST", collaboration) or ():
        if job.get("activity_id") == row.get("activity_id"):
            return str(job["job_id"])
    return None
