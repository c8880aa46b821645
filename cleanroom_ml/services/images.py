"""What has become of the images that code specs pin, where the target tells it (the embedded engine does)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from cleanroom_ml.connection import Connection
from cleanroom_ml.json_values import Document
from cleanroom_ml.services.reported import reported_mapping
from cleanroom_ml.services.review import Review

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class ImageDrift:
    """`tag`, `pinned`: the image that a job was registered with; `now_tag`, `now`: what it would get now, or empty.

    `kept`: the pinned one is there still. `differences`: the packages that differ, as far as the target knows them.
    """

    job: str
    tag: str
    pinned: str
    now_tag: str
    now: str
    kept: bool
    differences: tuple[str, ...]

    @property
    def drifted(self) -> bool:
        return self.now != self.pinned

    def describe(self) -> str:
        """One line: what was pinned, what it is now, which packages differ, and what that means."""
        more = f" and {len(self.differences) - _SHOWN} more" if len(self.differences) > _SHOWN else ""
        packages = f": {', '.join(self.differences[:_SHOWN])}{more}" if self.differences else ""
        now = (
            f"now it would be {self.now_tag} {self.now[:19]}…{packages}"
            if self.now
            else "none of that tag is there now"
        )
        then = (
            "; what was approved goes on in the pinned one" if self.kept else "; the pinned one is gone: it cannot run"
        )
        return f"ML job {self.job}: image {self.tag} {self.pinned[:19]}… was pinned, {now}{then}"


def drift_of_jobs(connection: Connection, jobs: Sequence[Document]) -> tuple[ImageDrift, ...]:
    """Of the ML jobs of a code spec, as the target shows it: those whose image is not what they would get now."""
    found = []
    for job in jobs:
        lock = job.get("dependency_lock")
        image = lock.get("image") if isinstance(lock, Mapping) else None
        if isinstance(image, Mapping):
            tag = job.get("image_tag")
            named = None if tag is None else str(tag)
            found.append(_drift(connection, str(job["name"]), named, str(image["tag"]), str(image["digest"])))
    return tuple(each for each in found if each is not None and each.drifted)


def with_drift(connection: Connection, review: Review) -> Review:
    """The review with a note for each job whose image is not what its tag means now."""
    notes = []
    for job in review.jobs:
        if job.image_digest:
            named = job.image if job.image_named else None
            each = _drift(connection, job.name, named, job.image, job.image_digest)
            if each is not None and each.drifted:
                notes.append(each.describe())
    return replace(review, notes=(*review.notes, *notes))


def _drift(connection: Connection, job: str, named: str | None, tag: str, pinned: str) -> ImageDrift | None:
    rows = connection.call_own("IMAGES.COMPARE", named, pinned)
    if rows is None:
        return None  # this target does not tell
    compared = reported_mapping(next(iter(rows[0].values())))
    return ImageDrift(
        job,
        tag,
        pinned,
        str(compared["now_tag"]),
        str(compared["now"]),
        bool(compared["kept"]),
        tuple(str(each) for each in compared["differences"]),
    )
