"""CLONE of a schema and of a database (sql-reference/sql/create-clone): whatever is in it that can be copied.

Everything in it is asked for: a table has to be readable, and what is not the roles' to use or to read fails the whole
clone. Stages and their files are not copied, as by default on Snowflake.

What is in a clone is whose it was, and granted to whom it was (user-guide/object-clone, "Access control privileges for
cloned objects"); only the clone itself is the role's that makes it. A function or a view that somebody else wrote would
act with that role's rights if it became its own.
"""

from __future__ import annotations

from dataclasses import replace

from cleanroom_ml.engine.sql.catalog import PastMoment
from cleanroom_ml.engine.sql.read.past import Past
from cleanroom_ml.engine.sql.routines import Routine
from cleanroom_ml.engine.statements import time_travel
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.changes import Change, CreateTable
from cleanroom_ml.engine.storage.grants import OWNERSHIP, Thing
from cleanroom_ml.engine.storage.keys import Constraint, Key
from cleanroom_ml.engine.storage.routines import called

Place = tuple[str, str]
"""A database and a schema."""


def moment(work: Work, past: Past | None) -> PastMoment | None:
    """When a clone is of. Raises SqlError."""
    if past is None:
        return None
    (value,) = work.constants([time_travel.expression(past.kind, past.text)])
    return time_travel.past_moment(past.kind, value, work.storage.database.now(), before=past.before)


def database(work: Work, source: str, target: str, past: PastMoment | None) -> None:
    """Copies all schemas of a database into a new one. In the transaction that makes it. Raises SqlError."""
    account, namespaces = work.session.account, work.storage.namespaces
    work.require("USAGE", Thing("DATABASE", source))
    for each in namespaces.schemas(account, source):
        work.require("USAGE", Thing("SCHEMA", source, each.name))
        namespaces.create_schema(account, target, each.name, if_exists="ignore", comment=each.comment)
        _as_it_was(work, Thing("SCHEMA", source, each.name), Thing("SCHEMA", target, each.name))
        schema(work, (source, each.name), (target, each.name), past)


def schema(work: Work, source: Place, target: Place, past: PastMoment | None) -> None:
    """Copies what is in a schema into a new one. In the transaction that makes it. Raises SqlError."""
    account, storage = work.session.account, work.storage
    work.require("USAGE", Thing("SCHEMA", *source))
    changes: list[Change] = []
    tables = storage.tables.list(account, *source)
    for table in tables:
        work.require("SELECT", Thing.of("TABLE", table.key))
        objects = table.objects
        if past is not None:
            objects = time_travel.past_objects(storage, work.session, table, past)
        key = _moved(table.key, target)
        changes.append(
            CreateTable(
                key,
                table.numbered,
                table.kind,
                None,
                objects,
                comment=table.comment,
                retention=table.retention,
                constraints=tuple(_referring(each, source, target) for each in table.constraints),
                clustering=table.clustering,
            )
        )
    replace(work, copies_grants=True).change(changes)
    for table in tables:
        _as_it_was(work, Thing.of("TABLE", table.key), Thing.of("TABLE", _moved(table.key, target)))
    for view in storage.views.list(account, *source):
        work.require(OWNERSHIP, Thing.of("VIEW", view.key))
        key = _moved(view.key, target)
        storage.views.create(key, view.columns, view.text, secure=view.secure, comment=view.comment)
        _as_it_was(work, Thing.of("VIEW", view.key), Thing.of("VIEW", key))
    for sequence in storage.sequences.list(account, *source):
        work.require("USAGE", Thing.of("SEQUENCE", sequence.key))
        key = _moved(sequence.key, target)
        storage.sequences.create(
            key,
            start=sequence.start if sequence.next is None else sequence.next,
            step=sequence.step,
            ordered=sequence.ordered,
            comment=sequence.comment,
        )
        _as_it_was(work, Thing.of("SEQUENCE", sequence.key), Thing.of("SEQUENCE", key))
    for form in storage.file_formats.list(account, *source):
        if form.key.name.startswith("@"):
            continue  # a stage's own
        work.require("USAGE", Thing.of("FILE FORMAT", form.key))
        key = _moved(form.key, target)
        storage.file_formats.create(key, form.type, form.options, comment=form.comment)
        _as_it_was(work, Thing.of("FILE FORMAT", form.key), Thing.of("FILE FORMAT", key))

    for kind, kept in (("FUNCTION", storage.functions), ("PROCEDURE", storage.procedures)):
        for routine in kept.list(account, *source):
            there = Thing.of(kind, called(routine.key))
            work.require(OWNERSHIP, there)
            key = _moved(routine.key, target)
            imports = [each.sha256 for each in Routine.from_json(routine.definition).imports]
            kept.create(key, routine.base, routine.definition, imports)
            _as_it_was(work, there, Thing.of(kind, called(key)))


def _as_it_was(work: Work, source: Thing, target: Thing) -> None:
    """What was copied has the owner and the grants of what it is a copy of. A share has what it is given by name."""
    grants, account = work.storage.grants, work.session.account
    grants.own(account, target, grants.owner(account, source))
    for each in work.grants_on(source):
        if each.grantee_kind == "ROLE":
            grants.grant(account, target, (each.privilege,), each.grantee, by=each.granted_by, option=each.grant_option)


def _referring(constraint: Constraint, source: Place, target: Place) -> Constraint:
    """A foreign key to a table of the same schema is one to that table's copy."""
    if constraint.references[:2] != source:
        return constraint
    return replace(constraint, references=(*target, *constraint.references[2:]))


def _moved(key: Key, target: Place) -> Key:
    return Key(key.account, *target, key.name)
