"""Update requests made by hand, as APPROVALS.DESCRIBE_REQUEST shows them."""

from __future__ import annotations

import hashlib
from typing import Any

from cleanroom_ml.artifacts.manifest import FileEntry, Manifest
from cleanroom_ml.errors import CleanroomError
from cleanroom_ml.evidence import approval_digest, approval_subject
from cleanroom_ml.services.subjects import Subject
from cleanroom_ml.services.update_requests import UpdateRequest

TEMPLATE = """\
api_version: 2.0.0
spec_type: template
name: train
version: {version}
type: sql_analysis
parameters:
  - name: compute_pool
    type: string
    required: true
code_specs:
  - code_V1
template: |
  {line}
"""
CODE_SPEC = """\
api_version: 2.0.0
spec_type: code_spec
name: code
version: V1
ml_jobs:
  - name: train
    entrypoint: train.py
    stage_code_dir: '@DB.PUBLIC.ST/code'
"""
CALL = "call cleanroom.code$train({{ compute_pool }}, 1, 'WH', '{}')"
PARTIES = [
    {"account": "LOCAL.ADVERTISER", "alias": "advertiser", "roles": ["analysis_runner", "data_provider"]},
    {"account": "LOCAL.PUBLISHER", "alias": "publisher", "roles": ["owner", "requester", "data_provider"]},
]
FILES = {"train.py": b"print(1)\n", "lib/features.py": b"x = 1\n"}


def manifest(files: dict[str, bytes]) -> Manifest:
    entries = (FileEntry(path, len(data), hashlib.sha256(data).hexdigest()) for path, data in files.items())
    return Manifest(tuple(entries))


def job(files: dict[str, bytes] | None = None, **changes: Any) -> dict[str, Any]:
    listed = manifest(FILES if files is None else files)
    return {
        "name": "train",
        "entrypoint": "train.py",
        "content_manifest": listed.to_json(),
        "content_digest": listed.digest,
        "image": "latest",
        "pip_requirements": [],
        "allow_monitoring": False,
        **changes,
    }


def spec(line: str = CALL, *, version: str = "V1", jobs: list[dict[str, Any]] | None = None, **changes: Any) -> dict:
    """The subject of an Add Template request, with what was approved before."""
    return {
        "room": "4f00",
        "collaboration": "lookalike",
        "parties": PARTIES,
        "template": TEMPLATE.format(version=version, line=line),
        "template_id": f"train_{version}",
        "requester": "publisher",
        "share_with": ["advertiser"],
        "code_specs": [{"id": "code_V1", "spec": CODE_SPEC, "ml_jobs": [job()] if jobs is None else jobs}],
        "dependency_lock": None,
        "image": None,
        "result_limit_bytes": 1000,
        "previous": None,
        **changes,
    }


def details(body: dict[str, Any]) -> dict[str, Any]:
    """The documented details of a request with this subject."""
    codes = [code["id"] for code in body["code_specs"]]
    told = {key: body[key] for key in ("template_id", "share_with")} | {"requested_by": body["requester"]}
    return told | ({"code_specs": codes} if codes else {})


def request(body: dict[str, Any], status: str = "PENDING_MY_APPROVAL") -> UpdateRequest:
    on = "2026-01-01T00:00:00.000000Z"
    return UpdateRequest("req-1", "Add Template", status, details(body), on, spec=body["template"])


def subject(body: dict[str, Any]) -> Subject:
    """What the engine tells of it; the digest is the one that it adds up to, where it does."""
    told = {key: value for key, value in body.items() if key != "previous"}
    try:
        digest = approval_digest(approval_subject(told))
    except CleanroomError:
        digest = "sha256:" + "0" * 64
    return Subject(told, body.get("previous"), digest)
