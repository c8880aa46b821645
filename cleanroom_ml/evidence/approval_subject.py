"""What an update request asks to have approved, as both sides read it: the engine that pins, the one who approves."""

from __future__ import annotations

from cleanroom_ml.artifacts.manifest import Manifest
from cleanroom_ml.errors import HashMismatchError
from cleanroom_ml.evidence.approval_digest import FORMAT
from cleanroom_ml.evidence.parties import parties_of
from cleanroom_ml.json_values import Document

# What was told beside what is asked for; everything else in a request is approved with it.
NOT_APPROVED = frozenset({"approval_digest", "previous"})


def approval_subject(request: Document) -> dict[str, object]:
    """What is digested of an Add Template request, from the `subject` that DESCRIBE_REQUEST shows.

    Content digests are computed from the manifests that are shown, never taken over from the request.

    Raises:
        HashMismatchError: it does not say whose it is; an ML job has no manifest, or one that says another digest than
            it adds up to.
    """
    parties_of(request)
    return {
        **{key: value for key, value in request.items() if key not in NOT_APPROVED},
        "format": FORMAT,
        "code_specs": [_code_spec(each) for each in request.get("code_specs") or ()],
    }


def job_manifest(code_spec_id: str, job: Document) -> Manifest:
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


def _code_spec(code_spec: Document) -> dict[str, object]:
    code_spec_id = str(code_spec.get("id", ""))
    jobs = list(code_spec.get("ml_jobs") or ())
    if len({str(job["name"]).upper() for job in jobs}) != len(jobs):
        raise HashMismatchError(
            f"{code_spec_id} has two ML jobs of the same name", why="one digest would hide the other"
        )
    return {**code_spec, "ml_jobs": [_job(code_spec_id, job) for job in jobs]}


def _job(code_spec_id: str, job: Document) -> dict[str, object]:
    rest = {key: value for key, value in job.items() if key != "content_manifest"}
    return {**rest, "content_digest": job_manifest(code_spec_id, job).content_digest}
