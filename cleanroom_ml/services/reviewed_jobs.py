"""The code of a request: each ML job with its files, packages and image, as the one who decides must see it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from cleanroom_ml.artifacts.manifest import FileEntry
from cleanroom_ml.evidence.approval_subject import job_manifest
from cleanroom_ml.evidence.pinned_job import PinnedJob
from cleanroom_ml.json_values import Document
from cleanroom_ml.specs.code_spec import CodeSpec
from cleanroom_ml.specs.parse import parse_spec

Kind = TypeVar("Kind", bound="ReviewedJob")


@dataclass(frozen=True, slots=True)
class ReviewedPackage:
    """A package that is installed for a job beside its image. `source`: the engine's package index, or a path of the
    code directory.
    """

    name: str
    version: str
    wheel: str
    sha256: str
    source: str


@dataclass(frozen=True, slots=True)
class ReviewedJob(PinnedJob):
    """One ML job that the template can start.

    `shown` is False where the target does not show the hashes of its files, `sized` where it shows no sizes;
    `stage_code_dir` is told where staged files may be all that there is to compare with. `image_named` is False where
    the code spec names no image and the newest was taken. `other` is what the request says of the job beyond this
    version's knowledge of jobs, as it stands there: it is approved with the rest.
    """

    code_spec_id: str = ""
    files: tuple[FileEntry, ...] = ()
    image_digest: str = ""
    image_named: bool = True
    packages: tuple[ReviewedPackage, ...] = ()
    other: tuple[tuple[str, str], ...] = ()
    shown: bool = True
    sized: bool = True
    stage_code_dir: str = ""


_FOUND = ReviewedJob.names() - PinnedJob.names()
"""What is not read from what the request says of the job, whatever it says."""


# Where a target that leaves manifests out says that the files are, and that it tells no sizes.
_PLACE = frozenset({"stage_code_dir", "unsized"})


def reviewed_jobs(spec: Document, *, partly: bool = False) -> list[ReviewedJob]:
    """The ML jobs of a request.

    Args:
        partly: the target may leave manifests out; such a job is there, not `shown`.

    Raises:
        HashMismatchError: a manifest is missing, or does not add up.
    """
    return [
        _unshown(code_spec, job)
        if partly and not job.get("content_manifest")
        else reviewed_job(ReviewedJob, code_spec, job, _lock(spec, f"{code_spec['id']}${job['name']}"))
        for code_spec in spec.get("code_specs", ())
        for job in code_spec.get("ml_jobs", ())
    ]


def _unshown(code_spec: Document, job: Document) -> ReviewedJob:
    return ReviewedJob.of(job, code_spec_id=str(code_spec["id"]), content_digest="", shown=False, sized=False)


def reviewed_job(kind: type[Kind], code_spec: Document, job: Document, lock: Document) -> Kind:
    """One ML job of a request, with whatever fields its type has.

    Args:
        lock: its dependency lock, empty where the target tells none.

    Raises:
        HashMismatchError: its manifest is missing, or does not add up.
    """
    manifest = job_manifest(str(code_spec["id"]), job)
    return kind.of(
        job,
        content_digest=f"sha256:{manifest.content_digest}",
        code_spec_id=str(code_spec["id"]),
        files=manifest.files,
        image_digest=str((lock.get("image") or {}).get("digest") or ""),
        image_named=not lock or str(job["name"]) not in _without_image(code_spec),
        packages=tuple(_package(each) for each in lock.get("packages") or ()),
        shown=True,
        sized=not job.get("unsized"),
        stage_code_dir=str(job.get("stage_code_dir") or ""),
        other=beyond(job, kind.names() - _FOUND | {"content_manifest"} | _PLACE),
    )


def _lock(spec: Document, job: str) -> Document:
    """The dependency lock of a job, by `<code spec id>$<job>`; empty where the target tells none."""
    locks = spec.get("dependency_lock")
    lock = locks.get(job) if isinstance(locks, Mapping) else None
    return lock if isinstance(lock, Mapping) and isinstance(lock.get("packages"), list) else {}


def _package(locked: Document) -> ReviewedPackage:
    source = str(locked.get("path")) if locked.get("source") == "code" else "package index"
    name, version, wheel, sha256 = (str(locked[key]) for key in ("name", "version", "wheel", "sha256"))
    return ReviewedPackage(name, version, wheel, sha256, source)


def _without_image(code_spec: Document) -> set[str]:
    """The jobs of a code spec that name no image."""
    parsed = parse_spec(str(code_spec.get("spec", "")), source=str(code_spec.get("id")))
    return {job.name for job in parsed.ml_jobs if job.image_tag is None} if isinstance(parsed, CodeSpec) else set()


def beyond(reported: Document, known: frozenset[str]) -> tuple[tuple[str, str], ...]:
    """The entries of a mapping whose keys are not among the known ones, as JSON text."""
    unknown = sorted(key for key in reported if key not in known)
    return tuple((key, json.dumps(reported[key], sort_keys=True, ensure_ascii=False)) for key in unknown)
