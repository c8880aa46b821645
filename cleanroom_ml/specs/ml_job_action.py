"""The ml_job_action: what to ask about a running or finished job (docs/api-digest.md §2 and §6)."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from cleanroom_ml.specs.base import ApiVersion, SpecModel, as_text, one_of, violation
from cleanroom_ml.specs.problems import displayed

ACTIONS = ("get_status", "get_logs", "get_result")
"""All that the documentation has. What only the embedded engine tells of a job, its own procedures are asked."""

_JOB_ID = re.compile(r'[A-Za-z0-9_.$"\-]{1,512}\Z')


def is_job_id(text: str) -> bool:
    """Whether a text could be the id of a job."""
    return _JOB_ID.match(text) is not None


def _job_id(value: object) -> str:
    text = as_text(value)
    if not is_job_id(text):
        raise violation(f"{displayed(text)} is not a job id", "the id that RUN returned")
    return text


class MlJobAction(SpecModel):
    """What RUN_ML_JOB_ACTION is given: exactly these four keys. `action` comes back in lower case."""

    api_version: ApiVersion = Field(description="Version of the spec format; always 2.0.0.")
    spec_type: Literal["ml_job_action"] = Field(description="Kind of spec; always ml_job_action.")
    job_id: Annotated[str, BeforeValidator(_job_id)] = Field(description="Id of the job, as RUN returned it.")
    action: Annotated[Literal["get_status", "get_logs", "get_result"], BeforeValidator(one_of(ACTIONS, fold=True))] = (
        Field(description="get_status, get_logs or get_result.")
    )
