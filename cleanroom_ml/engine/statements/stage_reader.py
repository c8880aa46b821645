"""Stages as one session sees them: which files a reference stands for, and how they are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Protocol

from cleanroom_ml.engine.sql.binds import Option
from cleanroom_ml.engine.sql.catalog import FileOptions, RowsSource, StagedFile, StagedSource, StageReference
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.files.staged import FOREIGN
from cleanroom_ml.engine.sql.numbers import is_whole
from cleanroom_ml.engine.sql.read.names import OF_A_TABLE
from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.engine.statements.refusals import displayed, no_privilege
from cleanroom_ml.engine.storage import temporaries
from cleanroom_ml.engine.storage.file_formats import FileFormat
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.keys import Key
from cleanroom_ml.engine.storage.rights import Rights
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.stages import Stage, StageFile
from cleanroom_ml.engine.storage.storage import Storage

Target = Callable[[tuple[str, ...], str], Key]
_TYPES = frozenset({"CSV", "JSON", "PARQUET"}) | FOREIGN
_DIRECTORY = (
    ("RELATIVE_PATH", SqlType("VARCHAR")),
    ("SIZE", SqlType("NUMBER", 38, 0)),
    ("LAST_MODIFIED", SqlType("TIMESTAMP_LTZ")),
    ("MD5", SqlType("VARCHAR")),
    ("ETAG", SqlType("VARCHAR")),
    ("FILE_URL", SqlType("VARCHAR")),
)


class PathMatcher(Protocol):
    """Decides which paths match a client's regular expression (see `patterns.py`)."""

    def __call__(self, pattern: str, paths: Sequence[str]) -> list[bool]: ...


class StageReader:
    """Resolves `@stage/path`.

    Args:
        target: where a stage's name lands (a catalog's `target`); its refusal is "no such stage".
        rights: what the session's roles may do.
        temporary_only: only the session's own temporary stages exist (jobs and rooms).
    """

    def __init__(
        self,
        storage: Storage,
        session: Session,
        target: Target,
        matches: PathMatcher,
        rights: Rights,
        *,
        temporary_only: bool = False,
    ) -> None:
        self._storage = storage
        self._session = session
        self._target = target
        self._matches = matches
        self._rights = rights
        self._temporary_only = temporary_only

    def stage(self, parts: tuple[str, ...], privilege: str | None = None) -> Stage | None:
        """The stage that the session means; None: no such stage, or not for this session.

        Raises:
            SqlError: it is there for the session's roles, which do not have `privilege` on it; or it is a person's, and
                this is a procedure with its owner's rights.
        """
        if parts == ("~",):
            if self._temporary_only:
                return None
            if temporaries.seen() is not None:
                raise SqlError.unsupported(
                    "@~ in a procedure with its owner's rights: any of the caller's roles may have filled it."
                    " Use a stage that the owner may read"
                )
            key = self._storage.stages.user_stage(self._session.account, self._session.user)
            return self._storage.stages.get(key)
        if parts[-1].startswith(OF_A_TABLE):
            return self._of_table((*parts[:-1], parts[-1].removeprefix(OF_A_TABLE)), privilege)
        try:
            key = self._target(parts, "STAGE")
        except SqlError:
            return None
        stage = self._storage.stages.get(key, self._session.id)
        if stage is None or (self._temporary_only and stage.session_id is None):
            return None
        thing = Thing.of("STAGE", key)
        if stage.session_id is None and not self._rights.finds(thing):
            return None
        if stage.session_id is None and privilege is not None and not self._rights.has(privilege, thing):
            raise no_privilege("stage", displayed(parts))
        return stage

    def _of_table(self, parts: tuple[str, ...], privilege: str | None) -> Stage | None:
        """The stage of a table, for whom the table is (user-guide/data-load-local-file-system-create-stage)."""
        try:
            key = self._target(parts, "TABLE")
        except SqlError:
            return None
        table = self._storage.tables.get(key, self._session.id)
        if table is None or (table.session_id is None and self._temporary_only):
            return None
        thing = Thing.of("TABLE", key)
        if table.session_id is None and not self._rights.finds(thing):
            return None
        if table.session_id is None and privilege is not None and not self._rights.owns(thing):
            raise no_privilege("stage", displayed((*parts[:-1], f"{OF_A_TABLE}{parts[-1]}")))
        return self._storage.stages.get(self._storage.stages.table_stage(key, table.session_id), table.session_id)

    def existing(self, parts: tuple[str, ...], privilege: str | None = "READ") -> Stage:
        """`stage`, or SqlError not found."""
        stage = self.stage(parts, privilege)
        if stage is None:
            raise SqlError.not_found("Stage", self._whole_name(parts))
        return stage

    def _whole_name(self, parts: tuple[str, ...]) -> str:
        """How Snowflake's errors call a stage: with its database and schema, where the session has them."""
        try:
            key = self._target(parts, "STAGE")
        except SqlError:
            return displayed(parts)
        return displayed((key.database, key.schema, key.name))

    def files(self, stage: Stage, path: str, pattern: str | None = None) -> list[StageFile]:
        """The files whose path starts with `path` (as text, as on Snowflake) and matches the whole of `pattern`."""
        files = list(self._storage.stages.list_files(stage.key, path, session_id=stage.session_id))
        if pattern is None or not files:
            return files
        matched = self._matches(pattern, [listed_name(stage, file.path) for file in files])
        return [file for file, wanted in zip(files, matched, strict=True) if wanted]

    def staged(self, reference: StageReference, names: Sequence[str] = ()) -> StagedSource | None:
        """What a reference stands for; `names` are FILES = (…), relative to its path. None: no such stage."""
        stage = self.stage(reference.parts, "READ")
        if stage is None:
            return None
        files = self.files(stage, reference.path, reference.pattern)
        if names:
            wanted = {reference.path.rstrip("/") + "/" * bool(reference.path) + name for name in names}
            files = [file for file in files if file.path in wanted]
            if missing := wanted - {file.path for file in files}:
                raise SqlError.not_found("File", min(missing))
        options = self.options(reference, stage)
        found = (StagedFile(file.path, file.sha256, file.md5, file.last_modified) for file in files)
        return StagedSource(tuple(found), options)

    def directory(self, parts: tuple[str, ...]) -> RowsSource | None:
        """The stage's directory table, as of its last refresh. Raises SqlError: it has none."""
        stage = self.stage(parts, "READ")
        if stage is None:
            return None
        if not stage.directory:
            raise SqlError.syntax(f"Stage '{displayed(parts)}' has no directory table enabled.")
        files = self._storage.stages.directory_files(stage.key, session_id=stage.session_id)
        rows = tuple((file.path, file.size, file.last_modified, file.md5, file.md5, None) for file in files)
        return RowsSource(_DIRECTORY, rows)

    def options(self, reference: StageReference, stage: Stage | None = None) -> FileOptions:
        """How the files of a reference are read: its own options, else its named format's, else the stage's, else CSV.

        Raises:
            SqlError: no such file format; a type or an option that is not supported.
        """
        given = dict(reference.options)
        if reference.file_format is not None:
            named = self._format(reference.file_format)
            return file_options({**named, **given})
        if not given and stage is not None:
            key = stage_format_key(stage.key)
            own = self._storage.file_formats.get(key, stage.session_id) if stage.key.database else None
            if own is not None:
                return file_options({"TYPE": own.type, **own.options})
        return file_options(given)

    def _format(self, parts: tuple[str, ...]) -> Mapping[str, Option]:
        found = self._storage.file_formats.get(self._target(parts, "FILE FORMAT"), self._session.id)
        if found is None or (self._temporary_only and found.session_id is None) or not self._may_use(found):
            raise SqlError.not_found("File format", displayed(parts))
        return {"TYPE": found.type, **found.options}

    def _may_use(self, found: FileFormat) -> bool:
        return found.session_id is not None or self._rights.reaches("USAGE", Thing.of("FILE FORMAT", found.key))


def listed_name(stage: Stage, path: str) -> str:
    """A file as LIST names it: below the stage's name in lower case; those of a user's or a table's by their path."""
    if not stage.key.database or stage.key.name.startswith(OF_A_TABLE):
        return path
    name = stage.key.name
    return f"{name.lower() if name == name.upper() else name}/{path}"


def stage_format_key(stage: Key) -> Key:
    """Where the FILE_FORMAT of a CREATE STAGE is kept: no identifier that is written unquoted starts with `@`."""
    return Key(stage.account, stage.database, stage.schema, f"@{stage.name}"[:255])


# What changes nothing of what is read here.
_HARMLESS = frozenset(
    {"USE_LOGICAL_TYPE", "USE_VECTORIZED_SCANNER", "BINARY_AS_TEXT", "SNAPPY_COMPRESSION",
     "MULTI_LINE", "COMMENT", "FILE_EXTENSION"}
)  # fmt: skip
# What is read in one way only: the values that mean that way. Another value is refused rather than ignored.
_FIXED: Mapping[str, frozenset[object]] = {
    "REPLACE_INVALID_CHARACTERS": frozenset({False}),
    "IGNORE_UTF8_ERRORS": frozenset({False}),
    "SKIP_BYTE_ORDER_MARK": frozenset({True}),
    "RECORD_DELIMITER": frozenset({"\n", "\r\n", "\\n", "\\r\\n"}),
    "TIME_FORMAT": frozenset({"AUTO"}),
    "BINARY_FORMAT": frozenset({"HEX"}),
}


def file_options(given: Mapping[str, Option]) -> FileOptions:
    """Snowflake's file format options as `FileOptions`.

    Raises:
        SqlError: a type or an option that is not supported, or a value of the wrong kind.
    """
    known = {field.name.upper(): field for field in fields(FileOptions)}
    values: dict[str, Any] = {}  # Any: fields of `FileOptions` by name, of whichever type each has
    for name, value in given.items():
        if name == "TYPE":
            values["type"] = str(value).upper()
        elif name in {"NULL_IF"}:
            values["null_if"] = tuple(str(item) for item in value) if isinstance(value, tuple | list) else (str(value),)
        elif name in known:
            values[known[name].name] = _option(name, value, getattr(FileOptions(), known[name].name))
        elif name in _FIXED:
            said = value.upper() if name.endswith("_FORMAT") and isinstance(value, str) else value
            if not any(said == meant for meant in _FIXED[name]):
                raise SqlError.unsupported(f"file format option {name} = {str(value)[:40]}")
        elif name not in _HARMLESS:
            raise SqlError.unsupported(f"file format option {name}")
    if values.get("type", "CSV") not in _TYPES:
        raise SqlError.unsupported(f"file format type {values['type']}")
    return FileOptions(**values)


def _option(name: str, value: object, default: object) -> object:
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise SqlError.syntax(f"Invalid value for {name}: TRUE or FALSE is needed.")
        return value
    if isinstance(default, int):
        if isinstance(value, str) and is_whole(value) and len(value) < 9:
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 1_000_000:
            raise SqlError.syntax(f"Invalid value for {name}: a number from 0 is needed.")
        return value
    if value is None or (str(value).upper() in {"NONE", "AUTO"} and default is None):
        return None
    return str(value).upper() if name in {"COMPRESSION", "ENCODING"} else _delimiter(str(value))


def _delimiter(text: str) -> str:
    return {"\\t": "\t", "\\n": "\n", "\\\\": "\\", "NONE": ""}.get(text, text)
