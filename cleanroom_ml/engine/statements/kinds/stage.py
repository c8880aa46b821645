"""Stages: CREATE, ALTER, DROP, DESCRIBE, SHOW."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cleanroom_ml.engine.contracts.table import LIST, Rows
from cleanroom_ml.engine.sql.binds import Option
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.describe import Describe
from cleanroom_ml.engine.sql.read.drop import Drop
from cleanroom_ml.engine.sql.read.names import OF_A_TABLE
from cleanroom_ml.engine.sql.read.show import Show
from cleanroom_ml.engine.sql.read.stage import AlterStage, CreateStage
from cleanroom_ml.engine.statements.described import OF_A_STAGE, STAGE_PROPERTIES
from cleanroom_ml.engine.statements.kind import Allowed, Kind, ObjectKind, Roles
from cleanroom_ml.engine.statements.listing import Listed, Listing, place, visible
from cleanroom_ml.engine.statements.refusals import translated
from cleanroom_ml.engine.statements.replies import already_dropped, existed, if_exists
from cleanroom_ml.engine.statements.results import VARCHAR, success
from cleanroom_ml.engine.statements.scope import scope_of
from cleanroom_ml.engine.statements.stage_reader import file_options, stage_format_key
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.grants import OWNERSHIP, Thing

_STAGE_OPTIONS = frozenset({"DIRECTORY", "ENCRYPTION", "FILE_FORMAT", "COMMENT", "COPY_OPTIONS", "TAG"})
_ENCRYPTIONS = frozenset({"SNOWFLAKE_SSE", "SNOWFLAKE_FULL"})


def create_stage(work: Work, statement: CreateStage) -> Rows:
    """CREATE [TEMPORARY] STAGE: internal ones; whoever asks for an external one is refused."""
    options = statement.options
    if unknown := sorted(options.keys() - _STAGE_OPTIONS):
        raise SqlError.unsupported(f"stage option {unknown[0]}")
    encryption = str(_group(options, "ENCRYPTION").get("TYPE", "SNOWFLAKE_FULL")).upper()
    if encryption not in _ENCRYPTIONS:
        raise SqlError.unsupported(f"encryption type {encryption}")
    file_format = _file_format(work, options)
    if statement.name[-1].startswith(OF_A_TABLE):
        raise SqlError.unsupported("a stage whose name starts with %")
    key = work.catalog.target(statement.name, "STAGE")
    session_id = work.temporary(statement.temporary, lambda: work.storage.stages.get(key, None))
    if session_id is None:
        work.require("CREATE STAGE", Thing("SCHEMA", key.database, key.schema))
    reply = success(f"Stage area {key.name} successfully created.")
    with translated(statement.name), work.recorded(reply):
        if session_id is None and statement.or_replace and work.storage.stages.get(key, None) is not None:
            work.require(OWNERSHIP, Thing.of("STAGE", key))
        made = work.storage.stages.create(
            key,
            directory=bool(_group(options, "DIRECTORY").get("ENABLE", False)),
            session_id=session_id,
            encryption=encryption,
            if_exists=if_exists(statement),
            comment=str(options.get("COMMENT", "")),
        )
        if made and session_id is None:
            work.made(Thing.of("STAGE", key))
        if made:
            hidden = stage_format_key(key)
            work.storage.file_formats.drop(hidden, session_id=session_id, if_exists=True)
            if file_format:
                kind = str(file_format.get("TYPE", "CSV")).upper()
                rest = {name: value for name, value in file_format.items() if name != "TYPE"}
                work.storage.file_formats.create(hidden, kind, rest, session_id=session_id, if_exists="replace")
    return reply if made else existed(key.name)


def alter_stage(work: Work, statement: AlterStage) -> Rows:
    """ALTER STAGE … REFRESH (one row a file that changed) or SET DIRECTORY = (ENABLE = …)."""
    privilege = "WRITE" if statement.refresh else OWNERSHIP
    stage = work.stages.stage(statement.name, privilege)
    if stage is None and statement.if_exists:
        return success()
    stage = work.stages.existing(statement.name, privilege)
    if statement.refresh:
        with translated(statement.name):
            refreshed = work.storage.stages.refresh(stage.key, session_id=stage.session_id)
        rows = [(path, "REGISTERED_NEW", "File registered successfully.") for path in refreshed.added]
        rows += [(path, "REGISTERED_UPDATED", "File updated successfully.") for path in refreshed.updated]
        rows += [(path, "UNREGISTERED", "File unregistered successfully.") for path in refreshed.removed]
        return Rows((("file", VARCHAR), ("status", VARCHAR), ("description", VARCHAR)), rows, LIST)
    if unknown := sorted(statement.options.keys() - {"DIRECTORY"}):
        raise SqlError.unsupported(f"ALTER STAGE SET {unknown[0]}")
    with translated(statement.name):
        enabled = bool(_group(statement.options, "DIRECTORY").get("ENABLE", False))
        work.storage.stages.set_directory(stage.key, enabled, session_id=stage.session_id)
    return success()


def drop_stage(work: Work, statement: Drop) -> Rows:
    """DROP STAGE, with its files."""
    stage = work.stages.stage(statement.name, OWNERSHIP) if statement.name != ("~",) else None
    if stage is None:
        work.catalog.target(statement.name, "STAGE")
        if statement.if_exists:
            return already_dropped(statement.name[-1])
        stage = work.stages.existing(statement.name, OWNERSHIP)
    reply = success(f"{stage.key.name} successfully dropped.")
    with translated(statement.name), work.recorded(reply):
        stage = work.stages.existing(statement.name, OWNERSHIP)
        work.storage.stages.drop(stage.key, session_id=stage.session_id, if_exists=statement.if_exists)
        work.storage.file_formats.drop(stage_format_key(stage.key), session_id=stage.session_id, if_exists=True)
    return reply


def _group(options: Mapping[str, Option], name: str) -> Mapping[str, Option]:
    value = options.get(name, {})
    if not isinstance(value, Mapping):
        if value == ():
            return {}
        raise SqlError.syntax(f"Invalid value for {name}: options in parentheses are needed.")
    return value


def _file_format(work: Work, options: Mapping[str, Option]) -> Mapping[str, Option]:
    """The FILE_FORMAT of a stage, checked and with a named format's options in it."""
    given = options.get("FILE_FORMAT", {})
    if isinstance(given, str):
        given = {"FORMAT_NAME": given}
    given = dict(_group({"FILE_FORMAT": given}, "FILE_FORMAT"))
    if "FORMAT_NAME" in given:
        raise SqlError.unsupported("a named file format of a stage; name it where the files are read")
    file_options(given)
    return given


def describe_stage(work: Work, statement: Describe) -> Rows:
    """DESCRIBE STAGE."""
    stage = work.stages.existing(statement.name, None)
    rows = [
        *OF_A_STAGE,
        ("DIRECTORY", "ENABLE", "Boolean", str(stage.directory).lower(), "false"),
        ("DIRECTORY", "AUTO_REFRESH", "Boolean", "false", "false"),
        ("ENCRYPTION", "TYPE", "String", stage.encryption, "SNOWFLAKE_FULL"),
    ]
    if stage.directory and stage.refreshed_on is not None:
        rows.insert(4, ("DIRECTORY", "LAST_REFRESHED_ON", "String", stage.refreshed_on.isoformat(), ""))
    return Rows(STAGE_PROPERTIES, rows)


def _stages(work: Work, statement: Show) -> Listed:
    scope = scope_of(work, statement)
    stages = work.storage.stages.list(work.session.account, scope.database, scope.schema, work.session.id)
    for stage, owner in visible(work, "STAGE", stages):
        if work.restricted and stage.session_id is None:
            continue
        yield place(stage.key, owner) | {
            "created_on": stage.created_on, "url": "", "has_credentials": "N", "has_encryption_key": "N",
            "comment": stage.comment, "type": "INTERNAL TEMPORARY" if stage.session_id else "INTERNAL",
            "directory_enabled": "Y" if stage.directory else "N",
        }  # fmt: skip


def _thing(work: Work, name: tuple[str, ...]) -> Thing:
    key = work.stages.existing(name, None).key
    if not key.database:
        raise SqlError.unsupported("privileges on the stage of a user")
    return Thing.of("STAGE", key)


def _all(work: Work, database: str, schema: str | None) -> list[Thing]:
    return [Thing.of("STAGE", each.key) for each in work.storage.stages.list(work.session.account, database, schema)]


_STAGES: Final = (
    "created_on", "name", "database_name", "schema_name", "url", "has_credentials", "has_encryption_key", "owner",
    "comment", "region", "type", "cloud", "notification_channel", "storage_integration", "endpoint",
    "owner_role_type", "directory_enabled",
)  # fmt: skip
KINDS: Final = (
    Kind(
        CreateStage,
        create_stage,
        allowed=Allowed.TEMPLATE,
        roles=Roles.NAMES,
        narrowed=lambda statement: statement.temporary,
        commits=True,
    ),
    Kind(AlterStage, alter_stage, wire=None, roles=Roles.NAMES, commits=True),
)
OBJECTS: Final = (
    ObjectKind(
        "STAGE",
        drop=drop_stage,
        room_drops=True,
        describe=describe_stage,
        room_describes=True,
        thing=_thing,
        privileges=("READ", "WRITE", "USAGE"),
        everything=_all,
    ),
)
LISTINGS: Final = (Listing("STAGES", _STAGES, _stages, in_room=True),)
