"""CREATE VIEW, DROP VIEW."""

from __future__ import annotations

from typing import Final, Literal

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.compile.queries import compile_query
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.drop import Drop
from cleanroom_ml.engine.sql.read.show import Show
from cleanroom_ml.engine.sql.read.view import CreateView
from cleanroom_ml.engine.statements.account_catalog import AccountCatalog
from cleanroom_ml.engine.statements.kind import Kind, ObjectKind, Roles
from cleanroom_ml.engine.statements.kinds.table import describe_table
from cleanroom_ml.engine.statements.listing import Listed, Listing, place, visible
from cleanroom_ml.engine.statements.refusals import displayed, translated
from cleanroom_ml.engine.statements.replies import already_dropped, existed
from cleanroom_ml.engine.statements.results import success
from cleanroom_ml.engine.statements.scope import scope_of
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.grants import OWNERSHIP, Thing
from cleanroom_ml.engine.storage.keys import Column


def create_view(work: Work, statement: CreateView) -> Rows:
    """CREATE [OR REPLACE] [SECURE] VIEW. The text is compiled as every reader's will be, from the view's schema."""
    if statement.temporary or not isinstance(work.catalog, AccountCatalog):
        raise SqlError.unsupported("temporary views" if statement.temporary else "views in a clean room")
    key = work.catalog.target(statement.name, "VIEW")
    work.require("CREATE VIEW", Thing("SCHEMA", key.database, key.schema))
    compiled = compile_query(statement.text, work.catalog.within(key, work.rights.role))
    with work.storage.pin(compiled.inputs):
        described = work.warehouse.describe(compiled, query_id=work.query_id)
    names = statement.columns or tuple(each.name for each in described)
    if len(names) != len(described):
        raise SqlError.syntax(f"The view names {len(names)} columns, its query has {len(described)}.")
    columns = tuple(Column(name, str(each.type), each.nullable) for name, each in zip(names, described, strict=True))
    if_exists: Literal["error", "replace", "ignore"] = (
        "replace" if statement.or_replace else "ignore" if statement.if_not_exists else "error"
    )
    reply = success(f"View {key.name} successfully created.")
    with translated(statement.name), work.recorded(reply):
        # In the transaction that replaces it: somebody else may have made one since the statement began.
        if statement.or_replace and work.storage.views.get(key) is not None:
            work.require(OWNERSHIP, Thing.of("VIEW", key))
        copied = work.grants_on(Thing.of("VIEW", key)) if statement.copy_grants else ()
        made = work.storage.views.create(
            key, columns, statement.text, secure=statement.secure, if_exists=if_exists, comment=statement.comment or ""
        )
        if made:
            work.made(Thing.of("VIEW", key))
            work.grant_again(copied)
    return reply if made else existed(key.name)


def drop_view(work: Work, statement: Drop) -> Rows:
    """DROP VIEW."""
    key = work.catalog.target(statement.name, "VIEW")
    reply = success(f"{key.name} successfully dropped.")
    with translated(statement.name), work.recorded(reply):
        if work.storage.views.get(key) is not None:
            work.require(OWNERSHIP, Thing.of("VIEW", key))
        dropped = work.storage.views.drop(key, if_exists=statement.if_exists)
    return reply if dropped else already_dropped(key.name)


def listed_views(work: Work, statement: Show) -> Listed:
    scope = scope_of(work, statement)
    for view, owner in visible(
        work, "VIEW", work.storage.views.list(work.session.account, scope.database, scope.schema)
    ):
        # What a secure view reads is its owner's to know.
        text = "" if view.secure and not work.rights.owns(Thing.of("VIEW", view.key)) else view.text
        yield place(view.key, owner) | {
            "created_on": view.created_on, "reserved": "", "comment": view.comment, "text": text, "kind": "VIEW",
            "is_secure": str(view.secure).lower(), "is_materialized": "false", "change_tracking": "OFF",
        }  # fmt: skip


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
KINDS: Final = (Kind(CreateView, create_view, roles=Roles.NAMES, commits=True),)
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
