"""Register code specs: the server freezes the SHA-256 of every staged file (docs/api-digest.md §2)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal

from cleanroom_ml.artifacts.compare import compare
from cleanroom_ml.artifacts.manifest import Manifest
from cleanroom_ml.artifacts.secrets import Secret, refuse_secrets, secret_name
from cleanroom_ml.connection import Connection
from cleanroom_ml.errors import CleanroomError, ConflictError, HashMismatchError, UsageError
from cleanroom_ml.json_values import Document
from cleanroom_ml.services.code_directory import code_manifest
from cleanroom_ml.services.images import ImageDrift, drift_of_jobs
from cleanroom_ml.services.named import not_there
from cleanroom_ml.services.registration import (
    CODE_SPECS,
    TEMPLATES,
    differing_fields,
    list_registered,
    registered_spec,
)
from cleanroom_ml.services.reported import reported_mapping
from cleanroom_ml.services.shown_manifests import shown_manifest, without_sizes
from cleanroom_ml.services.staging import StageLocation, refuse_staged_secrets, staged_difference
from cleanroom_ml.services.tolerant_specs import code_spec_of
from cleanroom_ml.services.update_requests import list_requests
from cleanroom_ml.specs.code_spec import CodeSpec
from cleanroom_ml.specs.edit import bump_version, replace_code_spec_reference, set_version_in_text
from cleanroom_ml.specs.load import load_spec, read_text
from cleanroom_ml.specs.parse import plain_mapping
from cleanroom_ml.specs.project import Project
from cleanroom_ml.specs.template import Template

_DESCRIBE: Final = "CODE_SPECS.DESCRIBE"
_BY_SIZE: Final = (
    "{} staged file(s) have the names and sizes of the directory's; LIST tells no MD5 of them here, so that their "
    "content was not compared (cleanroom-ml stage sends them again)"
)


@dataclass(frozen=True, slots=True)
class RegisteredCodeSpec:
    """What registering did; `content_digests`, `images` and `packages` by job name, the last two as far as the target
    tells them. `edited` names the files that `--bump` changed; `without_image` the jobs that name no image; `drift` the
    jobs whose image is not what they would get now. `notes`: what the images' own records state of them.
    `not_compared`: the jobs that were registered before, and whose files the target does not show the hashes of.
    `by_size`: the staged files that were compared with the directory's by name and size alone.
    """

    id: str
    outcome: Literal["registered", "unchanged"]
    content_digests: dict[str, str]
    edited: tuple[str, ...] = ()
    images: dict[str, str] = field(default_factory=dict)
    packages: dict[str, tuple[str, ...]] = field(default_factory=dict)
    without_image: tuple[str, ...] = ()
    drift: tuple[ImageDrift, ...] = ()
    notes: tuple[str, ...] = ()
    not_compared: tuple[str, ...] = ()
    by_size: tuple[str, ...] = ()

    def warnings(self) -> tuple[str, ...]:
        """What to tell before others are asked to approve it."""
        return (
            tuple(
                f"ML job {job} names no image_tag: the newest image is taken" + (f", now {image}" if image else "")
                for job in self.without_image
                for image in (self.images.get(job),)
            )
            + tuple(
                f"{each.describe()} (cleanroom-ml spec register --bump takes the image of now)" for each in self.drift
            )
            + self.notes
            + tuple(_unshown(job) for job in self.not_compared)
            + ((_BY_SIZE.format(len(self.by_size)),) if self.by_size else ())
        )


def register_code_spec(
    connection: Connection, project: Project, path: Path, *, bump: bool = False, allow_secrets: Collection[str] = ()
) -> RegisteredCodeSpec:
    """Register the code spec of a file with the content that is staged.

    The staged files must be the directory's: registering is for ever, so a forgotten `stage` is caught before it. The
    same content again changes nothing; other content under the same version is a conflict, or with `bump` the next free
    version, in the file itself and in the project's templates that name it. Another image of a job's tag is no
    conflict, because what was approved goes on in the one that was pinned; with `bump` it is a next version as well.

    Args:
        allow_secrets: paths in the code directory that look like secrets and are meant to be there.

    Raises:
        SpecProblems: the file breaks a rule.
        SecretsFoundError: other files of the code look like secrets.
        UsageError: a job's entrypoint is not among the code.
        ConflictError: the version is registered with other content (names the files and fields that differ).
        HashMismatchError: the stage holds other bytes than the directory.
    """
    spec = _load(path)
    by_size = _check_staged(connection, project, spec, allow_secrets)
    before = registered_spec(connection, CODE_SPECS, spec.id)
    if before is None:
        return _seen(connection, project, spec, _register(connection, path, spec), by_size)
    differences = _differences(before, spec, project)
    drift = drift_of_jobs(connection, _with_locks(connection, spec.id, before))
    if not differences and not (bump and drift):
        told = _registered(connection, spec, "unchanged", before)
        return _seen(connection, project, spec, replace(told, drift=drift, not_compared=not_compared(before)), by_size)
    if not bump:
        raise ConflictError(
            f"the code spec {spec.id} is registered with other content",
            differences=differences,
            why="; ".join(differences),
            fix="cleanroom-ml spec register --bump",
        )
    edited = _bump(connection, project, path, spec)
    registered = _register(connection, path, _load(path))
    return _seen(connection, project, _load(path), replace(registered, edited=edited), by_size)


def manifests(spec_text: str) -> dict[str, Manifest]:
    """The content manifests that a registered code spec is shown with, by job name; of jobs without one that can be
    read, nothing.
    """
    return {name: manifest for name, (manifest, _) in _shown(spec_text).items()}


def not_compared(spec_text: str) -> tuple[str, ...]:
    """The jobs of a registered code spec whose files are not shown with their hashes: not known to be the same."""
    shown = _shown(spec_text)
    return tuple(str(job.get("name")) for job in _jobs(spec_text) if str(job.get("name")) not in shown)


def dependency_locks(connection: Connection, spec_id: str) -> dict[str, Document]:
    """The dependency locks of one's own code spec, by job name; none where the target tells none."""
    rows = connection.call_own(_DESCRIBE, spec_id) or ()
    return {str(row["ml_job"]): reported_mapping(row["dependency_lock"]) for row in rows}


def _load(path: Path) -> CodeSpec:
    spec = load_spec(path)
    if not isinstance(spec, CodeSpec):
        raise UsageError(f"{path} is a {spec.spec_type}", why="a code spec is expected here")
    return spec


def _register(connection: Connection, path: Path, spec: CodeSpec) -> RegisteredCodeSpec:
    connection.call(CODE_SPECS.register, read_text(path))
    after = registered_spec(connection, CODE_SPECS, spec.id)
    return _registered(connection, spec, "registered", after or "")


def _registered(
    connection: Connection, spec: CodeSpec, outcome: Literal["registered", "unchanged"], displayed: str
) -> RegisteredCodeSpec:
    """What the target shows of a registered code spec."""
    locks = dependency_locks(connection, spec.id)
    return RegisteredCodeSpec(
        spec.id,
        outcome,
        _digests(displayed),
        images={job: f"{lock['image']['tag']}@{lock['image']['digest']}" for job, lock in locks.items()},
        packages={
            job: tuple(f"{each['name']}=={each['version']}" for each in lock["packages"]) for job, lock in locks.items()
        },
        without_image=tuple(job.name for job in spec.ml_jobs if job.image_tag is None),
        notes=tuple(
            dict.fromkeys(
                f"image {lock['image']['tag']}: {note}"
                for lock in locks.values()
                for note in lock["image"].get("notes", ())
            )
        ),
    )


def _seen(
    connection: Connection, project: Project, spec: CodeSpec, done: RegisteredCodeSpec, by_size: tuple[str, ...]
) -> RegisteredCodeSpec:
    """The same, once what was compared by size alone is compared by the target's own manifest, which is what counts.

    Raises:
        HashMismatchError: other content was registered than the directory holds.
    """
    if not by_size:
        return done
    displayed = registered_spec(connection, CODE_SPECS, spec.id) or ""
    if not _jobs(displayed) or not_compared(displayed):
        return replace(done, by_size=by_size)
    if differences := _differences(displayed, spec, project):
        raise HashMismatchError(
            f"{spec.id} is registered with other content than {project.code} holds",
            differences=differences,
            why="; ".join(differences),
            fix="cleanroom-ml stage, then: cleanroom-ml spec register --bump",
        )
    return done


def _check_staged(
    connection: Connection, project: Project, spec: CodeSpec, allow_secrets: Collection[str]
) -> tuple[str, ...]:
    """What is on the stage is what the directory holds, and no secret is among it, nor among the artifacts. Comes back:
    the files whose content the target does not tell.
    """
    artifacts = [artifact.stage_path for artifact in spec.artifacts]
    found = (Secret(path, what) for path in artifacts if (what := secret_name(path)))
    refuse_secrets(found, [path for path in allow_secrets if path in artifacts], artifacts)
    local = StageLocation.parse(project.stage) if project.stage and project.code_directory is not None else None
    for stage_code_dir in dict.fromkeys(job.stage_code_dir for job in spec.ml_jobs):
        if local is None or not _same_place(stage_code_dir, local):
            refuse_staged_secrets(connection, StageLocation.parse(stage_code_dir), allow_secrets=allow_secrets)
    if local is None or not any(_same_place(job.stage_code_dir, local) for job in spec.ml_jobs):
        return ()
    directory = project.code_directory
    assert directory is not None
    _check_entrypoints(spec, local, directory)
    staged = staged_difference(connection, directory, local, allow_secrets=allow_secrets)
    if staged.differences:
        raise HashMismatchError(
            f"{local} does not hold what {project.code} holds",
            differences=staged.differences,
            why="; ".join(staged.differences),
            fix="cleanroom-ml stage",
        )
    return staged.by_size


def _check_entrypoints(spec: CodeSpec, local: StageLocation, directory: Path) -> None:
    """Raises UsageError: a job of the directory's code starts with a file that is not among it, as a name that was
    misspelt does. Staging again would not help, and a bumped version would have been used up.
    """
    names = [entry.path for entry in code_manifest(directory).files]
    for job in spec.ml_jobs:
        if not _same_place(job.stage_code_dir, local) or job.entrypoint in names:
            continue
        if (directory / job.entrypoint).is_file():
            raise UsageError(
                f"the entrypoint {job.entrypoint!r} of the ML job {job.name} is left out of what goes to the stage",
                fix="cleanroom-ml stage --dry-run  (it lists which rule leaves it out)",
            )
        scripts = [name for name in names if name.endswith(".py")]
        fix = "correct `entrypoint` in the code spec; cleanroom-ml validate tells its line"
        raise not_there(
            f"file of {directory.name}/ for the entrypoint of the ML job {job.name}:", job.entrypoint, scripts, fix=fix
        )


def _same_place(stage_code_dir: str, location: StageLocation) -> bool:
    return stage_code_dir.strip("/").upper() == str(location).upper()


def _differences(before: str, spec: CodeSpec, project: Project) -> tuple[str, ...]:
    fields = differing_fields(code_spec_of(before, spec.id)[0], spec)
    found = [f"field {field} differs" for field in fields]
    if project.code_directory is not None:
        local = code_manifest(project.code_directory)
        lines = [
            line
            for manifest, sized in _shown(before).values()
            for line in compare(manifest, local if sized else without_sizes(local)).describe()
        ]
        found += dict.fromkeys(lines)
    return tuple(found)


def _bump(connection: Connection, project: Project, path: Path, spec: CodeSpec) -> tuple[str, ...]:
    """The next free version into the code spec's file, and into every template of the project that names it.

    Free is a version that neither the registry nor the project's collaboration has: what others know by an id stays
    what they know.
    """
    taken = _taken(connection, project)
    version = _next_free(spec.name, spec.version, taken)
    edits = {path: set_version_in_text(read_text(path), version)}
    for template_path in project.template_paths:
        template = load_spec(template_path)
        if isinstance(template, Template) and spec.id.upper() in {listed.upper() for listed in template.code_specs}:
            text = replace_code_spec_reference(read_text(template_path), spec.id, f"{spec.name}_{version}")
            following = _next_free(template.name, template.version, taken)
            edits[template_path] = set_version_in_text(text, following)
    for edited, text in edits.items():
        edited.write_text(text, encoding="utf-8")
    return tuple(edited.name for edited in edits)


def _taken(connection: Connection, project: Project) -> set[str]:
    """The ids of code specs and templates that exist, in upper case."""
    taken = set()
    for kind in (CODE_SPECS, TEMPLATES):
        taken |= {str(row[kind.id_column]) for row in connection.call(kind.view)}
    if project.collaboration:
        for request in list_requests(connection, project.collaboration):
            taken.add(request.template_id)
            taken |= set(request.code_specs)
    return {each.upper() for each in taken}


def _next_free(name: str, version: str, taken: Collection[str]) -> str:
    version = bump_version(version)
    while f"{name}_{version}".upper() in taken:
        version = bump_version(version)
    return version


def _digests(spec_text: str) -> dict[str, str]:
    return {name: f"sha256:{manifest.content_digest}" for name, manifest in manifests(spec_text).items()}


def _mapping(spec_text: str) -> Document:
    return plain_mapping(spec_text, source="the registered code spec") if spec_text else {}


def _shown(spec_text: str) -> dict[str, tuple[Manifest, bool]]:
    """Each job's manifest that can be read, and whether it tells sizes."""
    found = {
        str(job.get("name")): shown_manifest(job.get("content_manifest"), str(job.get("stage_code_dir") or ""))
        for job in _jobs(spec_text)
    }
    return {name: manifest for name, manifest in found.items() if manifest is not None}


def _jobs(spec_text: str) -> list[Document]:
    listed = _mapping(spec_text).get("ml_jobs")
    return [job for job in listed if isinstance(job, dict)] if isinstance(listed, list) else []


def _unshown(job: str) -> str:
    return f"ML job {job}: the hashes of its files are not shown by this account; its content was not compared"


def _with_locks(connection: Connection, spec_id: str, spec_text: str) -> list[Document]:
    """The jobs of one's own code spec, with the locks that the target tells."""
    locks = dependency_locks(connection, spec_id)
    return [{**job, "dependency_lock": locks.get(str(job.get("name")))} for job in _jobs(spec_text)]


def registered_text(connection: Connection, spec_id: str) -> str:
    """A registered code spec with its manifests. Raises UsageError: this account registered none of that id."""
    text = registered_spec(connection, CODE_SPECS, spec_id)
    if text is None:
        raise UsageError(f"this account registered no code spec {spec_id!r}", fix="cleanroom-ml spec list")
    return text


def is_registered(connection: Connection, project: Project) -> bool:
    """Whether a code spec of the project is registered under the id that its file has; False where nobody tells.

    Only what somebody is told to do next depends on it.
    """
    if not project.code_spec_paths:
        return False
    try:
        there = {str(row[CODE_SPECS.id_column]).upper() for row in list_registered(connection, CODE_SPECS)}
        return any(_load(path).id.upper() in there for path in project.code_spec_paths)
    except CleanroomError:  # a role may not be shown them, and a file that breaks a rule is told when it is registered
        return False


def difference(connection: Connection, project: Project, path: Path) -> tuple[str, ...]:
    """How a file's code spec and the project's code differ from what is registered under its id, and the images of its
    jobs from what they would get now.
    """
    spec = _load(path)
    displayed = registered_text(connection, spec.id)
    drift = drift_of_jobs(connection, _with_locks(connection, spec.id, displayed))
    hidden = (_unshown(job) for job in not_compared(displayed))
    return (*_differences(displayed, spec, project), *(each.describe() for each in drift), *hidden)
