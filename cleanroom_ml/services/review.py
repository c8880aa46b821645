"""What approving a request would let run, laid out for whoever decides (docs/ARCHITECTURE.md, decision 6)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from cleanroom_ml.errors import HashMismatchError
from cleanroom_ml.evidence.approval_digest import approval_digest
from cleanroom_ml.evidence.approval_subject import approval_subject
from cleanroom_ml.evidence.parties import Party, parties_of, party_in, runners_of
from cleanroom_ml.evidence.portable_digest import PREFIX
from cleanroom_ml.json_values import Document
from cleanroom_ml.services.choices import Choices, choices_of
from cleanroom_ml.services.portable import portable_of
from cleanroom_ml.services.review_changes import changes
from cleanroom_ml.services.reviewed_jobs import ReviewedJob, beyond, reviewed_jobs
from cleanroom_ml.services.subjects import Subject
from cleanroom_ml.services.tolerant_specs import code_spec_of, template_of
from cleanroom_ml.services.update_requests import UpdateRequest
from cleanroom_ml.specs.name_choices import CODE
from cleanroom_ml.specs.problems import SpecProblems
from cleanroom_ml.specs.template import Template
from cleanroom_ml.specs.template_text import SqlsafeExpression

_DIGEST = re.compile(rf"(?:{PREFIX}|sha256:)[0-9a-f]{{64}}")
_SHOWN = frozenset(
    {
        "room", "collaboration", "parties", "requester", "runner", "share_with", "template_id", "template",
        "code_specs", "dependency_lock", "image", "result_limit_bytes", "previous", "approval_digest",
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

    `approval_digest` is the engine's, over all that it holds, or on a target without one the portable digest;
    `portable` is that on either, and `portable_unshown` what that is while the code is not shown. `unverified`: what
    would be approved and cannot be seen from here, a line each.
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
    portable: str = ""
    portable_unshown: str = ""
    unverified: tuple[str, ...] = ()
    choices: Choices = field(default_factory=lambda: Choices((), False))

    @property
    def all_data(self) -> bool:
        """Whether every value is data and nothing else: none is SQL, and none chooses a name or a statement."""
        chosen = [each for each in self.choices.found if not each.fixed and each.kind != CODE]
        return not (self.sqlsafe or chosen or self.choices.uncertain)

    def account_of(self, role: str) -> str:
        """The account in a role that one party has: owner or requester."""
        return party_in(self.parties, role).account

    def accounts_of(self, role: str) -> tuple[str, ...]:
        """The accounts in a role that several may have."""
        return tuple(party.account for party in self.parties if role in party.roles)


def review_request(collaboration: str, request: UpdateRequest, subject: Subject) -> Review:
    """Lay out an Add Template request: `subject` is what the target shows of it (`subjects.subject_of`).

    Raises:
        SpecProblems: the template is none.
        HashMismatchError: it does not say whose it is; on a target that shows all of it, a manifest is missing or does
            not add up to its digest, or its digest is not that of what it shows.
    """
    body = subject.body
    spec, beside = template_of(str(body.get("template", "")), request.template_id)
    parties = parties_of(body)
    jobs = tuple(reviewed_jobs(body, partly=subject.digest is None))
    portable = portable_of(body, spec, parties, request.code_specs)
    digest = portable if subject.digest is None else approval_digest(approval_subject(body))
    if subject.digest not in (None, digest):
        raise HashMismatchError(
            f"the digest of {request.template_id} is not that of what it shows",
            differences=(f"claimed {subject.digest}", f"computed {digest}"),
        )
    previous = subject.previous
    return Review(
        request_id=request.id,
        status=request.status,
        collaboration=collaboration,
        requester=str(body.get("requester", "")),
        runner=", ".join(runners_of(body)),
        template_id=str(body.get("template_id") or request.template_id),
        template_type=spec.type,
        template=spec.template,
        parameters=tuple(parameter.name for parameter in spec.parameters),
        sqlsafe=tuple(_sqlsafe(spec, use) for use in spec.sqlsafe_expressions()),
        jobs=jobs,
        result_limit_bytes=body.get("result_limit_bytes"),
        previous_template_id=str(previous["template_id"]) if previous is not None else None,
        changes=changes(previous, body) if previous is not None else (),
        notes=tuple(_notes(spec, jobs, told=subject.digest is not None)),
        approval_digest=digest,
        room=str(body["room"]),
        source_name=str(body.get("collaboration", "")),
        parties=parties,
        other=_other(body, beside),
        portable=portable,
        portable_unshown=portable_of({**body, "code_specs": ()}, spec, parties, _code_ids(body, request)),
        unverified=subject.unverified,
        choices=choices_of(spec),
    )


def _code_ids(body: Document, request: UpdateRequest) -> tuple[str, ...]:
    return (*request.code_specs, *(str(code.get("id")) for code in body.get("code_specs") or ()))


def check_form(expected: str) -> None:
    """Raises HashMismatchError where no request can have what was pinned for a digest."""
    if not _DIGEST.fullmatch(expected):
        raise HashMismatchError(
            f"no request has the digest {expected!r}",
            differences=(f"expected {expected}",),
            why="a digest is sha256: or portable:sha256: with 64 hexadecimal digits in lower case",
            fix="cleanroom-ml review REQUEST  prints it",
        )


def verify_digest(review: Review, expected: str) -> None:
    """Raises HashMismatchError where the request is not the one that was pinned, by either of its digests.

    Of one that is COMPLETED the portable digest is taken as it was before, too: some targets show the code only to who
    has approved it. Nothing is approved by it any more.
    """
    before = (review.portable_unshown,) if review.status == "COMPLETED" else ()
    if expected not in (review.approval_digest, review.portable, *before):
        found = review.portable if expected.startswith(PREFIX) else review.approval_digest
        raise HashMismatchError(
            f"the approval digest of {review.template_id} is not the expected one",
            differences=(f"expected {expected}", f"found    {found}"),
            why=f"expected {expected}, found {found}",
            fix=f"cleanroom-ml review {review.request_id}  shows what would run now",
        )


def _other(body: Document, beside: Document) -> tuple[tuple[str, str], ...]:
    of_codes = []
    for code in body.get("code_specs") or ():
        of_codes += [(f"{code.get('id')}.{key}", text) for key, text in beyond(code, _SHOWN_OF_CODE)]
        of_codes += [(f"{code.get('id')}.{key}", text) for key, text in beyond(_callables(code), frozenset())]
    of_template = [(f"template.{key}", text) for key, text in beyond(beside, frozenset())]
    return (*beyond(body, _SHOWN), *of_template, *of_codes)


def _callables(code: Document) -> dict[str, object]:
    """What a code spec defines beside ML jobs."""
    try:
        spec = code_spec_of(str(code.get("spec", "")), str(code.get("id")))[0]
    except SpecProblems:
        return {"spec": code.get("spec")}
    told = spec.model_dump(mode="json", include={"functions", "procedures", "artifacts"})
    return {key: value for key, value in told.items() if value}


def _sqlsafe(spec: Template, use: SqlsafeExpression) -> SqlsafeUse:
    arguments = {parameter.name.lower() for parameter in spec.parameters} | _RUNNERS_VARIABLES
    controlled = all(name.lower() in arguments for name in use.names)
    return SqlsafeUse(use.expression, use.line, use.names, controlled)


def _notes(spec: Template, jobs: tuple[ReviewedJob, ...], *, told: bool) -> list[str]:
    notes = []
    if jobs:
        notes.append(
            "columns that a job writes to cleanroom tables carry no column policy: what the code copies there, "
            "later templates may read and activate"
        )
    notes += [
        f"ML job {job.name} names no image_tag: the newest image was taken when it was registered, {job.image}"
        for job in jobs
        if told and not job.image_named
    ]
    if jobs and not told:
        notes.append("this target does not show which packages and which image a job gets: it finds them when it runs")
    if any(job.allow_monitoring for job in jobs):
        notes.append("the runner sees everything that the code prints (allow_monitoring: true)")
    if spec.type == "sql_activation":
        notes.append("this template sends rows out of the room")
    return notes
