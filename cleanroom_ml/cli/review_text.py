"""A review as a person reads it before deciding."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from cleanroom_ml.cli.plain import visible

OWNER = "owner"

if TYPE_CHECKING:
    from cleanroom_ml.services.change_review import ChangeReview
    from cleanroom_ml.services.review import Review


_CHOOSING = (
    ("name", "names that the runner chooses, and which"),
    ("code", "values that go to the code"),
)


def review_text(review: Review) -> str:
    """Who asks for what, for whom; the template; the code; what differs from the last version approved.

    What cannot be seen is written out, so that a control sequence or a reordering mark hides nothing of what would run.
    """
    lines = [
        f"{review.requester} asks that {review.runner} may run {review.template_id} in {review.collaboration}",
        f"  request  {review.request_id} ({review.status})",
        f"  type     {review.template_type}",
        f"  room     {review.room}, {review.source_name} of {review.account_of(OWNER)}",
        *(f"  account  {party.account}, here {party.alias}: {_roles(party.roles)}" for party in review.parties),
        "",
        "template",
        *(f"  | {line}" for line in review.template.rstrip().split("\n")),
        "",
        *_values(review),
        *_jobs(review),
        *_changes(review),
        *(f"also approved: {key} {text}" for key, text in review.other),
        *(f"note: {note}" for note in review.notes),
        *(f"NOT VERIFIED: {line}" for line in review.unverified),
        *(["approving it needs --unverified-ok"] if review.unverified else []),
        "",
        *([f"portable digest  {review.portable}"] if review.portable != review.approval_digest else []),
        f"approval digest  {review.approval_digest}",
    ]
    return "\n".join(visible(line) for line in lines)


def change_text(review: ChangeReview) -> str:
    """A change that is no template, as the target tells it."""
    lines = [
        f"{review.requester or 'somebody'} asks: {review.type}, in {review.collaboration}",
        f"  request  {review.request_id} ({review.status})",
        *(f"  account  {party.account}, here {party.alias}: {_roles(party.roles) or '-'}" for party in review.parties),
        "",
        *(f"{key}: {text}" for key, text in review.details),
        "",
        *(f"  | {line}" for line in review.spec.rstrip().split("\n")),
        "",
        f"portable digest  {review.approval_digest}",
    ]
    return "\n".join(visible(line) for line in lines)


def _roles(roles: tuple[str, ...]) -> str:
    return ", ".join(role.replace("_", " ") for role in roles)


def _values(review: Review) -> list[str]:
    """What the values of the template may do: that they are data is said only where all of them are."""
    lines = []
    if review.all_data:
        lines.append("every value is bound: none enters the SQL as it is (no sqlsafe), none names a column or a table")
    elif not review.sqlsafe:
        lines.append("no value enters the SQL as it is (no sqlsafe), but values choose names")
    else:
        lines.append("values that enter the SQL as they are (sqlsafe)")
        for use in review.sqlsafe:
            who = "the runner's own argument" if use.runner_controlled else "NOT under the runner's control"
            lines.append(f"  line {use.line}: {use.expression}  ({who})")
    for kind, heading in _CHOOSING:
        found = [each for each in review.choices.found if (each.kind == "code") == (kind == "code")]
        if found:
            lines += [heading, *(f"  line {each.line}: {each.text}  ({each.allowed})" for each in found)]
    if review.choices.uncertain:
        lines.append("CANNOT BE TOLD: blocks stand inside of names; any value may choose a column or a table")
    return [*lines, ""]


# The fields of a job that have words of their own below. Whatever else a job has is shown as it stands.
_WORDED = frozenset(
    {
        "code_spec_id", "name", "entrypoint", "files", "content_digest", "pip_requirements", "packages", "image",
        "image_digest", "image_named", "other", "allow_monitoring", "shown", "sized", "stage_code_dir",
    }
)  # fmt: skip


def _jobs(review: Review) -> list[str]:
    lines = []
    displayed: dict[str, str] = {}
    for job in review.jobs:
        first = displayed.setdefault(job.content_digest or job.name, job.name)
        files = [f"  {entry.sha256}  {_size(entry.size, told=job.sized)}  {entry.path}" for entry in job.files]
        files = files if job.shown else ["  its files are not shown by this account"]
        lines += [
            f"ML job {job.code_spec_id}${job.name}: python {job.entrypoint}",
            *(files if first == job.name else [f"  the same {len(files)} files as {first}"]),
            *([f"  content digest   {job.content_digest}"] if job.shown else []),
            f"  packages         {', '.join(job.pip_requirements) or 'none beyond the image'}",
            *(f"    {each.name} {each.version}  {each.sha256[:16]}…  from {each.source}" for each in job.packages),
            f"  image            {job.image or 'latest'}" + (f"  {job.image_digest}" if job.image_digest else ""),
            *(f"  {one.name:<16} {getattr(job, one.name)}" for one in fields(job) if one.name not in _WORDED),
            *(f"  {key:<16} {text}" for key, text in job.other),
            f"  monitoring       {'allowed: the runner may read its log' if job.allow_monitoring else 'not allowed'}",
            "",
        ]
    if review.jobs and review.result_limit_bytes is not None:
        lines += [f"result limit     {review.result_limit_bytes:,} bytes come out to the runner", ""]
    return lines


def _size(size: int, *, told: bool) -> str:
    return f"{size:>10,}" if told else f"{'-':>10}"


def _changes(review: Review) -> list[str]:
    if review.previous_template_id is None:
        return ["first version: nothing of this template was approved before", ""]
    if not review.changes:
        return [f"no difference from {review.previous_template_id}, approved before, but its version", ""]
    return [f"changes since {review.previous_template_id}", *(f"  {line}" for line in review.changes), ""]
