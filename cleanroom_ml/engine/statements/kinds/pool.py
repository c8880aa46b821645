"""Compute pools. The engine's pools are elsewhere: what they are asked is `ports.Pools`."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.alter import AlterObject
from cleanroom_ml.engine.sql.read.describe import Describe
from cleanroom_ml.engine.sql.read.drop import Drop
from cleanroom_ml.engine.sql.read.pool import CreateComputePool
from cleanroom_ml.engine.sql.read.show import Show
from cleanroom_ml.engine.statements.kind import Kind, ObjectKind, Roles
from cleanroom_ml.engine.statements.listing import Listing
from cleanroom_ml.engine.statements.ports import Pools
from cleanroom_ml.engine.statements.refusals import displayed, single
from cleanroom_ml.engine.statements.replies import already_dropped
from cleanroom_ml.engine.statements.results import success
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.grants import OWNERSHIP, Thing


def create_compute_pool(work: Work, statement: CreateComputePool) -> Rows:
    """CREATE COMPUTE POOL … [FOR APPLICATION app]."""
    name = single(statement.name)
    work.require_in_account("CREATE COMPUTE POOL")
    _pools(work).create(
        work.session,
        name,
        statement.options,
        statement.application,
        if_not_exists=statement.if_not_exists,
        or_replace=statement.or_replace,
    )
    return success(f"Compute pool {name} successfully created.")


def drop_compute_pool(work: Work, statement: Drop) -> Rows:
    """DROP COMPUTE POOL."""
    name = single(statement.name)
    _require(work, OWNERSHIP, name, missing_ok=statement.if_exists)
    dropped = _pools(work).drop(work.session, name, if_exists=statement.if_exists)
    return success(f"{name} successfully dropped.") if dropped else already_dropped(name)


def alter_compute_pool(work: Work, statement: AlterObject) -> Rows:
    """ALTER COMPUTE POOL … SUSPEND | RESUME | STOP ALL | SET."""
    name = single(statement.name)
    _require(work, "MODIFY" if statement.action == "SET" else "OPERATE", name)
    _pools(work).alter(work.session, name, statement.action, statement.options)
    return success()


def describe_compute_pool(work: Work, statement: Describe) -> Rows:
    """DESCRIBE COMPUTE POOL."""
    name = statement.name[-1]
    if not work.rights.sees(Thing("COMPUTE POOL", name=name)):
        raise SqlError.not_found("Compute pool", displayed(statement.name))
    return _pools(work).describe(work.session, name)


def _displayed(work: Work, statement: Show) -> Rows:
    shown = _pools(work).show(work.session, statement.like)
    at = [name for name, _ in shown.columns].index("name")
    return replace(
        shown,
        rows=[row for row in shown.rows if work.rights.sees(Thing("COMPUTE POOL", name=str(row[at])))],
    )


def _families(work: Work, statement: Show) -> Rows:
    return _pools(work).show_families(work.session)


def _exists(work: Work, name: str) -> None:
    _pools(work).describe(work.session, name)


def _thing(work: Work, name: tuple[str, ...]) -> Thing:
    _exists(work, single(name))
    return Thing("COMPUTE POOL", name=name[0])


def _require(work: Work, privilege: str, name: str, *, missing_ok: bool = False) -> None:
    """Refuses a pool that the session's roles do not have this privilege on. One that is not there is not refused."""
    if not work.rights.everything and not missing_ok:
        _exists(work, name)
    work.require(privilege, Thing("COMPUTE POOL", name=name))


def _pools(work: Work) -> Pools:
    """The compute pools. Raises SqlError where this engine runs without any."""
    if work.pools is None:
        raise SqlError.unsupported("compute pools")
    return work.pools


KINDS: Final = (Kind(CreateComputePool, create_compute_pool, roles=Roles.NAMES, commits=True),)
OBJECTS: Final = (
    ObjectKind(
        "COMPUTE POOL",
        drop=drop_compute_pool,
        alter=alter_compute_pool,
        describe=describe_compute_pool,
        usage="COMPUTE POOL",
        exists=_exists,
        thing=_thing,
        privileges=("USAGE", "OPERATE", "MONITOR", "MODIFY"),
    ),
)
LISTINGS: Final = (
    Listing("COMPUTE POOLS", answer=_displayed),
    Listing("COMPUTE POOL INSTANCE FAMILIES", answer=_families),
)
