"""Looks at a job again and again, asking each time only for what is new."""

from __future__ import annotations

from dataclasses import dataclass

from cleanroom_ml.connection import Connection
from cleanroom_ml.errors import PolicyDeniedError, ServerError
from cleanroom_ml.json_values import Document
from cleanroom_ml.services import jobs, telemetry
from cleanroom_ml.services.absent import Absent
from cleanroom_ml.services.job_actions import JobLog
from cleanroom_ml.services.jobs import JobStatus
from cleanroom_ml.services.pending import waits_for
from cleanroom_ml.services.progress import Progress
from cleanroom_ml.services.telemetry import ENGINES_OWN, JobUsage

KEPT_CHARACTERS = 20_000


@dataclass(frozen=True, slots=True)
class Moment:
    """A job as it was at one moment; `log` is the end of what it has printed, `waits` what it waits for."""

    status: JobStatus
    usage: JobUsage | Absent
    progress: Progress | Absent
    log: str | Absent
    waits: str = ""


class Watch:
    """One job, looked at from one connection. What a policy denies is asked for once.

    `pool`: the job's, where the target does not tell it.
    """

    def __init__(self, connection: Connection, collaboration: str, job_id: str, *, pool: str | None = None) -> None:
        self._connection = connection
        self._collaboration = collaboration
        self.job_id = job_id
        self._pool = pool
        self._events: list[Document] = []
        self._progress: Progress | Absent = Progress()
        self._events_offset = 0
        self._log: str | Absent = ""
        self._job_log = JobLog(connection, collaboration, job_id)

    @property
    def of_an_engine(self) -> bool:
        """Whether the target tells more of a job than is documented, and may be asked more often."""
        return self._connection.capabilities.has_procedure("JOBS.STATUS")

    def look(self) -> Moment:
        """The job now; once it has ended, with the last of what it told. Raises ServerError: no such job."""
        job = (self._connection, self._collaboration, self.job_id)
        status = jobs.status(*job)  # first: what is asked for after the end is complete
        if isinstance(self._progress, Progress):
            try:
                fresh = telemetry.events(*job, offset=self._events_offset)
            except PolicyDeniedError as denied:
                self._progress = Absent(denied.what)
            except ServerError:
                if self._connection.capabilities.has_procedure("JOBS.EVENTS"):
                    raise
                self._progress = Absent(ENGINES_OWN)
            else:
                self._events_offset = fresh.offset
                self._events += fresh.found
                if fresh.found:
                    self._progress = Progress.of(self._events)
        if isinstance(self._log, str):
            try:
                fresh_log = self._job_log.fresh()
            except PolicyDeniedError as denied:
                self._log = Absent(denied.what)
            else:
                whole = self._log + fresh_log.text if fresh_log.whole is None else fresh_log.whole
                self._log = whole[-KEPT_CHARACTERS:]
        waits = waits_for(self._connection, status, self._pool)
        return Moment(status, telemetry.usage(*job), self._progress, self._log, waits)
