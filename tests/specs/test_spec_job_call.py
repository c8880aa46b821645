"""What makes a template's run a job: its body is one call of a code spec (ML jobs, "Register templates")."""

from __future__ import annotations

import pytest

from cleanroom_ml.specs.job_call import called

AS_PRINTED = """call cleanroom.my_ml_model$my_train_job(
  {{ compute_pool }}, {{ num_instances | default(1) }}, {{ warehouse | default("APP_WH") }},
  OBJECT_CONSTRUCT('source_table', ARRAY_CONSTRUCT({{ source_table[0] }}, {{ source_table[1] }}))::VARCHAR
)
"""


@pytest.mark.parametrize(
    "before",
    ["", "\n  ", "-- trains\n", "/* call nothing */ ", "// x\n", "{# a comment #}", "{% set pool = compute_pool %}\n"],
)
@pytest.mark.parametrize("verb", ["call ", "CALL\n", "Call\t"])
def test_a_call_is_one_whatever_stands_before_it(before: str, verb: str) -> None:
    assert called(before + AS_PRINTED.replace("call ", verb)) == ("my_ml_model", "my_train_job")


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ('call "CLEANROOM"."Model$Train"(1)', ("Model", "Train")),
        ("SELECT 'JOB_1' AS job_id", None),
        ("SELECT cleanroom.model$score(x) AS job_id FROM IDENTIFIER({{ source_table[0] }})", None),
        ("BEGIN call cleanroom.model$train(1); RETURN 'x'; END;", None),
        ("call cleanroom.{{ spec | sqlsafe }}$train(1)", None),
        ("call cleanroom.model(1)", None),
        ("call other.model$train(1)", None),
        ("-- call cleanroom.model$train(1)\nSELECT 1", None),
        ("/* call cleanroom.model$train(", None),
        ("", None),
    ],
)
def test_what_is_none(body: str, found: tuple[str, str] | None) -> None:
    assert called(body) == found
