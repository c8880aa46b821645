"""The directory that a person has read, against what a request would run (docs/ARCHITECTURE.md, decision 6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cleanroom_ml.artifacts.build import build_manifest
from cleanroom_ml.artifacts.compare import compare
from cleanroom_ml.artifacts.manifest import Manifest
from cleanroom_ml.connection import Connection
from cleanroom_ml.connection.session import whole_number
from cleanroom_ml.errors import HashMismatchError, ServerError, UsageError
from cleanroom_ml.services.change_review import ChangeReview
from cleanroom_ml.services.review import Review
from cleanroom_ml.services.reviewed_jobs import ReviewedJob
from cleanroom_ml.services.shown_manifests import without_sizes
from cleanroom_ml.services.staging import StageLocation


@dataclass(frozen=True, slots=True)
class Verified:
    """What was compared, a line each, and whether that was every byte that would run."""

    lines: tuple[str, ...]
    complete: bool


def verify_reviewed(review: Review, directory: Path, connection: Connection | None = None) -> Verified:
    """Prove that the directory that was read is what would run: every file of every job, by its SHA-256.

    Where the target does not show the hashes of a job, what is staged is compared by names and sizes, if this account
    may list it; that proves nothing about the content, and `complete` is False.

    Raises:
        UsageError: the template runs no code, or there is no such directory.
        HashMismatchError: naming each file, and on which side it is only, or that it has changed.
    """
    check_comparable(review, directory)
    reviewed = build_manifest(directory)
    differences: list[str] = []
    lines: list[str] = []
    for job in review.jobs:
        name = f"{job.code_spec_id}${job.name}"
        if job.shown:
            mine = reviewed if job.sized else without_sizes(reviewed)
            found = _by_content(mine, Manifest(job.files), directory)
            lines.append(f"{name}: every file of {directory} is what would run")
        else:
            staged = _staged(connection, job)
            found = [] if staged is None else _by_size(reviewed, staged, directory)
            lines.append(
                f"{name}: nothing of its files is shown, so nothing was compared"
                if staged is None
                else f"{name}: {len(staged)} staged files have the names and sizes of those in {directory}; "
                "their content was not compared"
            )
        differences += [f"{name}: {line}" for line in found]
    if differences:
        raise HashMismatchError(
            f"what was reviewed in {directory} is not what {review.template_id} would run",
            differences=tuple(differences),
            why="; ".join(differences),
            fix="get the provider's current code, read what changed, and approve against that",
        )
    if not review.unverified:
        lines = [f"every file of {directory} is what would run"]
    if not lines:
        lines = [f"nothing was compared: {'; '.join(review.unverified)}"]
    return Verified(tuple(lines), not review.unverified)


def check_comparable(review: Review, directory: Path) -> None:
    """Raises UsageError where there is nothing to compare: the template runs no code, or there is no directory."""
    if not review.jobs and not review.unverified:
        raise UsageError(
            f"{review.template_id} runs no staged code", why="--reviewed compares code", fix="--expect-digest instead"
        )
    check_directory(directory)


def check_directory(directory: Path) -> None:
    """Raises UsageError where there is no directory of what was reviewed."""
    if not directory.is_dir():
        raise UsageError(
            f"there is no directory {directory}",
            why="it is to hold the copy of the code that was read",
            fix="--reviewed DIR, with the directory that you have read",
        )


def check_seen(review: Review | ChangeReview, *, unverified_ok: bool) -> None:
    """An approval of what cannot be seen from here is given knowingly or not at all.

    Raises:
        UsageError: something of the request is not shown by this account.
    """
    if review.unverified and not unverified_ok:
        raise UsageError(
            f"not all of the request {review.request_id} can be verified from this account",
            why="; ".join(review.unverified),
            fix=f"ask its provider what would run, then: cleanroom-ml approve {review.request_id} --unverified-ok",
        )


def _staged(connection: Connection | None, job: ReviewedJob) -> dict[str, int] | None:
    """Path → size of a job's staged files; None where they cannot be listed from here."""
    if connection is None or not job.stage_code_dir:
        return None
    try:
        location = StageLocation.parse(job.stage_code_dir)
        rows = connection.execute(f"LIST {location.at('')}")
    except (ServerError, UsageError):
        return None
    prefix = location.path + "/"
    found = {}
    for row in rows:
        path = str(row["name"]).partition("/")[2]
        if path.startswith(prefix):
            found[path.removeprefix(prefix)] = whole_number(row["size"])
    return found or None


def _by_content(reviewed: Manifest, runs: Manifest, directory: Path) -> list[str]:
    found = compare(reviewed, runs)
    return [
        *_one_sided(found.added, found.removed, directory),
        *(f"changed: {path}" for path in found.changed),
    ]


def _by_size(reviewed: Manifest, staged: dict[str, int], directory: Path) -> list[str]:
    sizes = {entry.path: entry.size for entry in reviewed.files}
    return [
        *_one_sided(sorted(staged.keys() - sizes.keys()), sorted(sizes.keys() - staged.keys()), directory),
        *(f"changed: {path}" for path in sorted(staged.keys() & sizes.keys()) if staged[path] != sizes[path]),
    ]


def _one_sided(runs: Iterable[str], reviewed: Iterable[str], directory: Path) -> list[str]:
    """What is on one side only. It need not be the other side that has changed: nobody has taken a file away."""
    return [
        *(f"would run, and is not in {directory}: {path}" for path in runs),
        *(f"only in {directory}: {path}" for path in reviewed),
    ]
