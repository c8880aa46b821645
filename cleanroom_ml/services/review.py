"""Everything that approving a request would let run, laid out for the person who decides (architecture decision 6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cleanroom_ml.artifacts import FileEntry, Manifest, build_manifest, compare
from cleanroom_ml.errors import HashMismatchError, UsageError
from cleanroom_ml.evidence.approval_digest import approval_digest
from cleanroom_ml.evidence.approval_subject import approval_subject, job_manifest
from cleanroom_ml.services.update_requests import UpdateRequest
from cleanroom_ml.specs import CodeSpec, SqlsafeExpression, Template, parse_spec

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
class ReviewedJob:
    """One ML job that the template can start.

    `image_named` is False where the code spec names no image and the newest was taken.
    """

    code_spec_id: str
    name: str
    entrypoint: str
    files: tuple[FileEntry, ...]
    content_digest: str
    pip_requirements: tuple[str, ...]
    image: str
    allow_monitoring: bool
    image_digest: str = ""
    image_named: bool = True
    packages: tuple[ReviewedPackage, ...] = ()


@dataclass(frozen=True, slots=True)
class Review:
    """A request as the person who decides must see it. `changes`: against the version approved before, if any."""

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


def review_request(collaboration: str, request: UpdateRequest) -> Review:
    """Lay out an Add Template request.

    Raises:
        UsageError: it is a request of another type.
        HashMismatchError: a manifest is missing, or does not add up to its digest.
    """
    if not request.template_id:
        raise UsageError(
            f"the request {request.id} is of type {request.type}", why="only template requests are reviewed"
        )
    spec = parse_spec(str(request.spec.get("template", "")), source=request.template_id)
    if not isinstance(spec, Template):
        raise UsageError(f"the request {request.id} carries a {spec.spec_type}, not a template")
    jobs = tuple(_jobs(request.spec))
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
        changes=_changes(previous, request.spec) if isinstance(previous, Mapping) else (),
        notes=tuple(_notes(spec, jobs)),
        # The name that its owner gave it: a local name, chosen at REVIEW, would give every party another digest.
        approval_digest=approval_digest(
            approval_subject(str(request.spec.get("collaboration") or collaboration), request.spec)
        ),
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


def _jobs(spec: Mapping[str, Any]) -> list[ReviewedJob]:
    found = []
    for code_spec in spec.get("code_specs", ()):
        for job in code_spec.get("ml_jobs", ()):
            manifest = job_manifest(str(code_spec["id"]), job)
            lock = _lock(spec, f"{code_spec['id']}${job['name']}")
            found.append(
                ReviewedJob(
                    code_spec_id=str(code_spec["id"]),
                    name=str(job["name"]),
                    entrypoint=str(job.get("entrypoint", "")),
                    files=manifest.files,
                    content_digest=f"sha256:{manifest.content_digest}",
                    pip_requirements=tuple(str(each) for each in job.get("pip_requirements") or ()),
                    image=str(job.get("image") or ""),
                    allow_monitoring=bool(job.get("allow_monitoring")),
                    image_digest=str((lock.get("image") or {}).get("digest") or ""),
                    image_named=not lock or str(job["name"]) not in _without_image(code_spec),
                    packages=tuple(_package(each) for each in lock.get("packages") or ()),
                )
            )
    return found


def _lock(spec: Mapping[str, Any], job: str) -> Mapping[str, Any]:
    """The dependency lock of a job, by `<code spec id>$<job>`; empty where the target tells none."""
    locks = spec.get("dependency_lock")
    lock = locks.get(job) if isinstance(locks, Mapping) else None
    return lock if isinstance(lock, Mapping) and isinstance(lock.get("packages"), list) else {}


def _package(locked: Mapping[str, Any]) -> ReviewedPackage:
    source = str(locked.get("path")) if locked.get("source") == "code" else "package index"
    name, version, wheel, sha256 = (str(locked[key]) for key in ("name", "version", "wheel", "sha256"))
    return ReviewedPackage(name, version, wheel, sha256, source)


def _without_image(code_spec: Mapping[str, Any]) -> set[str]:
    """The jobs of a code spec that name no image."""
    parsed = parse_spec(str(code_spec.get("spec", "")), source=str(code_spec.get("id")))
    return {job.name for job in parsed.ml_jobs if job.image_tag is None} if isinstance(parsed, CodeSpec) else set()


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


def _changes(previous: Mapping[str, Any], current: Mapping[str, Any]) -> tuple[str, ...]:
    """What differs from the version that was approved before, a line each."""
    lines = []
    old_spec, new_spec = parse_spec(str(previous.get("template", ""))), parse_spec(str(current.get("template", "")))
    if isinstance(old_spec, Template) and isinstance(new_spec, Template):
        old, new = old_spec.model_dump(), new_spec.model_dump()
        lines += [f"template: {field} changed" for field in new if field != "version" and old[field] != new[field]]
    lines += _other_changes(previous, current)
    before, after = _by_place(_jobs(previous)), _by_place(_jobs(current))
    for key in sorted(before.keys() | after.keys()):
        old_job, new_job = before.get(key), after.get(key)
        if old_job is None or new_job is None:
            lines.append(f"job {key[0]}: {'added' if old_job is None else 'removed'}")
            continue
        difference = compare(Manifest(old_job.files), Manifest(new_job.files))
        lines += [f"job {key[0]}: {line}" for line in difference.describe()]
        lines += [
            f"job {key[0]}: {field} {getattr(old_job, field)!r} → {getattr(new_job, field)!r}"
            for field in ("entrypoint", "pip_requirements", "image", "allow_monitoring")
            if getattr(old_job, field) != getattr(new_job, field)
        ]
        lines += [f"job {key[0]}: {line}" for line in _package_changes(old_job, new_job)]
    return tuple(lines)


def _package_changes(old: ReviewedJob, new: ReviewedJob) -> list[str]:
    before = {each.name: each for each in old.packages}
    after = {each.name: each for each in new.packages}
    lines = []
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name), after.get(name)
        if was is None or now is None:
            lines.append(f"package {name} {'added' if was is None else 'removed'}")
        elif was.sha256 != now.sha256:
            lines.append(f"package {name} {was.version} → {now.version}, {was.sha256[:12]}… → {now.sha256[:12]}…")
    if old.image_digest != new.image_digest and old.image == new.image:
        lines.append(f"image {new.image} is another: {old.image_digest[:19]}… → {new.image_digest[:19]}…")
    return lines


def _other_changes(previous: Mapping[str, Any], current: Mapping[str, Any]) -> list[str]:
    """What the request carries beside the template and the jobs."""
    lines = []
    for key, told in (("result_limit_bytes", "result limit"), ("image", "image")):
        if previous.get(key) != current.get(key):
            lines.append(f"{told} {previous.get(key)!r} → {current.get(key)!r}")
    if _locks(previous) != _locks(current):
        lines.append("dependency lock changed")
    if _callables(previous) != _callables(current):
        lines.append("functions, procedures or artifacts of the code specs changed")
    return lines


def _locks(spec: Mapping[str, Any]) -> Any:
    """The locks by job, whatever the versions of their code specs."""
    locks = spec.get("dependency_lock")
    if not isinstance(locks, Mapping):
        return locks
    return {f"{key.rpartition('$')[0].rpartition('_')[0]}${key.rpartition('$')[2]}": locks[key] for key in locks}


def _callables(spec: Mapping[str, Any]) -> list[Any]:
    """What the code specs define beside ML jobs, whatever their versions."""
    parsed = [parse_spec(str(each.get("spec", "")), source=str(each.get("id"))) for each in spec.get("code_specs", ())]
    return [
        each.model_dump(include={"artifacts", "functions", "procedures"})
        for each in parsed
        if isinstance(each, CodeSpec) and (each.artifacts or each.functions or each.procedures)
    ]


def _by_place(jobs: list[ReviewedJob]) -> dict[tuple[str, str], ReviewedJob]:
    """Jobs by their name and their code spec's; by its whole id where two versions of one code spec are used."""
    names = Counter((job.name, job.code_spec_id.rpartition("_")[0]) for job in jobs)
    found = {}
    for job in jobs:
        place = (job.name, job.code_spec_id.rpartition("_")[0])
        found[place if names[place] == 1 else (job.name, job.code_spec_id)] = job
    return found
