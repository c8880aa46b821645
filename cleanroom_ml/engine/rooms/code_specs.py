"""Code specs: registering one freezes and pins what its stage directories hold (docs/ARCHITECTURE.md, decision 4)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence

import yaml

from cleanroom_ml.artifacts.compare import compare
from cleanroom_ml.artifacts.manifest import FileEntry, Manifest
from cleanroom_ml.engine.contracts.environments import Environments, Needs
from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.rooms.access import key_of
from cleanroom_ml.engine.rooms.caller_rights import require_stages
from cleanroom_ml.engine.rooms.code_functions import routine_of
from cleanroom_ml.engine.rooms.locks import wheels
from cleanroom_ml.engine.rooms.ports import Caller
from cleanroom_ml.engine.rooms.registries import Registries, Resource, read_spec
from cleanroom_ml.engine.sql.errors import room_error
from cleanroom_ml.engine.storage.keys import Key
from cleanroom_ml.engine.storage.stages import StageFile
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.errors import UsageError
from cleanroom_ml.evidence.pinned_job import PinnedJob
from cleanroom_ml.json_values import Document
from cleanroom_ml.naming import split_name
from cleanroom_ml.specs.code_spec import Artifact, CodeSpec, MlJob
from cleanroom_ml.specs.write import dump_spec

_DESCRIBED = (("ML_JOB", "VARCHAR"), ("CONTENT_DIGEST", "VARCHAR"), ("DEPENDENCY_LOCK", "VARCHAR"))
MAX_FILES = 500
MAX_BYTES = 2 * 1024**3
_STAGE_PATH = re.compile(r'@([^/"]*+(?>(?:"(?:[^"]|"")++"[^/"]*+)*))(?<!@)/(.*)\Z')


class CodeSpecs:
    """REGISTER_CODE_SPEC, and the check that what is registered is still what the stage holds."""

    def __init__(
        self,
        storage: Storage,
        registries: Registries,
        environments: Environments,
        check_packages: Callable[[Sequence[str]], None],
    ) -> None:
        self._storage = storage
        self._registries = registries
        self._environments = environments
        self._check_packages = check_packages

    def register(self, caller: Caller, spec_text: object, registry: object | None = None) -> Rows:
        """REGISTER_CODE_SPEC.

        1. The manifest of each job's code directory is taken from its stage.
        2. Image and packages are found and locked, outside of any transaction: the package index may take its time.
        3. In one transaction, where the stage still holds the same, all of it is registered.

        Raises:
            SqlError: SpecValidationError, CodeSpecAlreadyExistsException, CodeSpecStageNotAccessibleError,
                StageDirectoryNotEnabledError, CodeSpecArtifactNotFoundAtStageError, ContentHashMismatchError (the
                stage was changed meanwhile), and what `Environments.lock` refuses.
        """
        spec = read_spec(CodeSpec, spec_text)
        require_stages(self._storage, caller, spec.model_dump())
        if registry is not None:
            raise room_error(
                ErrorName.SpecValidationError, "custom registries hold templates or data offerings, not code specs"
            )
        spec_id = self._registries.check_new(caller, "CODE SPEC", spec.name, spec.version)
        artifacts = [self._artifact(caller.account, each) for each in spec.artifacts]
        routines = [routine_of(each, artifacts) for each in spec.functions]
        routines += [routine_of(each, artifacts) for each in spec.procedures]
        for routine in routines:
            self._check_packages(routine.packages)
        manifests = [self._manifest(caller.account, job) for job in spec.ml_jobs]
        locks = []
        with self._storage.pin(file.sha256 for manifest in manifests for file in manifest.files):
            for job, manifest in zip(spec.ml_jobs, manifests, strict=True):
                code = manifest.by_path()
                needs = Needs(caller.account, spec_id, job.name, job.image_tag, job.requirements, code)
                locks.append(self._environments.lock(needs))
        with self._storage.database.transaction():
            # One transaction: what the stage holds, that the store has it, and the row that keeps it there.
            for job, manifest in zip(spec.ml_jobs, manifests, strict=True):
                changed = compare(manifest, self._manifest(caller.account, job)).describe()
                if changed:
                    raise mismatch(f"{job.stage_code_dir} was changed while it was being registered", changed)
            jobs = [_frozen(*each) for each in zip(spec.ml_jobs, manifests, locks, strict=True)]
            if artifacts != [self._artifact(caller.account, each) for each in spec.artifacts]:
                raise mismatch("an artifact was changed while it was being registered", [])
            self._storage.objects.require(file["sha256"] for job in jobs for file in job["content_manifest"])
            self._storage.objects.require(sha256 for lock in locks for _, sha256 in wheels(lock))
            self._storage.objects.require(each["sha256"] for each in artifacts)
            new_id = self._registries.add(
                caller,
                "CODE SPEC",
                name=spec.name,
                version=spec.version,
                registry_key="DEFAULT",
                spec=str(spec_text),
                detail={"ml_jobs": jobs, "artifacts": artifacts, "shown": _displayed(spec, jobs, artifacts)},
            )
        return Rows.one("REGISTER_CODE_SPEC", new_id)

    def check_unchanged(self, resource: Resource) -> None:
        """Every load verifies every file: raises where the stage does not hold what was registered.

        Raises:
            SqlError: ContentHashMismatchError, naming each file that was changed, added or removed since; a spec
            without
                manifest (documented text).
        """
        spec = read_spec(CodeSpec, resource.spec)
        frozen = {job["name"]: job for job in resource.detail.get("ml_jobs", ())}
        differences: list[str] = []
        for job in spec.ml_jobs:
            recorded = frozen.get(job.name)
            if recorded is None or not recorded.get("content_manifest"):
                raise room_error(
                    ErrorName.SpecValidationError,
                    f"ML job '{job.name}' has no content_manifest. Re-register the code spec to generate the manifest.",
                )
            now = _manifest(self._listed(resource.account, job, refreshed=False), job.stage_code_dir)
            differences += compare(Manifest.from_json(recorded["content_manifest"]), now).describe()
        pinned = {each["alias"]: each for each in resource.detail.get("artifacts", ())}
        for artifact in spec.artifacts:
            if self._artifact(resource.account, artifact, refreshed=False) != pinned.get(artifact.alias):
                differences.append(f"changed: {artifact.stage_path}")
        if differences:
            raise mismatch(f"the stage of code spec {resource.id} does not hold what was registered", differences)

    def describe(self, caller: Caller, code_spec_id: object) -> Rows:
        """CODE_SPECS.DESCRIBE of the engine's own: what registering found for each ML job of one's own code spec.

        Raises:
            SqlError: CodeSpecNotFoundForOwnerException.
        """
        resource = self._registries.by_key(caller.account, "CODE SPEC", key_of(code_spec_id, "code spec id"))
        if resource is None:
            raise room_error(
                ErrorName.CodeSpecNotFoundForOwnerException,
                f"code spec '{str(code_spec_id)[:100]}' is not registered in your account.",
            )
        rows = [
            (job["name"], job["content_digest"], json.dumps(job["dependency_lock"]))
            for job in resource.detail["ml_jobs"]
        ]
        return Rows.answer(_DESCRIBED, tuple(rows))

    def check_pinned(self, jobs: Sequence[Document], artifacts: Sequence[Document] = ()) -> None:
        """Re-hashes the pinned objects on disk: code, artifacts, and the wheels of a lock where a job carries one.

        Raises:
            SqlError: ContentHashMismatchError, naming the files.
        """
        wrong = [
            f"changed: {file['path']}"
            for job in jobs
            for file in job["content_manifest"]
            if not self._storage.objects.verify(file["sha256"])
        ]
        wrong += [
            f"changed: {each['stage_path']}" for each in artifacts if not self._storage.objects.verify(each["sha256"])
        ]
        if wrong:
            raise mismatch("the engine's own copy of the code is not what was registered", wrong)
        self.check_wheels([job["dependency_lock"] for job in jobs if "dependency_lock" in job])

    def check_wheels(self, locks: Iterable[Document]) -> None:
        """Re-hashes the wheels that dependency locks pin.

        Raises:
            SqlError: ContentHashMismatchError, naming the wheels.
        """
        pinned = dict.fromkeys(wheel for lock in locks for wheel in wheels(lock))
        wrong = [f"changed: {name}" for name, sha256 in pinned if not self._storage.objects.verify(sha256)]
        if wrong:
            raise mismatch("the engine's own copy of the packages is not what was locked", wrong)

    def _manifest(self, account: str, job: MlJob) -> Manifest:
        manifest = _manifest(self._listed(account, job, refreshed=True), job.stage_code_dir)
        if len(manifest.files) > MAX_FILES or manifest.total_size > MAX_BYTES:
            raise room_error(
                ErrorName.SpecValidationError,
                f"{job.stage_code_dir} holds {len(manifest.files):,} files, {manifest.total_size:,} bytes; "
                f"at most {MAX_FILES} files and {MAX_BYTES:,} bytes can be registered",
            )
        paths = manifest.by_path()
        if job.entrypoint not in paths:
            raise room_error(
                ErrorName.CodeSpecArtifactNotFoundAtStageError,
                f"ML job '{job.name}': {job.stage_code_dir} has no file {job.entrypoint}.",
            )
        return manifest

    def _artifact(self, account: str, artifact: Artifact, *, refreshed: bool = True) -> Document:
        """What an artifact is now: `{alias, stage_path, size, sha256}`. Raises SqlError."""
        directory, _, name = artifact.stage_path.rpartition("/")
        inside = "/" in directory
        listed = self._files(
            account, directory if inside else f"{directory}/", artifact.stage_path, refreshed=refreshed
        )
        file = dict(listed).get(name)
        if file is None:
            raise room_error(ErrorName.CodeSpecArtifactNotFoundAtStageError, f"there is no file {artifact.stage_path}.")
        if artifact.content_hash is not None and artifact.content_hash != file.sha256:
            raise mismatch(
                f"{artifact.stage_path} is not what its content_hash says",
                [f"expected {artifact.content_hash}", f"found {file.sha256}"],
            )
        return {
            "alias": artifact.alias,
            "stage_path": artifact.stage_path,
            "size": file.size,
            "sha256": file.sha256,
        }

    def _listed(self, account: str, job: MlJob, *, refreshed: bool) -> list[tuple[str, StageFile]]:
        """(path relative to the code directory, file) of what the stage holds. With `refreshed`, its directory must
        say the same.
        """
        return self._files(account, job.stage_code_dir, job.stage_code_dir, refreshed=refreshed)

    def _files(self, account: str, directory: str, shown: str, *, refreshed: bool) -> list[tuple[str, StageFile]]:
        """The same of any directory of a stage; `shown` is what an error calls it."""
        match = _STAGE_PATH.match(directory)
        parts = split_name(match[1]) if match else ()
        key = Key(account, *parts) if len(parts) == 3 else None
        stage = None
        if key is not None and self._storage.namespaces.database_kind(account, key.database) == "standard":
            stage = self._storage.stages.get(key)
        if match is None or key is None or stage is None:
            raise room_error(
                ErrorName.CodeSpecStageNotAccessibleError,
                f"the stage of {shown} does not exist or is not authorized.",
            )
        if not stage.directory:
            raise room_error(
                ErrorName.StageDirectoryNotEnabledError,
                f"stage {key} has no directory table: ALTER STAGE {key} SET DIRECTORY = (ENABLE = TRUE)",
            )
        prefix = (match[2] or "").strip("/") + "/" if (match[2] or "").strip("/") else ""
        held = self._storage.stages.list_files(key, prefix)
        listed = self._storage.stages.directory_files(key, prefix)
        if refreshed and [(file.path, file.sha256) for file in held] != [(file.path, file.sha256) for file in listed]:
            raise room_error(
                ErrorName.CodeSpecArtifactNotFoundAtStageError,
                f"{shown} was changed since its directory was refreshed: ALTER STAGE {key} REFRESH",
            )
        if refreshed and not held:
            raise room_error(ErrorName.CodeSpecArtifactNotFoundAtStageError, f"there are no files in {shown}.")
        return [(file.path.removeprefix(prefix), file) for file in held]


def mismatch(what: str, differences: Sequence[str]) -> Exception:
    """The error for bytes that are not what they should be; one line a file."""
    return room_error(ErrorName.ContentHashMismatchError, "\n".join([f"{what}:", *differences]))


def _frozen(job: MlJob, manifest: Manifest, lock: Document) -> Document:
    pinned = PinnedJob.of(
        job.model_dump(include=set(PinnedJob.names())),
        content_digest=manifest.content_digest,
        image=lock["image"]["tag"],
    )
    return {**pinned.pinned(), "content_manifest": manifest.to_json(), "dependency_lock": lock}


def _displayed(spec: CodeSpec, jobs: Sequence[Document], artifacts: Sequence[Document]) -> str:
    """The spec as others see it: with the manifest of each ML job, and the hash of each artifact. Digest, image and
    packages of a job are told by
    CODE_SPECS.DESCRIBE to who registered it, and with a request to who decides.
    """
    plain = yaml.safe_load(dump_spec(spec))
    for job, frozen in zip(plain.get("ml_jobs") or (), jobs, strict=True):
        job["content_manifest"] = frozen["content_manifest"]
    for artifact, pinned in zip(plain.get("artifacts") or (), artifacts, strict=True):
        artifact["content_hash"] = pinned["sha256"]
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=10_000)


def _manifest(files: Sequence[tuple[str, StageFile]], directory: str) -> Manifest:
    try:
        return Manifest(tuple(FileEntry(path, file.size, file.sha256) for path, file in files))
    except UsageError as error:
        raise room_error(ErrorName.SpecValidationError, f"{directory}: {error}") from None
