"""What RUN has answered: the id of a job, or rows.

What makes a run a job is its template, one `call cleanroom.<code spec>$<ml job>(…)`: the documentation says that such a
run "returns a job ID", and not in which column (ML jobs, "Run the ML Job").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from cleanroom_ml.connection import Connection
from cleanroom_ml.connection.session import Row
from cleanroom_ml.errors import CleanroomError, ServerError
from cleanroom_ml.services.answers import spec_text
from cleanroom_ml.services.read_templates import ReadTemplate
from cleanroom_ml.services.reported import reported_mapping
from cleanroom_ml.specs.job_call import Called, called
from cleanroom_ml.specs.ml_job_action import is_job_id
from cleanroom_ml.specs.parse import plain_mapping
from cleanroom_ml.specs.problems import SpecProblems

_NAMED: Final = frozenset({"jobid", "mljobid", "jobname", "mljobname"})
"""Columns that say that they are a job's id, letters and digits alone."""
_LIKELY: Final = frozenset({"id", "job", "mljob", "run", "runid", "result"})
"""Columns that may be it, where none says so."""
_NAME, _ONLY, _GUESS = "its name", "the only column", "the only value that could be one"
# An id that a sentence names: `Job ID: X`, `job_id = 'X'`.
_SAID: Final = re.compile(r"\bjob[ _]id\b[\s:='\"]{1,5}([A-Za-z0-9_.$-]{1,512})", re.IGNORECASE)
_MOST: Final = 2_000


def job_of(
    connection: Connection, collaboration: str, template: ReadTemplate | None, rows: Sequence[Row]
) -> str | None:
    """The id of the job that a run became; None where its answer is what it returned.

    Raises:
        ServerError: a job was started, and the answer has no id that can be read.
    """
    job_id, by = _id_in(rows)
    if template is None:
        return job_id if by == _NAME else None  # its spec cannot be read: the name alone says it
    call = called(template.body)
    if call is None or template.type != "sql_analysis":
        return None
    kinds = _kinds(connection, collaboration, template, call)
    # What is not shown is a job: most are. Of several values one could be anything, unless a job was called.
    job = "ml_jobs" in kinds or (by != _GUESS and "procedures" not in kinds)
    if job_id is not None and job:
        return job_id
    if "ml_jobs" in kinds and "procedures" not in kinds:
        raise ServerError(
            "the job was started, and the target's answer has no job id that can be read",
            why=f"it answered: {str(next(iter(rows[0].values()), None))[:200] if rows and rows[0] else 'nothing'}",
            fix="do not run it again; cleanroom-ml history",
        )
    return None


def _id_in(rows: Sequence[Row]) -> tuple[str | None, str]:
    """The job's id, and what says that it is one: the column's name, or that it is the only value that could be one."""
    if len(rows) != 1:
        return None, ""
    told = {_plain(column): value for column, value in rows[0].items()}
    named = [column for column in told if column in _NAMED and told[column] is not None]
    likely = [column for column in told if column in _LIKELY and _id_of(told[column]) is not None]
    could_be = [column for column, value in told.items() if _id_of(value) is not None]
    meant = next((found for found in (named, likely, could_be) if len(found) == 1), None)
    if meant is None:
        return None, ""
    by = _NAME if meant is named else _ONLY if len(told) == 1 else _GUESS
    return _id_of(told[meant[0]]), by


def _plain(column: str) -> str:
    return re.sub(r"[\W_]", "", column).lower()


def _id_of(value: object) -> str | None:
    """The id that a value is, or an object's member that says so, or that a sentence names."""
    if not isinstance(value, str | dict):
        return None
    inner = {_plain(key): each for key, each in reported_mapping(value).items()}
    text = str(next((inner[name] for name in inner if name in _NAMED), value)).strip().strip('"')
    if is_job_id(text):
        return text
    inside = _SAID.search(text[:_MOST])
    return inside[1] if inside else None


def _kinds(connection: Connection, collaboration: str, template: ReadTemplate, call: Called) -> frozenset[str]:
    """What the called name is in the template's code specs: `ml_jobs`, `procedures`; empty where they are not shown."""
    try:
        rows = connection.call("COLLABORATION.VIEW_CODE_SPECS", collaboration)
    except CleanroomError:
        return frozenset()  # the run is under way: what became of it must not be lost by a look at something else
    ids = {listed.upper() for listed in template.code_specs}
    own = [row for row in rows if str(row.get("code_spec_id")).upper() in ids]
    return frozenset(kind for kind in ("ml_jobs", "procedures") if any(_names(row, kind, call) for row in own))


def _names(row: Row, section: str, call: Called) -> bool:
    try:
        spec = plain_mapping(spec_text(row.get("code_spec")), source="a code spec")
    except SpecProblems:
        return False
    entries = spec.get(section)
    if str(spec.get("name")).upper() != call.code_spec.upper() or not isinstance(entries, list):
        return False
    return any(isinstance(each, dict) and str(each.get("name")).upper() == call.callable.upper() for each in entries)
