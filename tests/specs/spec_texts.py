"""A small spec of each kind, and texts of specs with something changed."""

from __future__ import annotations

from typing import Any

import yaml

JOB = {"name": "train", "entrypoint": "train.py", "stage_code_dir": "@DB.S.ST/code"}
FUNCTION = {
    "name": "f",
    "type": "UDF",
    "language": "PYTHON",
    "handler": "f",
    "returns": "FLOAT",
    "code_body": "def f(): ...",
}
PROCEDURE = {"name": "p", "language": "PYTHON", "handler": "p", "code_body": "def p(s): ..."}
ARTIFACT = {"alias": "a", "stage_path": "@DB.S.ST/a.whl"}
DATASET = {
    "alias": "d",
    "data_object_fqn": "db.s.t",
    "allowed_analyses": "template_only",
    "schema_and_template_policies": {"c": {"category": "passthrough"}},
}
FREEFORM = {**DATASET, "allowed_analyses": "template_and_freeform_sql"}
RUNNER = {"data_providers": {"pub": {"data_offerings": []}}}
CONFIGURATION = "template_configuration"
PRESET = {"alias": "fixed", "template_view_name": "pub.o_v1.d"}

BASES: dict[str, dict[str, Any]] = {
    "code_spec": {"name": "m", "version": "V1", "ml_jobs": [JOB]},
    "template": {"name": "t", "version": "V1", "type": "sql_analysis", "template": "select 1"},
    "data_offering": {"name": "o", "version": "V1", "datasets": [DATASET]},
    "collaboration": {
        "name": "c",
        "owner": "pub",
        "collaborator_identifier_aliases": {"pub": "ORG.PUB", "adv": "ORG.ADV"},
        "analysis_runners": {"adv": RUNNER},
    },
    "analysis": {"template": "t_V1"},
    "ml_job_action": {"job_id": "J_1", "action": "get_status"},
}


def text(kind: str, changes: dict[str, Any]) -> str:
    spec = {"api_version": "2.0.0", "spec_type": kind, **BASES[kind], **changes}
    return yaml.safe_dump({key: value for key, value in spec.items() if value is not ...}, sort_keys=False)


def job(**changes: Any) -> dict[str, Any]:
    return {"ml_jobs": [{**JOB, **changes}]}


def functions(number: int) -> list[dict[str, Any]]:
    return [{**FUNCTION, "name": f"f{index}"} for index in range(number)]


def function(**changes: Any) -> dict[str, Any]:
    return {"functions": [{key: value for key, value in {**FUNCTION, **changes}.items() if value is not ...}]}


def artifact(**changes: Any) -> dict[str, Any]:
    return {"artifacts": [{**ARTIFACT, **changes}]}


def parameter(**changes: Any) -> dict[str, Any]:
    return {"parameters": [{"name": "p", **changes}]}


def columns(**named: Any) -> dict[str, Any]:
    return {"datasets": [{**DATASET, "schema_and_template_policies": named}]}


def dataset(**changes: Any) -> dict[str, Any]:
    return {"datasets": [{**DATASET, **changes}]}


def runner(**changes: Any) -> dict[str, Any]:
    return {"analysis_runners": {"adv": {**RUNNER, **changes}}}


def configuration(**changes: Any) -> dict[str, Any]:
    return {CONFIGURATION: changes}


EMAIL = {"category": "join_standard", "column_type": "email"}
POLICY = {"name": "db.s.p", "columns": ["c"]}
KEYED = {"name": "db.s.p"}
TYPED = {
    **FREEFORM,
    "schema_and_template_policies": {"c": {"category": "join_standard", "column_type": "email"}},
}
