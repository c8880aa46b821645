"""Upload a code directory to an internal stage, so that what is staged is exactly what the directory holds.

Source: docs/api-digest.md §2 (code_spec: files uncompressed, directory table on, stage refreshed).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cleanroom_ml.artifacts.progress import Observer, Silent
from cleanroom_ml.artifacts.secrets import Secret, refuse_secrets, secret_name
from cleanroom_ml.connection import Connection
from cleanroom_ml.connection.literals import identifier, text
from cleanroom_ml.connection.session import whole_number
from cleanroom_ml.errors import ServerError, UsageError
from cleanroom_ml.naming import display
from cleanroom_ml.services.code_directory import STAGEABLE, refuse_nothing, stageable_manifest
from cleanroom_ml.services.code_directory import check_names as _check_names
from cleanroom_ml.services.namespaces import in_its_schema

__all__ = [
    "Observer",
    "StageLocation",
    "StageOutcome",
    "Staged",
    "refuse_staged_secrets",
    "stage_directory",
    "staged_difference",
]


_MD5 = re.compile(r"[0-9a-f]{32}\Z")
DOES_NOT_EXIST = 2003
"""Snowflake's error for what is not there, or not to be seen."""


@dataclass(frozen=True, slots=True)
class StageLocation:
    """A directory on an internal stage: `ML_DB.PUBLIC.ML_STAGE/lookalike` → stage name and path."""

    stage: str
    path: str

    @classmethod
    def parse(cls, location: str) -> StageLocation:
        """Raises UsageError: not `[DB.SCHEMA.]STAGE/path`."""
        name, _, path = location.removeprefix("@").partition("/")
        path = path.strip("/")
        try:
            stage = identifier(name)
        except ValueError as error:
            raise UsageError(f"not a stage: {location!r}", fix="write it as DB.SCHEMA.STAGE/directory") from error
        if name.count(".") > 2 or {"", ".", ".."} & set(path.split("/")) or not STAGEABLE.match(path):
            raise UsageError(f"not a directory on a stage: {location!r}", fix="write it as DB.SCHEMA.STAGE/directory")
        return cls(stage, path)

    def __str__(self) -> str:
        return f"@{self.stage}/{self.path}"

    def at(self, path: str) -> str:
        """The stage path of a file or directory below, as SQL text."""
        return text(f"@{self.stage}/{self.path}/{path}".rstrip("/"))


@dataclass(frozen=True, slots=True)
class StageOutcome:
    """What staging changed. `content_digest` is the directory's (docs/ARCHITECTURE.md, decision 5).

    `created` names the database and schema that had to be made for the stage (on the embedded engine only).
    """

    stage: str
    files: int
    bytes: int
    content_digest: str
    uploaded: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: tuple[str, ...]
    created: tuple[str, ...] = ()


def stage_directory(
    connection: Connection,
    directory: Path,
    location: StageLocation,
    *,
    observer: Observer | None = None,
    allow_secrets: Collection[str] = (),
) -> StageOutcome:
    """Make the stage directory equal to `directory`: upload what differs, remove what is gone, refresh the stage.

    Doing it again with the same content uploads nothing. Nothing moves unless the whole directory passes the limits
    (500 files, 2 GB), the path rules, and the look for secrets.

    Args:
        allow_secrets: paths in the directory that look like secrets and are meant to be staged.

    Raises:
        SecretsFoundError: files look like secrets; nothing has been sent.
        UsageError: the directory breaks a limit, holds a file that cannot be staged, or holds none to stage.
        ServerError: the stage's database or schema does not exist, or the server refused.
    """
    manifest = stageable_manifest(directory, allow_secrets=allow_secrets)
    _check_names(manifest)
    refuse_nothing(manifest, directory, remove=f'cleanroom-ml sql "REMOVE {location.at("")[1:-1]}"')
    create = (
        f"CREATE STAGE IF NOT EXISTS {location.stage} DIRECTORY = (ENABLE = TRUE) ENCRYPTION = (TYPE = 'SNOWFLAKE_SSE')"
    )
    created = in_its_schema(connection, location.stage, lambda: connection.execute(create))
    staged = _list(connection, location)
    removed = sorted(set(staged) - {entry.path for entry in manifest.files})
    for path in removed:
        connection.execute(f"REMOVE {location.at(path)}")
    # REMOVE takes everything whose path begins so: what it may have taken along is sent again.
    staged = {path: state for path, state in staged.items() if not path.startswith(tuple(removed))}
    uploaded, unchanged = [], []
    watcher = observer or Silent()
    watcher.start(len(manifest.files), manifest.total_size)
    try:
        for entry in manifest.files:
            local = directory / entry.path
            if _is(staged.get(entry.path), local, entry.size) is True:
                unchanged.append(entry.path)
            else:
                connection.put(local, location.at(_parent(entry.path)))
                uploaded.append(entry.path)
            watcher.advance(entry.path, entry.size)
    finally:
        watcher.finish()
    connection.execute(f"ALTER STAGE {location.stage} REFRESH")
    return StageOutcome(
        str(location),
        len(manifest.files),
        manifest.total_size,
        f"sha256:{manifest.content_digest}",
        tuple(uploaded),
        tuple(removed),
        tuple(unchanged),
        created,
    )


@dataclass(frozen=True, slots=True)
class Staged:
    """What was compared. `differences`: a line a file; `by_size`: the files whose content the target does not tell."""

    differences: tuple[str, ...]
    by_size: tuple[str, ...]


def staged_difference(
    connection: Connection, directory: Path, location: StageLocation, *, allow_secrets: Collection[str] = ()
) -> Staged:
    """How the stage directory differs from `directory`.

    Raises:
        SecretsFoundError: as `stageable_manifest`.
    """
    local = {entry.path: entry.size for entry in stageable_manifest(directory, allow_secrets=allow_secrets).files}
    staged = _list(connection, location)
    lines = [f"not staged: {path}" for path in sorted(set(local) - set(staged))]
    lines += [f"staged, but not in the directory: {path}" for path in sorted(set(staged) - set(local))]
    by_size = []
    for path in sorted(set(local) & set(staged)):
        same = _is(staged[path], directory / path, local[path])
        if same is None:
            by_size.append(path)
        elif not same:
            lines.append(f"staged with other content: {path}")
    return Staged(tuple(lines), tuple(by_size))


def refuse_staged_secrets(
    connection: Connection, location: StageLocation, *, allow_secrets: Collection[str] = ()
) -> None:
    """For a stage directory that no directory here stands for: its files' names are all there is to go by.

    Raises:
        SecretsFoundError: one looks like a secret.
    """
    paths = sorted(_list(connection, location))
    found = (Secret(path, what) for path in paths if (what := secret_name(path)))
    refuse_secrets(found, [path for path in allow_secrets if path in paths], paths)


def _is(staged: tuple[int, str] | None, local: Path, size: int) -> bool | None:
    """Whether a staged file is the local one; None: it is as large, and the target does not tell its content.

    LIST, "Output": on S3 the column is the eTag, which is no MD5 of a file that was brought in parts; with a customer's
    own keys it can be NULL.
    """
    if staged is None or staged[0] != size:
        return False
    return staged[1] == _md5(local) if _MD5.match(staged[1]) else None


def _list(connection: Connection, location: StageLocation) -> dict[str, tuple[int, str]]:
    """Path below the location → (size, what LIST tells as its MD5) of every staged file."""
    prefix = location.path + "/"
    files = {}
    try:
        rows = connection.execute(f"LIST {location.at('')}")
    except ServerError as error:
        if error.code == DOES_NOT_EXIST:
            role = connection.target.parameters.get("role")
            whose = f"the role {display(str(role))}" if role else "this role"
            error.why = error.why or (
                f"nothing was staged there yet, the stage is another account's, or {whose} may not read it"
            )
            error.fix = error.fix or f"cleanroom-ml stage  (this looks in {location})"
        raise
    for row in rows:
        path = str(row["name"]).partition("/")[2]  # LIST puts the stage's name in front
        if path.startswith(prefix):
            files[path.removeprefix(prefix)] = (whole_number(row["size"]), str(row.get("md5") or "").lower())
    return files


def _parent(path: str) -> str:
    parent = str(PurePosixPath(path).parent)
    return "" if parent == "." else parent


def _md5(path: Path) -> str:
    """MD5 because LIST reports it: it decides what to upload; trust rests on SHA-256 alone."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
