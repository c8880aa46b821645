"""SHOW …: the columns and rows of a listing, and what is left of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cleanroom_ml.engine.contracts.table import SHOW, Rows
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.show import Show
from cleanroom_ml.engine.statements.kind import Allowed, Kind, Roles
from cleanroom_ml.engine.statements.like import like
from cleanroom_ml.engine.statements.listing import DROPPED, Listed, Listing
from cleanroom_ml.engine.statements.registry import listings
from cleanroom_ml.engine.statements.resources import resources
from cleanroom_ml.engine.statements.work import Work

_TERSE = ("created_on", "name", "kind", "database_name", "schema_name", DROPPED)


def show(work: Work, statement: Show) -> Rows:
    """SHOW [TERSE] kind [LIKE] [IN scope] [STARTS WITH] [LIMIT n [FROM name]]."""
    listing = listings().get(statement.kind)
    if listing is None:
        raise SqlError.unsupported(f"SHOW {statement.kind}")
    if statement.as_resource:
        return resources(
            work, statement.kind, _filtered(listing, statement, listing.rows(work, statement)) if listing.rows else ()
        )
    if listing.answer is not None:
        return listing.answer(work, statement)
    found: list[Mapping[str, Value]] = list(listing.rows(work, statement)) if listing.rows is not None else []
    names = listing.columns
    if statement.history and listing.dropped is not None:
        found += listing.dropped(work, statement)
        names = (*names, DROPPED)
    rows = _filtered(listing, statement, found)
    if statement.terse and {"created_on", "name"} <= set(names):
        names = tuple(name for name in _TERSE if name in (*names, "kind"))
    return Rows(
        tuple((name, listing.type_of(name)) for name in names), [tuple(row.get(name) for name in names) for row in rows]
    )


def _filtered(listing: Listing, statement: Show, rows: Listed) -> list[Mapping[str, Value]]:
    kept = [
        row
        for row in rows
        if (statement.like is None or like(statement.like, str(row[listing.named])))
        and (statement.starts_with is None or str(row[listing.named]).startswith(statement.starts_with))
        and (statement.from_name is None or str(row[listing.named]) > statement.from_name)
    ]
    return kept if statement.limit is None else kept[: statement.limit]


def _in_room(statement: Show) -> bool:
    listing = listings().get(statement.kind)
    return listing is not None and listing.in_room


KINDS: Final = (Kind(Show, show, SHOW, Allowed.TEMPLATE, Roles.NAMES, narrowed=_in_room, columns=show),)
