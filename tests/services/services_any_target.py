"""A target that shows what is documented, and no more."""

from __future__ import annotations

import json
from typing import Any

import yaml
from services_requests import CODE_SPEC, FILES, manifest, spec
from services_targets import Account

from cleanroom_ml.services.review import Review, review_request
from cleanroom_ml.services.subjects import subject_of
from cleanroom_ml.services.update_requests import UpdateRequest, list_requests

ENTRIES = [{"path": each.path, "sha256": each.sha256, "size": each.size} for each in manifest(FILES).files]
HASHES = {each.path: each.sha256 for each in manifest(FILES).files}
PLAIN = spec("select {{ compute_pool }}")["template"].replace("code_specs:\n  - code_V1\n", "")

# As a target may show it: as JSON, with what is empty and with what it knows beside.
REGISTERED = json.dumps(yaml.safe_load(PLAIN) | {"description": None, "code_specs": [], "registered_by": "x"})


def row(template: str = spec()["template"], **changes: Any) -> dict[str, Any]:
    """One row of VIEW_UPDATE_REQUESTS."""
    details = {"template_id": "train_V1", "share_with": ["advertiser"], "requested_by": "publisher"}
    if "code_specs" in template:
        details["code_specs"] = ["code_V1"]
    return {
        "id": "request_1",
        "type": "Add Template",
        "status": "PENDING_MY_APPROVAL",
        "approval_log": "[]",
        "details": json.dumps(details),
        "spec": template,
        "updated_on": "2026-11-01 10:00:00",
        **changes,
    }


def code(content: object, **changes: Any) -> dict[str, Any]:
    """One row of VIEW_CODE_SPECS, whose job is shown with this as its content_manifest."""
    shown = yaml.safe_load(CODE_SPEC)
    if content is not None:
        shown["ml_jobs"][0]["content_manifest"] = content
    return {"code_spec_id": "code_V1", "code_spec": yaml.safe_dump(shown), "shared_by": "publisher", **changes}


def target(*rows: dict[str, Any], codes: list[dict[str, Any]] | None = None, **answers: Any) -> Account:
    calls = {f"COLLABORATION.{name}": answer for name, answer in answers.items()}
    return Account(
        {
            "COLLABORATION.VIEW_UPDATE_REQUESTS": list(rows),
            "COLLABORATION.VIEW_CODE_SPECS": codes or [],
            **calls,
        }
    )


def reviewed(account: Account) -> tuple[UpdateRequest, Review]:
    request = list_requests(account, "lookalike")[0]
    return request, review_request("lookalike", request, subject_of(account, "lookalike", request))
