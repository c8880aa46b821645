"""CREATE VIEW, ALTER VIEW, DROP VIEW."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Literal

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.binds import UNBOUND
from cleanroom_ml.engine.sql.compile.queries import compile_query
from cleanroom_ml.engine.sql.errors import COMPILATION, SqlError
from cleanroom_ml.engine.sql.read.columns import refuse_twice
from cleanroom_ml.engine.sql.read.drop import Drop
from cleanroom_ml.engine.sql.read.show import Show
from cleanroom_ml.engine.sql.read.view import AlterView, CreateView
from cleanroom_ml.engine.statements.account_catalog import AccountCatalog
from cleanroom_ml.engine.statements.described import describe_table
from cleanroom_ml.engine.statements.kind import Kind, ObjectKind, Roles
from cleanroom_ml.engine.statements.listing import Listed, Listing, place, visible
from cleanroom_ml.engine.statements.refusals import displayed, translated
from cleanroom_ml.engine.statements.replies import already_dropped, existed
from cleanroom_ml.engine.statements.results import success
from cleanroom_ml.engine.statements.scope import scope_of, shared_views
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.grants import OWNERSHIP, Thing
from cleanroom_ml.engine.storage.keys import Column, Key, View
from cleanroom_ml.naming import display


def create_view(work: Work, statement: CreateView) -> Rows:
    """CREATE [OR REPLACE] [SECURE] [TEMPORARY] [RECURSIVE] VIEW. The text is compiled as every reader's will be, from
    the view's schema.
    """
    if not isinstance(work.catalog, AccountCatalog):
        raise SqlError.unsupported("views in a clean room")
    key = work.catalog.target(statement.name, "VIEW")
    session_id = work.temporary(statement.temporary, lambda: work.relation(key))
    if session_id is None:
        work.require("CREATE VIEW", Thing("SCHEMA", key.database, key.schema))
    role = work.rights.role
    seen = work.catalog.within(key, role, work.storage.database.now(), draws=False, temporaries=statement.temporary)
    try:
        compiled = compile_query(statement.text, seen)
    except SqlError as error:
        if error.code == UNBOUND:  # its text has no values: whoever reads the view would have to give them
            raise SqlError(
                error.code, error.sqlstate, f"{COMPILATION}Bind variables not allowed in view and UDF definitions."
            ) from None
        raise
    with work.storage.pin(compiled.inputs):
        described = work.warehouse.describe(compiled, query_id=work.query_id)
    names = statement.columns or tuple(each.name for each in described)
    if len(names) != len(described):
        raise SqlError.syntax(f"The view names {len(names)} columns, its query has {len(described)}.")
    refuse_twice(names)
    columns = tuple(
        Column(name, str(each.type), each.nullable, comment=statement.comments.get(name, ""))
        for name, each in zip(names, described, strict=True)
    )
    if_exists: Literal["error", "replace", "ignore"] = (
        "replace" if statement.or_replace else "ignore" if statement.if_not_exists else "error"
    )
    reply = success(f"View {key.name} successfully created.")
    thing = Thing.of("VIEW", key)
    with translated(statement.name), work.recorded(reply):
        # In the transaction that replaces it: somebody else may have made one since the statement began.
        if session_id is None and statement.or_replace and work.storage.views.get(key) is not None:
            work.require(OWNERSHIP, thing)
        copied = work.grants_on(thing) if statement.copy_grants and session_id is None else ()
        made = work.storage.views.create(
            key,
            columns,
            statement.text,
            secure=statement.secure,
            if_exists=if_exists,
            comment=statement.comment or "",
            session_id=session_id,
            role=role,
        )
        if made and session_id is None:
            replace(work, copies_grants=statement.copy_grants).made(thing)
            work.grant_again(copied)
    return reply if made else existed(key.name)


def alter_view(work: Work, statement: AlterView) -> Rows:
    """ALTER VIEW … RENAME TO, SET and UNSET of SECURE and COMMENT, and comments of its columns."""
    key = work.catalog.target(statement.name, "VIEW")
    session_id = work.session.id
    reply = success()
    with translated(statement.name), work.recorded(reply):
        view = work.storage.views.get(key, session_id)
        if view is None and statement.if_exists:
            return reply
        _require_owned(work, view, key, statement.name)
        if statement.new_name is not None:
            new = work.catalog.target(statement.new_name, "VIEW")
            if view is not None and view.session_id is None:
                work.require("CREATE VIEW", Thing("SCHEMA", new.database, new.schema))
            work.storage.views.rename(key, new, session_id=session_id)
            return reply
        columns = _commented(view, statement.comments) if view is not None and statement.comments else None
        work.storage.views.alter(
            key, secure=statement.secure, comment=statement.comment, columns=columns, session_id=session_id
        )
    return reply


def _commented(view: View, comments: Mapping[str, str]) -> tuple[Column, ...]:
    known = {column.name for column in view.columns}
    for name in comments:
        if name not in known:
            raise SqlError.syntax(f"column '{name}' does not exist")
    return tuple(replace(each, comment=comments[each.name]) if each.name in comments else each for each in view.columns)


def _require_owned(work: Work, view: View | None, key: Key, name: tuple[str, ...]) -> None:
    if view is None:
        raise SqlError.not_found("View", displayed(name))
    if view.session_id is None:
        work.require(OWNERSHIP, Thing.of("VIEW", key))


def drop_view(work: Work, statement: Drop) -> Rows:
    """DROP VIEW: the session's temporary one first."""
    key = work.catalog.target(statement.name, "VIEW")
    reply = success(f"{key.name} successfully dropped.")
    with translated(statement.name), work.recorded(reply):
        view = work.storage.views.get(key, work.session.id)
        if view is not None:
            _require_owned(work, view, key, statement.name)
        dropped = work.storage.views.drop(key, session_id=work.session.id, if_exists=statement.if_exists)
    return reply if dropped else already_dropped(key.name)


def listed_views(work: Work, statement: Show) -> Listed:
    shared = shared_views(work, statement)
    for view in shared:
        yield place(view.key, view.key.database) | {
            "created_on": view.created_on, "reserved": "", "comment": "", "text": "", "kind": "VIEW",
            "is_secure": "true", "is_materialized": "false", "change_tracking": "OFF", "owner_role_type": "APPLICATION",
        }  # fmt: skip
    if shared:
        return
    scope = scope_of(work, statement)
    views = work.storage.views.list(work.session.account, scope.database, scope.schema, work.session.id)
    for view, owner in visible(work, "VIEW", views):
        own = view.session_id is not None or work.rights.owns(Thing.of("VIEW", view.key))
        # What a secure view reads is its owner's to know.
        text = "" if view.secure and not own else definition(view)
        yield place(view.key, owner) | {
            "created_on": view.created_on, "reserved": "", "comment": view.comment, "text": text, "kind": "VIEW",
            "is_secure": str(view.secure).lower(), "is_materialized": "false", "change_tracking": "OFF",
        }  # fmt: skip


def definition(view: View) -> str:
    """The statement that makes a view."""
    kind = "SECURE VIEW" if view.secure else "VIEW"
    temporary = "TEMPORARY " if view.session_id is not None else ""
    listed = ", ".join(display(column.name) for column in view.columns)
    return f"CREATE {temporary}{kind} {display(view.key.name)} ({listed}) AS {view.text}"


def _thing(work: Work, name: tuple[str, ...]) -> Thing:
    key = work.catalog.target(name, "VIEW")
    if work.storage.views.get(key) is None:
        raise SqlError.not_found("View", displayed(name))
    return Thing.of("VIEW", key)


def _all(work: Work, database: str, schema: str | None) -> list[Thing]:
    return [Thing.of("VIEW", each.key) for each in work.storage.views.list(work.session.account, database, schema)]


_VIEWS: Final = (
    "created_on", "name", "reserved", "database_name", "schema_name", "owner", "comment", "text", "is_secure",
    "is_materialized", "owner_role_type", "change_tracking",
)  # fmt: skip
KINDS: Final = (
    Kind(CreateView, create_view, roles=Roles.NAMES, commits=True),
    Kind(AlterView, alter_view, roles=Roles.NAMES, commits=True),
)
OBJECTS: Final = (
    ObjectKind(
        "VIEW",
        drop=drop_view,
        describe=describe_table,
        room_describes=True,
        thing=_thing,
        privileges=("SELECT", "REFERENCES"),
        everything=_all,
    ),
)
LISTINGS: Final = (Listing("VIEWS", _VIEWS, listed_views, in_room=True),)
