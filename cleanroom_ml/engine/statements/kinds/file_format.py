"""File formats: CREATE, DROP, SHOW."""

from __future__ import annotations

import json
from typing import Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.describe import Describe
from cleanroom_ml.engine.sql.read.drop import Drop
from cleanroom_ml.engine.sql.read.file_format import AlterFileFormat, CreateFileFormat
from cleanroom_ml.engine.sql.read.show import Show
from cleanroom_ml.engine.statements.format_properties import properties
from cleanroom_ml.engine.statements.kind import Allowed, Kind, ObjectKind, Roles
from cleanroom_ml.engine.statements.listing import Listed, Listing, place, texts, visible
from cleanroom_ml.engine.statements.refusals import displayed, translated
from cleanroom_ml.engine.statements.replies import already_dropped, existed, if_exists
from cleanroom_ml.engine.statements.results import success
from cleanroom_ml.engine.statements.scope import scope_of
from cleanroom_ml.engine.statements.stage_reader import file_options
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.grants import OWNERSHIP, Thing


def create_file_format(work: Work, statement: CreateFileFormat) -> Rows:
    """CREATE [TEMPORARY] FILE FORMAT."""
    options = {name: value for name, value in statement.options.items() if name != "COMMENT"}
    kind = str(options.pop("TYPE", "CSV")).upper()
    file_options({"TYPE": kind, **options})
    key = work.catalog.target(statement.name, "FILE FORMAT")
    if not statement.temporary:
        work.require("CREATE FILE FORMAT", Thing("SCHEMA", key.database, key.schema))
    reply = success(f"File format {key.name} successfully created.")
    with translated(statement.name), work.recorded(reply):
        if not statement.temporary and statement.or_replace and work.storage.file_formats.get(key, None) is not None:
            work.require(OWNERSHIP, Thing.of("FILE FORMAT", key))
        made = work.storage.file_formats.create(
            key,
            kind,
            options,
            session_id=work.temporary(statement.temporary, lambda: work.storage.file_formats.get(key, None)),
            if_exists=if_exists(statement),
            comment=str(statement.options.get("COMMENT", "")),
        )
        if made and not statement.temporary:
            work.made(Thing.of("FILE FORMAT", key))
    return reply if made else existed(key.name)


def alter_file_format(work: Work, statement: AlterFileFormat) -> Rows:
    """ALTER FILE FORMAT … SET, UNSET COMMENT, RENAME TO; the type stays (sql-reference/sql/alter-file-format)."""
    key = work.catalog.target(statement.name, "FILE FORMAT")
    formats, session_id = work.storage.file_formats, work.session.id
    reply = success()
    with translated(statement.new_name or statement.name), work.recorded(reply):
        found = formats.get(key, session_id)
        if found is None and statement.if_exists:
            return reply
        if found is None:
            raise SqlError.not_found("File format", displayed(statement.name))
        if found.session_id is None:
            work.require(OWNERSHIP, Thing.of("FILE FORMAT", key))
        if statement.new_name is not None:
            new = work.catalog.target(statement.new_name, "FILE FORMAT")
            if found.session_id is None:
                work.require("CREATE FILE FORMAT", Thing("SCHEMA", new.database, new.schema))
            formats.rename(key, new, session_id=session_id)
            return reply
        options = {**found.options, **{name: value for name, value in statement.options.items() if name != "COMMENT"}}
        if str(options.pop("TYPE", found.type)).upper() != found.type:
            raise SqlError.unsupported("ALTER FILE FORMAT SET TYPE")
        file_options({"TYPE": found.type, **options})
        comment = statement.options.get("COMMENT", "" if statement.no_comment else None)
        formats.alter(key, options=options, comment=None if comment is None else str(comment), session_id=session_id)
    return reply


def drop_file_format(work: Work, statement: Drop) -> Rows:
    """DROP FILE FORMAT."""
    key = work.catalog.target(statement.name, "FILE FORMAT")
    reply = success(f"{key.name} successfully dropped.")
    with translated(statement.name), work.recorded(reply):
        there = work.storage.file_formats.get(key, work.session.id)
        if there is not None and there.session_id is None:
            work.require(OWNERSHIP, Thing.of("FILE FORMAT", key))
        dropped = work.storage.file_formats.drop(key, session_id=work.session.id, if_exists=statement.if_exists)
    return reply if dropped else already_dropped(key.name)


def describe_file_format(work: Work, statement: Describe) -> Rows:
    """DESCRIBE FILE FORMAT."""
    key = work.catalog.target(statement.name, "FILE FORMAT")
    found = work.storage.file_formats.get(key, work.session.id)
    if (
        found is None
        or (work.restricted and found.session_id is None)
        or (found.session_id is None and not work.rights.finds(Thing.of("FILE FORMAT", key)))
    ):
        raise SqlError.not_found("File format", displayed(statement.name))
    return Rows(_PROPERTY, list(properties(found.type, found.options)))


def _file_formats(work: Work, statement: Show) -> Listed:
    scope = scope_of(work, statement)
    formats = work.storage.file_formats.list(work.session.account, scope.database, scope.schema, work.session.id)
    for each, owner in visible(work, "FILE FORMAT", formats):
        if not each.key.name.startswith("@") and not (work.restricted and each.session_id is None):
            options = json.dumps({"TYPE": each.type, **each.options})
            yield place(each.key, owner) | {
                "created_on": each.created_on, "type": each.type, "comment": each.comment, "format_options": options,
            }  # fmt: skip


def _thing(work: Work, name: tuple[str, ...]) -> Thing:
    key = work.catalog.target(name, "FILE FORMAT")
    if work.storage.file_formats.get(key, None) is None:
        raise SqlError.not_found("File format", displayed(name))
    return Thing.of("FILE FORMAT", key)


def _all(work: Work, database: str, schema: str | None) -> list[Thing]:
    formats = work.storage.file_formats.list(work.session.account, database, schema, None)
    return [Thing.of("FILE FORMAT", each.key) for each in formats if not each.key.name.startswith("@")]


_PROPERTY: Final = texts("property", "property_type", "property_value", "property_default")
_FILE_FORMATS: Final = (
    "created_on", "name", "database_name", "schema_name", "type", "owner", "comment", "format_options",
    "owner_role_type",
)  # fmt: skip
KINDS: Final = (
    Kind(
        CreateFileFormat,
        create_file_format,
        allowed=Allowed.TEMPLATE,
        roles=Roles.NAMES,
        narrowed=lambda statement: statement.temporary,
        commits=True,
    ),
    Kind(AlterFileFormat, alter_file_format, roles=Roles.NAMES, commits=True),
)
OBJECTS: Final = (
    ObjectKind(
        "FILE FORMAT",
        drop=drop_file_format,
        room_drops=True,
        describe=describe_file_format,
        thing=_thing,
        privileges=("USAGE",),
        everything=_all,
    ),
)
LISTINGS: Final = (Listing("FILE FORMATS", _FILE_FORMATS, _file_formats, in_room=True),)
