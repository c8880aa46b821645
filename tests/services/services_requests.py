"""Update requests made by hand, as VIEW_UPDATE_REQUESTS shows them."""

from __future__ import annotations

import hashlib
from typing import Any

from cleanroom_ml.artifacts.manifest import FileEntry, Manifest
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
    """The `spec` of an Add Template request."""
    return {
        "room": "4f00",
        "collaboration": "lookalike",
        "parties": PARTIES,
        "template": TEMPLATE.format(version=version, line=line),
        "template_id": f"train_{version}",
        "requester": "publisher",
        "runner": "advertiser",
        "code_specs": [{"id": "code_V1", "spec": CODE_SPEC, "ml_jobs": [job()] if jobs is None else jobs}],
        "dependency_lock": None,
        "image": None,
        "result_limit_bytes": 1000,
        "previous": None,
        **changes,
    }


def request(body: dict[str, Any], status: str = "PENDING_MY_APPROVAL") -> UpdateRequest:
    return UpdateRequest("req-1", "ADD_TEMPLATE", status, "", "2026-01-01T00:00:00.000000Z", (), body)
