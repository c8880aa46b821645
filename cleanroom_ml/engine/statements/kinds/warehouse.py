"""Warehouses and compute pools. A warehouse is a name here: every one of them is the same pool of workers."""

from __future__ import annotations

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.alter import AlterObject
from cleanroom_ml.engine.sql.read.drop import Drop
from cleanroom_ml.engine.sql.read.pool import CreateComputePool
from cleanroom_ml.engine.sql.read.warehouse import CreateWarehouse
from cleanroom_ml.engine.statements.kinds.namespace import existed, if_exists
from cleanroom_ml.engine.statements.kinds.session import drop_context
from cleanroom_ml.engine.statements.kinds.table import already_dropped
from cleanroom_ml.engine.statements.ports import Pools
from cleanroom_ml.engine.statements.refusals import shown, translated
from cleanroom_ml.engine.statements.results import Rows, success
from cleanroom_ml.engine.statements.work import Work

_SIZES = frozenset({"XSMALL", "X-SMALL", "SMALL", "MEDIUM", "LARGE", "XLARGE", "X-LARGE", "XXLARGE", "2X-LARGE",
                    "X2LARGE", "XXXLARGE", "3X-LARGE", "X3LARGE", "4X-LARGE", "X4LARGE"})  # fmt: skip


def create_warehouse(work: Work, statement: CreateWarehouse) -> Rows:
    """CREATE WAREHOUSE: it becomes the current one."""
    name = _single(statement.name)
    size = str(statement.options.get("WAREHOUSE_SIZE", "X-SMALL")).upper()
    if size not in _SIZES:
        raise SqlError.syntax(f"invalid property 'WAREHOUSE_SIZE' value '{size[:40]}'")
    reply = success(f"Warehouse {name} successfully created.")
    with translated(statement.name), work.recorded(reply):
        made = work.storage.warehouses.create(
            work.session.account,
            name,
            size=size,
            if_exists=if_exists(statement),
            comment=str(statement.options.get("COMMENT", "")),
        )
        if made:
            work.session.warehouse = name
            work.keep_session()
    return reply if made else existed(name)


def drop_warehouse(work: Work, statement: Drop) -> Rows:
    """DROP WAREHOUSE."""
    name = _single(statement.name)
    reply = success(f"{name} successfully dropped.")
    with translated(statement.name), work.recorded(reply):
        dropped = work.storage.warehouses.drop(work.session.account, name, if_exists=statement.if_exists)
        drop_context(work, "WAREHOUSE", name)
    return reply if dropped else already_dropped(name)


def alter_object(work: Work, statement: AlterObject) -> Rows:
    """ALTER WAREHOUSE (nothing to change: it starts and stops by itself) and ALTER COMPUTE POOL."""
    name = _single(statement.name)
    if statement.kind == "COMPUTE POOL":
        pools(work).alter(work.session, name, statement.action, statement.options)
        return success()
    if work.storage.warehouses.get(work.session.account, name) is None and not statement.if_exists:
        raise SqlError.not_found("Warehouse", shown(statement.name))
    return success()


def create_compute_pool(work: Work, statement: CreateComputePool) -> Rows:
    """CREATE COMPUTE POOL … [FOR APPLICATION app]."""
    name = _single(statement.name)
    pools(work).create(
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
    name = _single(statement.name)
    dropped = pools(work).drop(work.session, name, if_exists=statement.if_exists)
    return success(f"{name} successfully dropped.") if dropped else already_dropped(name)


def pools(work: Work) -> Pools:
    """The compute pools. Raises SqlError where this engine runs without any."""
    if work.pools is None:
        raise SqlError.unsupported("compute pools")
    return work.pools


def _single(name: tuple[str, ...]) -> str:
    if len(name) != 1:
        raise SqlError.syntax(f"Invalid identifier {shown(name)}")
    return name[0]
