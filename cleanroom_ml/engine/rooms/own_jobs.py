"""What only this engine tells of an ML job, beside RUN_ML_JOB_ACTION: `CLEANROOM_ML.JOBS.*`.

Each asks first what RUN_ML_JOB_ACTION asks: whether the job is of the caller's account in this collaboration, and
whether it may be monitored where the script's own words are told. Nothing here is in a documented answer.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime

from cleanroom_ml.engine.contracts.job import JobLauncher, JobStatus
from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.rooms import access
from cleanroom_ml.engine.rooms.history import History
from cleanroom_ml.engine.rooms.ml_jobs import MlJobs
from cleanroom_ml.engine.rooms.ports import Caller
from cleanroom_ml.engine.sql.errors import room_error
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.error_names import ErrorName

FULL_PIECE = 1 << 19
"""A part of a log or of events that has so many characters may have been cut: there may be more."""
LISTED = 50
MOST_LISTED = 1000


class OwnJobs:
    """LIST, STATUS, LOGS, EVENTS, USAGE and CANCEL of the schema JOBS."""

    def __init__(self, storage: Storage, launcher: JobLauncher, ml_jobs: MlJobs, history: History) -> None:
        self._storage = storage
        self._launcher = launcher
        self._ml_jobs = ml_jobs
        self._history = history

    def list(self, caller: Caller, name: str, limit: object = LISTED) -> Rows:
        """LIST(collaboration[, limit]): the caller's jobs in it, newest first; ACTIVITY_ID is the run's that began it.

        Raises:
            SqlError: SpecValidationError, and what a caller that is no member gets.
        """
        most = _whole(limit, "limit", 1, MOST_LISTED)
        with self._storage.database.read() as connection:
            member = access.joined(connection, caller.account, name)
            activities = self._history.jobs(connection, member)
        found = []
        for status in self._launcher.list(member.account, member.local_name or member.source_name):
            if self._launcher.request(status.job_id).scope.get("collaboration_id") != member.collaboration:
                continue  # of a room that had this name before
            found.append((*_listed(status), activities.get(status.job_id)))
            if len(found) == most:
                break
        columns = (
            *((column, "VARCHAR") for column in ("JOB_ID", "STATUS", "REASON", "TEMPLATE_ID")),
            ("SUBMITTED_ON", "TIMESTAMP_LTZ"),
            ("ENDED_ON", "TIMESTAMP_LTZ"),
            ("ACTIVITY_ID", "VARCHAR"),
        )
        return Rows.answer(columns, tuple(found))

    def status(self, caller: Caller, name: str, job_id: object) -> Rows:
        """STATUS(collaboration, job): with `details`, a JSON object of times, reason, exit code, image and digests."""
        status = self._launcher.status(self._ml_jobs.of(caller, name, job_id))
        columns = (("STATUS", "VARCHAR"), ("DETAILS", "VARCHAR"))
        return Rows.answer(columns, ((str(status.status), json.dumps(asdict(status), default=_rfc3339)),))

    def logs(self, caller: Caller, name: str, job_id: object, offset: object = 0) -> Rows:
        """LOGS(collaboration, job[, offset]): from the offset-th character on; goes on at NEXT_OFFSET where it has one.

        Raises:
            SqlError: MLJobMonitoringNotAllowedError, as get_logs.
        """
        at, job = _whole(offset, "offset", 0, 1 << 53), self._ml_jobs.monitored(caller, name, job_id)
        return _piece("LOGS", self._launcher.logs(job, at), at)

    def events(self, caller: Caller, name: str, job_id: object, offset: object = 0) -> Rows:
        """EVENTS(collaboration, job[, offset]): what the script told in events, as JSON lines; else as LOGS."""
        at, job = _whole(offset, "offset", 0, 1 << 53), self._ml_jobs.monitored(caller, name, job_id)
        return _piece("EVENTS", self._launcher.events(job, at), at)

    def usage(self, caller: Caller, name: str, job_id: object) -> Rows:
        """USAGE(collaboration, job): memory and CPU time over the job's life, as this engine measured them."""
        return Rows.one("USAGE", json.dumps(self._launcher.usage(self._ml_jobs.of(caller, name, job_id))))

    def cancel(self, caller: Caller, name: str, job_id: object) -> Rows:
        """CANCEL(collaboration, job): ends a job that has not ended; repeating changes nothing."""
        job = self._ml_jobs.of(caller, name, job_id)
        self._launcher.cancel(job)
        return Rows.one("STATUS", str(self._launcher.status(job).status))


def _listed(status: JobStatus) -> tuple[str, str, str, str, datetime, datetime | None]:
    state = str(status.status)
    return (status.job_id, state, status.reason, status.template_id, status.created_on, status.ended_on)


def _piece(name: str, text: str, offset: int) -> Rows:
    """A part of what a job told, and where the next one begins if this is not the last."""
    columns = ((name, "VARCHAR"), ("NEXT_OFFSET", "NUMBER(38,0)"))
    return Rows.answer(columns, ((text, offset + len(text) if len(text) >= FULL_PIECE else None),))


def _whole(value: object, what: str, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise room_error(ErrorName.SpecValidationError, f"{what} must be a whole number from {least} to {most}")
    return value


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
