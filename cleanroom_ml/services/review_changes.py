"""What a request would change: against the version of the same template that was approved before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import fields

from cleanroom_ml.artifacts.compare import compare
from cleanroom_ml.artifacts.manifest import Manifest
from cleanroom_ml.evidence.parties import runners_of
from cleanroom_ml.json_values import Document
from cleanroom_ml.services.reviewed_jobs import ReviewedJob, reviewed_jobs
from cleanroom_ml.specs.code_spec import CodeSpec
from cleanroom_ml.specs.parse import parse_spec
from cleanroom_ml.specs.template import Template

# Compared piece by piece, or other in every version by their nature. Whatever else a request carries is compared whole.
_IN_PIECES = frozenset(
    {"template", "template_id", "code_specs", "dependency_lock", "approval_digest", "previous", "runner", "share_with"}
)
# Of a job: what it goes by, what its files and packages are told by, and what the review says of either version.
IN_OTHER_WORDS = frozenset(
    {"name", "code_spec_id", "files", "content_digest", "packages", "image_digest", "image_named", "shown",
     "sized", "stage_code_dir"}
)  # fmt: skip
_TOLD_AS = {"result_limit_bytes": "result limit"}
# A version that was approved before requests named them has none of these.
_WHOSE = frozenset({"room", "collaboration", "parties"})


def changes(previous: Document, current: Document) -> tuple[str, ...]:
    """What differs from the version that was approved before, a line each."""
    lines = []
    old_spec, new_spec = parse_spec(str(previous.get("template", ""))), parse_spec(str(current.get("template", "")))
    if isinstance(old_spec, Template) and isinstance(new_spec, Template):
        old, new = old_spec.model_dump(), new_spec.model_dump()
        lines += [f"template: {field} changed" for field in new if field != "version" and old[field] != new[field]]
    lines += _other_changes(previous, current)
    before, after = _by_place(reviewed_jobs(previous)), _by_place(reviewed_jobs(current))
    for key in sorted(before.keys() | after.keys()):
        old_job, new_job = before.get(key), after.get(key)
        if old_job is None or new_job is None:
            lines.append(f"job {key[0]}: {'added' if old_job is None else 'removed'}")
            continue
        lines += [f"job {key[0]}: {line}" for line in job_changes(old_job, new_job)]
    return tuple(lines)


def job_changes(old: ReviewedJob, new: ReviewedJob) -> list[str]:
    """What differs between two versions of a job, a line each: in any field that their type has."""
    lines = list(compare(Manifest(old.files), Manifest(new.files)).describe())
    for name in (one.name for one in fields(new)):
        before, after = getattr(old, name), getattr(new, name)
        if name not in IN_OTHER_WORDS and before != after:
            lines.append(f"{name} {before!r} → {after!r}")
    return lines + _package_changes(old, new)


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


def _other_changes(previous: Document, current: Document) -> list[str]:
    """What the request carries beside the template and the jobs."""
    lines = []
    for key in sorted((previous.keys() | current.keys()) - _IN_PIECES):
        if previous.get(key) != current.get(key) and not (key in _WHOSE and key not in previous):
            lines.append(f"{_TOLD_AS.get(key, key)} {previous.get(key)!r} → {current.get(key)!r}")
    if runners_of(previous) != runners_of(current):
        lines.append(f"for {', '.join(runners_of(previous))} → for {', '.join(runners_of(current))}")
    if _locks(previous) != _locks(current):
        lines.append("dependency lock changed")
    if _callables(previous) != _callables(current):
        lines.append("functions, procedures or artifacts of the code specs changed")
    return lines


def _locks(spec: Document) -> object:
    """The locks by job, whatever the versions of their code specs."""
    locks = spec.get("dependency_lock")
    if not isinstance(locks, Mapping):
        return locks
    return {f"{key.rpartition('$')[0].rpartition('_')[0]}${key.rpartition('$')[2]}": locks[key] for key in locks}


def _callables(spec: Document) -> list[object]:
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
