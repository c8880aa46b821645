"""A field that a job gets is one that the approver sees and that the review compares, without anybody's doing."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import pytest
from services_requests import job, request, spec, subject

from cleanroom_ml.cli import review_text as text
from cleanroom_ml.evidence.pinned_job import PinnedJob
from cleanroom_ml.services.review import review_request
from cleanroom_ml.services.review_changes import IN_OTHER_WORDS, job_changes
from cleanroom_ml.services.reviewed_jobs import ReviewedJob, reviewed_job
from cleanroom_ml.specs.code_spec import MlJob


@dataclass(frozen=True, slots=True)
class _Later(ReviewedJob):
    """A job as a later version may have it."""

    network: bool = False
    retries: int = 0
    hosts: tuple[str, ...] = ()


def _later(**told: object) -> _Later:
    return reviewed_job(_Later, {"id": "code_V1", "spec": ""}, job(**told), {})


@pytest.mark.parametrize(("name", "value"), [("network", True), ("retries", 3), ("hosts", ["a.example"])])
def test_a_field_more_is_read_compared_and_shown(name: str, value: object) -> None:
    before, after = _later(), _later(**{name: value})
    (line,) = job_changes(before, after)
    assert line.startswith(f"{name} ")
    review = replace(review_request("LOOKALIKE", request(spec()), subject(spec())), jobs=(after,))
    shown = [each for each in text.review_text(review).splitlines() if each.split()[:1] == [name]]
    assert len(shown) == 1
    assert str(value).strip("[]") in shown[0]
    assert not after.other, "what is known stands in its field, and nowhere twice"


def test_every_field_of_a_job_is_compared_or_told_in_other_words() -> None:
    """Each field, changed alone, makes a line, but those that are what the job goes by or are told by other fields."""
    old = _later()
    silent = set()
    for one in fields(ReviewedJob):
        value = getattr(old, one.name)
        other = {str: "x", bool: not value, int: 7, tuple: (("k", "v"),)}[type(value)]
        if one.name not in {"files", "packages"} and not job_changes(old, replace(old, **{one.name: other})):
            silent.add(one.name)
    assert silent == {
        "name", "code_spec_id", "content_digest", "image_named", "shown", "sized", "stage_code_dir",
    }  # fmt: skip
    assert ReviewedJob.names() >= IN_OTHER_WORDS
    assert ReviewedJob.names() >= text._WORDED, "what has no words of its own is shown as it stands"


def test_what_a_request_claims_of_what_is_found_is_not_believed() -> None:
    """A request that says `image_digest` of a job says something that nobody here knows: it is shown as that."""
    told = _later(image_digest="sha256:0", packages=[], code_spec_id="other_V1")
    assert (told.image_digest, told.code_spec_id) == ("", "code_V1")
    assert {key for key, _ in told.other} == {"image_digest", "packages", "code_spec_id"}


def test_what_is_pinned_of_a_job_comes_from_its_spec_or_is_found() -> None:
    assert PinnedJob.names() - set(MlJob.model_fields) == {"content_digest", "image"}
    assert all(one.default is not None for one in fields(PinnedJob))
