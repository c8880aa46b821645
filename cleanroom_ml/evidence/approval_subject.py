"""What an update request asks to have approved, as both sides read it: the engine that pins, the one who approves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cleanroom_ml.artifacts import Manifest
from cleanroom_ml.errors import HashMismatchError
from cleanroom_ml.evidence.approval_digest import ApprovalSubject, ApprovedCodeSpec


def approval_subject(collaboration: str, request: Mapping[str, Any]) -> ApprovalSubject:
    """The subject of an Add Template request, from the `spec` that VIEW_UPDATE_REQUESTS shows.

    Content digests are computed from the manifests that are shown, never taken over from the request.

    Raises:
        HashMismatchError: an ML job has no manifest, or one that says another digest than it adds up to.
    """
    return ApprovalSubject(
        collaboration=collaboration.upper(),
        runner=str(request.get("runner", "")).upper(),
        requester=str(request.get("requester", "")).upper(),
        template=str(request.get("template", "")),
        code_specs=tuple(_code_spec(each) for each in request.get("code_specs", ())),
        dependency_lock=request.get("dependency_lock"),
        image=request.get("image"),
        extra={"result_limit_bytes": request.get("result_limit_bytes")},
    )


def job_manifest(code_spec_id: str, job: Mapping[str, Any]) -> Manifest:
    """The manifest of one ML job of a request.

    Raises:
        HashMismatchError: there is none, or its digest is not what the request claims.
    """
    entries = job.get("content_manifest")
    if not entries:
        raise HashMismatchError(
            f"ML job '{job.get('name')}' of {code_spec_id} has no content_manifest",
            why="without the hashes of its files nobody can tell what would run",
            fix="the template provider registers the code spec again: cleanroom-ml spec register --bump",
        )
    manifest = Manifest.from_json(entries)
    claimed = str(job.get("content_digest") or manifest.content_digest).removeprefix("sha256:")
    if claimed != manifest.content_digest:
        raise HashMismatchError(
            f"the manifest of ML job '{job.get('name')}' of {code_spec_id} does not add up",
            differences=(f"claimed {claimed}", f"computed {manifest.content_digest}"),
        )
    return manifest


def _code_spec(code_spec: Mapping[str, Any]) -> ApprovedCodeSpec:
    code_spec_id = str(code_spec.get("id", ""))
    jobs = list(code_spec.get("ml_jobs", ()))
    if len({str(job["name"]).upper() for job in jobs}) != len(jobs):
        raise HashMismatchError(
            f"{code_spec_id} has two ML jobs of the same name", why="one digest would hide the other"
        )
    return ApprovedCodeSpec(
        id=code_spec_id,
        spec=str(code_spec.get("spec", "")),
        content_digests={str(job["name"]): job_manifest(code_spec_id, job).content_digest for job in jobs},
        images={str(job["name"]): str(job.get("image") or "") for job in jobs},
    )
