"""Sequences: CREATE, ALTER, DROP, DESCRIBE, SHOW (sql-reference/sql/create-sequence and its like)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.describe import Describe
from cleanroom_ml.engine.sql.read.drop import Drop
from cleanroom_ml.engine.sql.read.sequence import AlterSequence, CreateSequence
from cleanroom_ml.engine.sql.read.show import Show
from cleanroom_ml.engine.statements.kind import Kind, ObjectKind, Roles
from cleanroom_ml.engine.statements.listing import Listed, Listing, place, visible
from cleanroom_ml.engine.statements.refusals import displayed, translated
from cleanroom_ml.engine.statements.replies import already_dropped, existed
from cleanroom_ml.engine.statements.results import success
from cleanroom_ml.engine.statements.scope import scope_of
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.grants import OWNERSHIP, Thing
from cleanroom_ml.engine.storage.keys import Key
from cleanroom_ml.engine.storage.sequences import Sequence


def create_sequence(work: Work, statement: CreateSequence) -> Rows:
    """CREATE [OR REPLACE] SEQUENCE [IF NOT EXISTS]."""
    key = work.catalog.target(statement.name, "SEQUENCE")
    work.require("CREATE SEQUENCE", Thing("SCHEMA", key.database, key.schema))
    options = statement.options
    unordered = work.session.parameters.get("NOORDER_SEQUENCE_AS_DEFAULT", "true").lower() == "true"
    reply = success(f"Sequence {key.name} successfully created.")
    with translated(statement.name), work.recorded(reply):
        # In the transaction that replaces it: somebody else may have made one since the statement began.
        if statement.or_replace and work.storage.sequences.get(key) is not None:
            work.require(OWNERSHIP, Thing.of("SEQUENCE", key))
        made = work.storage.sequences.create(
            key,
            start=1 if options.start is None else options.start,
            step=options.step or 1,
            ordered=not unordered if options.ordered is None else options.ordered,
            if_exists="replace" if statement.or_replace else "ignore" if statement.if_not_exists else "error",
            comment=options.comment or "",
        )
        if made:
            work.made(Thing.of("SEQUENCE", key))
    return reply if made else existed(key.name)


def alter_sequence(work: Work, statement: AlterSequence) -> Rows:
    """ALTER SEQUENCE … RENAME TO, SET, UNSET COMMENT."""
    key = work.catalog.target(statement.name, "SEQUENCE")
    reply = success()
    options = statement.options
    with translated(statement.name), work.recorded(reply):
        there = work.storage.sequences.get(key)
        if there is None and statement.if_exists:
            return reply
        work.require(OWNERSHIP, Thing.of("SEQUENCE", key))
        if statement.new_name is not None:
            new = work.catalog.target(statement.new_name, "SEQUENCE")
            work.require("CREATE SEQUENCE", Thing("SCHEMA", new.database, new.schema))
            work.storage.sequences.rename(key, new)
            return reply
        if options.ordered and there is not None and not there.ordered:
            raise SqlError.syntax(f"Sequence '{displayed(statement.name)}' is NOORDER and cannot be changed to ORDER.")
        work.storage.sequences.alter(key, step=options.step, ordered=options.ordered, comment=options.comment)
    return reply


def drop_sequence(work: Work, statement: Drop) -> Rows:
    """DROP SEQUENCE."""
    key = work.catalog.target(statement.name, "SEQUENCE")
    reply = success(f"{key.name} successfully dropped.")
    with translated(statement.name), work.recorded(reply):
        if work.storage.sequences.get(key) is not None:
            work.require(OWNERSHIP, Thing.of("SEQUENCE", key))
        dropped = work.storage.sequences.drop(key, if_exists=statement.if_exists)
    return reply if dropped else already_dropped(key.name)


def describe_sequence(work: Work, statement: Describe) -> Rows:
    """DESCRIBE SEQUENCE: its line of SHOW SEQUENCES."""
    found = _existing(work, work.catalog.target(statement.name, "SEQUENCE"), statement.name)
    owner = work.storage.grants.owner(work.session.account, Thing.of("SEQUENCE", found.key))
    row = _row(found, owner)
    (listing,) = LISTINGS
    return Rows(
        tuple((name, listing.type_of(name)) for name in listing.columns),
        (tuple(row[name] for name in listing.columns),),
    )


def _existing(work: Work, key: Key, name: tuple[str, ...]) -> Sequence:
    found = work.storage.sequences.get(key)
    if found is None or not work.rights.finds(Thing.of("SEQUENCE", key)):
        raise SqlError.not_found("Sequence", displayed(name))
    return found


def _sequences(work: Work, statement: Show) -> Listed:
    scope = scope_of(work, statement)
    listed = work.storage.sequences.list(work.session.account, scope.database, scope.schema)
    for each, owner in visible(work, "SEQUENCE", listed):
        yield _row(each, owner)


def _row(each: Sequence, owner: str) -> Mapping[str, Value]:
    return place(each.key, owner) | {
        "next_value": each.next, "interval": each.step, "created_on": each.created_on, "comment": each.comment,
        "ordered": "Y" if each.ordered else "N",
    }  # fmt: skip


def _thing(work: Work, name: tuple[str, ...]) -> Thing:
    key = work.catalog.target(name, "SEQUENCE")
    if work.storage.sequences.get(key) is None:
        raise SqlError.not_found("Sequence", displayed(name))
    return Thing.of("SEQUENCE", key)


def _all(work: Work, database: str, schema: str | None) -> list[Thing]:
    listed = work.storage.sequences.list(work.session.account, database, schema)
    return [Thing.of("SEQUENCE", each.key) for each in listed]


_SEQUENCES: Final = (
    "name", "database_name", "schema_name", "next_value", "interval", "created_on", "owner", "comment",
    "owner_role_type", "ordered",
)  # fmt: skip
KINDS: Final = (
    Kind(CreateSequence, create_sequence, roles=Roles.NAMES, commits=True),
    Kind(AlterSequence, alter_sequence, roles=Roles.NAMES, commits=True),
)
OBJECTS: Final = (
    ObjectKind(
        "SEQUENCE",
        drop=drop_sequence,
        describe=describe_sequence,
        thing=_thing,
        privileges=("USAGE",),
        everything=_all,
    ),
)
LISTINGS: Final = (Listing("SEQUENCES", _SEQUENCES, _sequences, numbers=frozenset({"next_value", "interval"})),)
