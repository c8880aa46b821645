"""What the embedded engine tells of a job beyond status, log and result: events, and usage over its life.

Both are procedures of its own (`CLEANROOM_ML.JOBS.EVENTS`, `.USAGE`); a target that has them not tells no such thing.
"""

from __future__ import annotations

from dataclasses import dataclass

from cleanroom_ml.connection import Connection
from cleanroom_ml.errors import ServerError
from cleanroom_ml.json_values import Document
from cleanroom_ml.services.absent import Absent
from cleanroom_ml.services.job_actions import pieces
from cleanroom_ml.services.reported import reported_mapping

ENGINES_OWN = "only the embedded engine tells it; Snowflake tells a job's status, log and result"


@dataclass(frozen=True, slots=True)
class UsagePoint:
    """`t` is Unix time; `memory_bytes` the most in use since the point before; `cpu_seconds` of all cores together."""

    t: float
    memory_bytes: int
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class JobUsage:
    """The curve of a job, with the limits that held for all its nodes together; None where it has not started."""

    points: tuple[UsagePoint, ...]
    memory_limit_bytes: int | None = None
    cpus: int | None = None


def usage(connection: Connection, collaboration: str, job_id: str) -> JobUsage | Absent:
    """Memory and CPU time of the job so far. Raises ServerError: no job of that id is this runner's."""
    rows = connection.call_own("JOBS.USAGE", collaboration, job_id)
    if not rows:
        return Absent(ENGINES_OWN)
    usage_of = reported_mapping(next(iter(rows[0].values())))
    points = tuple(
        UsagePoint(float(point["t"]), int(point["memory_bytes"]), float(point["cpu_seconds"]))
        for point in usage_of.get("points", ())
    )
    return JobUsage(points, usage_of.get("memory_limit_bytes"), usage_of.get("cpus"))


@dataclass(frozen=True, slots=True)
class Events:
    """Events as the script told them (runtime/events.py has the kinds), and where to go on."""

    found: tuple[Document, ...]
    offset: int


def events(connection: Connection, collaboration: str, job_id: str, *, offset: int = 0) -> Events:
    """What the job has told from `offset` on. Texts in it are the script's: hostile.

    Raises:
        PolicyDeniedError: the code spec or the collaboration's owner does not allow monitoring.
        ServerError: the target has no events, or no job of that id is this runner's.
    """
    text = pieces(connection, "JOBS.EVENTS", collaboration, job_id, offset)
    if text is None:
        raise ServerError("a job of this target has no events", why=ENGINES_OWN, fix=f"cleanroom-ml logs {job_id}")
    return Events(tuple(event for line in text.splitlines() if (event := reported_mapping(line))), offset + len(text))
