"""What approving a request would let run, laid out for whoever decides (docs/ARCHITECTURE.md, decision 6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cleanroom_ml.artifacts.build import build_manifest
from cleanroom_ml.artifacts.compare import compare
from cleanroom_ml.artifacts.manifest import Manifest
from cleanroom_ml.errors import HashMismatchError, UsageError
from cleanroom_ml.evidence.approval_digest import approval_digest
from cleanroom_ml.evidence.approval_subject import approval_subject
from cleanroom_ml.evidence.parties import Party, parties_of, party_in
from cleanroom_ml.json_values import Document
from cleanroom_ml.services.choices import Choices, choices_of
from cleanroom_ml.services.review_changes import changes
from cleanroom_ml.services.reviewed_jobs import ReviewedJob, beyond, reviewed_jobs
from cleanroom_ml.services.update_requests import UpdateRequest
from cleanroom_ml.specs.name_choices import CODE
from cleanroom_ml.specs.parse import parse_spec
from cleanroom_ml.specs.template import Template
from cleanroom_ml.specs.template_text import SqlsafeExpression

_SHOWN = frozenset(
    {
        "room", "collaboration", "parties", "requester", "runner", "template_id", "template", "code_specs",
        "dependency_lock", "image", "result_limit_bytes", "previous", "approval_digest",
    }
)  # fmt: skip
_SHOWN_OF_CODE = frozenset({"id", "name", "spec", "ml_jobs"})
# What the engine fills from the runner's own call: the runner sees and chooses each of these.
_RUNNERS_VARIABLES = frozenset({"source_table", "my_table"})


@dataclass(frozen=True, slots=True)
class SqlsafeUse:
    """An expression that enters the SQL as it is. `runner_controlled`: only the runner's own arguments are in it."""

    expression: str
    line: int
    names: tuple[str, ...]
    runner_controlled: bool


@dataclass(frozen=True, slots=True)
class Review:
    """A request as the person who decides must see it. `changes`: against the version approved before, if any.

    `room` is the room's unique id, `source_name` its owner's name for it, and `parties` are the accounts behind the
    aliases. `other` is what the request carries beyond this version's knowledge of requests, as it stands there: it is
    approved with the rest.
    """

    request_id: str
    status: str
    collaboration: str
    requester: str
    runner: str
    template_id: str
    template_type: str
    template: str
    parameters: tuple[str, ...]
    sqlsafe: tuple[SqlsafeUse, ...]
    jobs: tuple[ReviewedJob, ...]
    result_limit_bytes: int | None
    previous_template_id: str | None
    changes: tuple[str, ...]
    notes: tuple[str, ...]
    approval_digest: str
    room: str
    source_name: str
    parties: tuple[Party, ...]
    other: tuple[tuple[str, str], ...] = ()
    choices: Choices = field(default_factory=lambda: Choices((), False))

    @property
    def all_data(self) -> bool:
        """Whether every value is data and nothing else: none is SQL, and none chooses a name or a statement."""
        chosen = [each for each in self.choices.found if not each.fixed and each.kind != CODE]
        return not (self.sqlsafe or chosen or self.choices.uncertain)

    def account_of(self, role: str) -> str:
        """The account in a role that one party has: owner, requester or analysis_runner."""
        return party_in(self.parties, role).account


def review_request(collaboration: str, request: UpdateRequest) -> Review:
    """Lay out an Add Template request.

    Raises:
        UsageError: it is a request of another type.
        HashMismatchError: it does not say whose it is; a manifest is missing, or does not add up to its digest.
    """
    if not request.template_id:
        raise UsageError(
            f"the request {request.id} is of type {request.type}", why="only template requests are reviewed"
        )
    spec = parse_spec(str(request.spec.get("template", "")), source=request.template_id)
    if not isinstance(spec, Template):
        raise UsageError(f"the request {request.id} carries a {spec.spec_type}, not a template")
    parties = parties_of(request.spec)
    jobs = tuple(reviewed_jobs(request.spec))
    previous = request.spec.get("previous")
    return Review(
        request_id=request.id,
        status=request.status,
        collaboration=collaboration,
        requester=request.requester,
        runner=request.runner,
        template_id=request.template_id,
        template_type=spec.type,
        template=spec.template,
        parameters=tuple(parameter.name for parameter in spec.parameters),
        sqlsafe=tuple(_sqlsafe(spec, use) for use in spec.sqlsafe_expressions()),
        jobs=jobs,
        result_limit_bytes=request.spec.get("result_limit_bytes"),
        previous_template_id=str(previous["template_id"]) if isinstance(previous, Mapping) else None,
        changes=changes(previous, request.spec) if isinstance(previous, Mapping) else (),
        notes=tuple(_notes(spec, jobs)),
        approval_digest=approval_digest(approval_subject(request.spec)),
        room=str(request.spec["room"]),
        source_name=str(request.spec.get("collaboration", "")),
        parties=parties,
        other=_other(request.spec),
        choices=choices_of(spec),
    )


def verify_reviewed(review: Review, directory: Path) -> None:
    """Prove that the directory that was read is what would run: every file of every job, by its SHA-256.

    Raises:
        UsageError: the template runs no code, or there is no such directory.
        HashMismatchError: naming each file: `added` is in what would run only, `removed` in what was reviewed only.
    """
    if not review.jobs:
        raise UsageError(
            f"{review.template_id} runs no staged code", why="--reviewed compares code", fix="--expect-digest instead"
        )
    reviewed, differences = build_manifest(directory), []
    for job in review.jobs:
        difference = compare(reviewed, Manifest(job.files))
        differences += [f"{job.code_spec_id}${job.name}: {line}" for line in difference.describe()]
    if differences:
        raise HashMismatchError(
            f"what was reviewed in {directory} is not what {review.template_id} would run",
            differences=tuple(differences),
            why="; ".join(differences),
            fix="get the provider's current code, read what changed, and approve against that",
        )


def verify_digest(review: Review, expected: str) -> None:
    """Raises HashMismatchError where the request is not the one that was pinned."""
    if expected != review.approval_digest:
        raise HashMismatchError(
            f"the approval digest of {review.template_id} is not the expected one",
            differences=(f"expected {expected}", f"found    {review.approval_digest}"),
            why=f"expected {expected}, found {review.approval_digest}",
            fix=f"cleanroom-ml review {review.request_id}  shows what would run now",
        )


def _other(spec: Document) -> tuple[tuple[str, str], ...]:
    of_codes = [
        (f"{code.get('id')}.{key}", text)
        for code in spec.get("code_specs") or ()
        for key, text in beyond(code, _SHOWN_OF_CODE)
    ]
    return (*beyond(spec, _SHOWN), *of_codes)


def _sqlsafe(spec: Template, use: SqlsafeExpression) -> SqlsafeUse:
    arguments = {parameter.name.lower() for parameter in spec.parameters} | _RUNNERS_VARIABLES
    controlled = all(name.lower() in arguments for name in use.names)
    return SqlsafeUse(use.expression, use.line, use.names, controlled)


def _notes(spec: Template, jobs: tuple[ReviewedJob, ...]) -> list[str]:
    notes = []
    if jobs:
        notes.append(
            "columns that a job writes to cleanroom tables carry no column policy: what the code copies there, "
            "later templates may read and activate"
        )
    notes += [
        f"ML job {job.name} names no image_tag: the newest image was taken when it was registered, {job.image}"
        for job in jobs
        if not job.image_named
    ]
    if any(job.allow_monitoring for job in jobs):
        notes.append("the runner sees everything that the code prints (allow_monitoring: true)")
    if spec.type == "sql_activation":
        notes.append("this template sends rows out of the room")
    return notes
