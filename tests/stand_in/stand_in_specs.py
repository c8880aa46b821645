"""Which keys a spec may have, by the specification pages (spec-code-spec, spec-template, spec-data-offering,
spec-collaboration, spec-analysis, RUN_ML_JOB_ACTION). Any other key is refused, as the service does.
"""

from __future__ import annotations

from typing import Any

import yaml

ANY = object()
"""A name of the writer's own, and anything below it."""
_HEAD = dict.fromkeys(("api_version", "spec_type", "name", "version", "description"))
_CALLABLE = dict.fromkeys(
    ("name", "type", "language", "runtime_version", "handler", "returns", "packages", "imports", "code_body",
     "description")
) | {"arguments": {"name": None, "type": None}}  # fmt: skip
KEYS: dict[str, dict[str, Any]] = {
    "code_spec": {
        **_HEAD,
        "artifacts": dict.fromkeys(("alias", "stage_path", "description", "content_hash")),
        "functions": _CALLABLE,
        "procedures": {key: value for key, value in _CALLABLE.items() if key != "type"},
        "ml_jobs": dict.fromkeys(
            ("name", "entrypoint", "stage_code_dir", "pip_requirements", "description", "allow_monitoring", "image_tag")
        ),
    },
    "template": {
        **_HEAD,
        "type": None,
        "methodology": None,
        "parameters": {**dict.fromkeys(("name", "description", "required", "type")), "default": ANY},
        "code_specs": None,
        "preset_tables": dict.fromkeys(("alias", "template_view_name")),
        "template": None,
    },
    "data_offering": {
        **_HEAD,
        "datasets": {
            **dict.fromkeys(
                ("alias", "data_object_fqn", "allowed_analyses", "object_class", "require_freeform_sql_policy")
            ),
            "schema_and_template_policies": ANY,
            "freeform_sql_policies": ANY,
        },
    },
    "collaboration": {
        **dict.fromkeys(("api_version", "spec_type", "name", "description", "owner", "distribution")),
        "collaborator_identifier_aliases": ANY,
        "analysis_runners": ANY,
    },
    "analysis": {
        **_HEAD,
        "template": None,
        "template_configuration": {
            "view_mappings": ANY,
            "local_view_mappings": ANY,
            "arguments": ANY,
            "activation": {"snowflake_collaborator": None, "segment_name": None},
        },
    },
    "ml_job_action": dict.fromkeys(("api_version", "spec_type", "job_id", "action")),
}
REQUIRED = {
    "code_spec": ("name", "version"),
    "template": ("name", "version", "type", "template"),
    "data_offering": ("name", "version", "datasets"),
    "collaboration": ("name", "owner", "collaborator_identifier_aliases", "analysis_runners"),
    "analysis": ("template",),
    "ml_job_action": ("job_id", "action"),
}


class SpecError(Exception):
    """What is wrong with a spec."""


def read(text: object, kind: str) -> dict[str, Any]:
    """The spec of a text.

    Raises:
        SpecError: it is none of this kind, or has a key that the page does not.
    """
    try:
        spec = yaml.safe_load(text) if isinstance(text, str) else None
    except yaml.YAMLError as error:
        raise SpecError(str(error)) from error
    if not isinstance(spec, dict) or spec.get("spec_type") != kind or str(spec.get("api_version")) != "2.0.0":
        raise SpecError(f"not a spec of api_version 2.0.0 and spec_type {kind}")
    if missing := [key for key in REQUIRED[kind] if spec.get(key) in (None, "", {})]:
        raise SpecError(f"Field required: {missing}")
    _check(spec, KEYS[kind], kind)
    return spec


def _check(value: Any, known: Any, where: str) -> None:
    if known is None or known is ANY:
        return
    for each in value if isinstance(value, list) else [value]:
        if not isinstance(each, dict):
            continue
        if unknown := sorted(each.keys() - known.keys()):
            raise SpecError(f"Extra inputs are not permitted: {where}.{unknown[0]}")
        for key, inner in each.items():
            _check(inner, known[key], f"{where}.{key}")


def spec_id(spec: dict[str, Any]) -> str:
    return f"{spec['name']}_{spec['version']}"


def written(spec: dict[str, Any]) -> str:
    return yaml.safe_dump(spec, sort_keys=False)
