"""What RUN has answered: the id of a job, or rows.

What makes a run a job is its template, one `call cleanroom.<code spec>$<ml job>(…)`: the documentation says that such a
run "returns a job ID", and not in which column (ML jobs, "Run the ML Job").
"""

from __future__ import annotations

from collections.abc import Sequence

from cleanroom_ml.connection import Connection
from cleanroom_ml.connection.session import Row
from cleanroom_ml.errors import CleanroomError
from cleanroom_ml.services.read_templates import ReadTemplate
from cleanroom_ml.services.reported import reported_mapping
from cleanroom_ml.specs.job_call import Called, called
from cleanroom_ml.specs.ml_job_action import is_job_id
from cleanroom_ml.specs.parse import plain_mapping
from cleanroom_ml.specs.problems import SpecProblems


def job_of(
    connection: Connection, collaboration: str, template: ReadTemplate | None, rows: Sequence[Row]
) -> str | None:
    """The id of the job that a run became; None where its answer is what it returned."""
    if len(rows) != 1:
        return None
    told = {column.lower(): value for column, value in rows[0].items()}
    column = "job_id" if "job_id" in told else next(iter(told), "")
    value = told.get(column)
    job_id = str(reported_mapping(value).get("job_id", value)).strip().strip('"')
    if (len(told) != 1 and column != "job_id") or not isinstance(value, str | dict) or not is_job_id(job_id):
        return None
    if template is None:
        return job_id if column == "job_id" else None  # its spec cannot be read: the name alone says it
    call = called(template.body)
    if call is None or template.type != "sql_analysis" or _is_procedure(connection, collaboration, template, call):
        return None
    return job_id


def _is_procedure(connection: Connection, collaboration: str, template: ReadTemplate, call: Called) -> bool:
    """Whether the code spec has a procedure, not a job, of that name. What is not shown is a job: most are."""
    try:
        rows = connection.call("COLLABORATION.VIEW_CODE_SPECS", collaboration)
    except CleanroomError:
        return False  # the run is under way: what became of it must not be lost by a look at something else
    ids = {listed.upper() for listed in template.code_specs}
    return any(str(row.get("code_spec_id")).upper() in ids and _names(row, "procedures", call) for row in rows)


def _names(row: Row, section: str, call: Called) -> bool:
    try:
        spec = plain_mapping(str(row.get("code_spec") or ""), source="a code spec")
    except SpecProblems:
        return False
    entries = spec.get(section)
    if str(spec.get("name")).upper() != call.code_spec.upper() or not isinstance(entries, list):
        return False
    return any(isinstance(each, dict) and str(each.get("name")).upper() == call.callable.upper() for each in entries)
