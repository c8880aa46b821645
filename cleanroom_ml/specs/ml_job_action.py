"""The ml_job_action: what to ask about a running or finished job (docs/api-digest.md §2 and §6)."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from cleanroom_ml.specs.base import ApiVersion, Finding, SpecModel, as_text, one_of, report, violation
from cleanroom_ml.specs.problems import displayed

ACTIONS = ("get_status", "get_logs", "get_result", "cancel", "get_events", "get_usage")
"""Snowflake has the first three. The others, and `offset`, are the embedded engine's own.

get_events  what the script told in events, as JSON lines; seen where the log is seen
get_usage   memory and CPU time over the job's life, as the engine measured them; seen where the status is seen
"""

_JOB_ID = re.compile(r'[A-Za-z0-9_.$"\-]{1,512}\Z')


def _job_id(value: object) -> str:
    text = as_text(value)
    if not _JOB_ID.match(text):
        raise violation(f"{displayed(text)} is not a job id", "the id that RUN returned")
    return text


def _offset(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 2**53:
        raise violation(f"must be a whole number, not {displayed(value)}", "0, 1, 2, …")
    return int(value)


class MlJobAction(SpecModel):
    """What RUN_ML_JOB_ACTION is given; `action` comes back in lower case."""

    api_version: ApiVersion = Field(description="Version of the spec format; always 2.0.0.")
    spec_type: Literal["ml_job_action"] = Field(description="Kind of spec; always ml_job_action.")
    job_id: Annotated[str, BeforeValidator(_job_id)] = Field(description="Id of the job, as RUN returned it.")
    action: Annotated[
        Literal["get_status", "get_logs", "get_result", "cancel", "get_events", "get_usage"],
        BeforeValidator(one_of(ACTIONS, fold=True)),
    ] = Field(
        description="get_status, get_logs or get_result; on the embedded engine also cancel, get_events and get_usage."
    )
    offset: Annotated[int, BeforeValidator(_offset)] | None = Field(
        default=None,
        description="With get_logs and get_events (embedded engine): how many characters to leave out at the front; "
        "what is longer than an answer goes on at its NEXT_OFFSET.",
    )

    @model_validator(mode="after")
    def _offset_is_for_logs(self) -> MlJobAction:
        if self.offset is not None and self.action not in ("get_logs", "get_events"):
            allowed = "offset with get_logs or get_events"
            report([Finding(("offset",), f"means nothing with action {self.action}", allowed)])
        return self
