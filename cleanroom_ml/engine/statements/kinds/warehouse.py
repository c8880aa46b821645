"""Warehouses. One is a name here: every one of them is the same pool of workers."""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.alter import AlterObject
from cleanroom_ml.engine.sql.read.describe import Describe
from cleanroom_ml.engine.sql.read.drop import Drop
from cleanroom_ml.engine.sql.read.show import Show
from cleanroom_ml.engine.sql.read.warehouse import CreateWarehouse
from cleanroom_ml.engine.statements.kind import Kind, ObjectKind, Roles
from cleanroom_ml.engine.statements.listing import OWNER, TIME, Listed, Listing, texts
from cleanroom_ml.engine.statements.refusals import displayed, single, translated
from cleanroom_ml.engine.statements.replies import already_dropped, existed, if_exists
from cleanroom_ml.engine.statements.results import success
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.grants import OWNERSHIP, Thing

_SIZES = frozenset({"XSMALL", "X-SMALL", "SMALL", "MEDIUM", "LARGE", "XLARGE", "X-LARGE", "XXLARGE", "2X-LARGE",
                    "X2LARGE", "XXXLARGE", "3X-LARGE", "X3LARGE", "4X-LARGE", "X4LARGE"})  # fmt: skip


def create_warehouse(work: Work, statement: CreateWarehouse) -> Rows:
    """CREATE WAREHOUSE: it becomes the current one."""
    name = single(statement.name)
    size = str(statement.options.get("WAREHOUSE_SIZE", "X-SMALL")).upper()
    if size not in _SIZES:
        raise SqlError.syntax(f"invalid property 'WAREHOUSE_SIZE' value '{size[:40]}'")
    work.require_in_account("CREATE WAREHOUSE")
    reply = success(f"Warehouse {name} successfully created.")
    with translated(statement.name), work.recorded(reply):
        if statement.or_replace and work.storage.warehouses.get(work.session.account, name) is not None:
            work.require(OWNERSHIP, Thing("WAREHOUSE", name=name))
        made = work.storage.warehouses.create(
            work.session.account,
            name,
            size=size,
            if_exists=if_exists(statement),
            comment=str(statement.options.get("COMMENT", "")),
        )
        if made:
            work.made(Thing("WAREHOUSE", name=name))
            work.session.warehouse = name
            work.keep_session()
    return reply if made else existed(name)


def drop_warehouse(work: Work, statement: Drop) -> Rows:
    """DROP WAREHOUSE."""
    name = single(statement.name)
    reply = success(f"{name} successfully dropped.")
    with translated(statement.name), work.recorded(reply):
        if work.storage.warehouses.get(work.session.account, name) is not None:
            work.require(OWNERSHIP, Thing("WAREHOUSE", name=name))
        dropped = work.storage.warehouses.drop(work.session.account, name, if_exists=statement.if_exists)
        if work.session.warehouse == name:
            work.session.warehouse = None
            work.keep_session()
    return reply if dropped else already_dropped(name)


def alter_warehouse(work: Work, statement: AlterObject) -> Rows:
    """ALTER WAREHOUSE: nothing to change, it starts and stops by itself."""
    name = single(statement.name)
    there = work.storage.warehouses.get(work.session.account, name) is not None
    if not there and not statement.if_exists:
        raise SqlError.not_found("Warehouse", displayed(statement.name))
    if there:
        work.require("MODIFY" if statement.action == "SET" else "OPERATE", Thing("WAREHOUSE", name=name))
    return success()


def describe_warehouse(work: Work, statement: Describe) -> Rows:
    """DESCRIBE WAREHOUSE."""
    found = work.storage.warehouses.get(work.session.account, statement.name[-1])
    if found is None or len(statement.name) != 1 or not work.rights.sees(Thing("WAREHOUSE", name=found.name)):
        raise SqlError.not_found("Warehouse", displayed(statement.name))
    return Rows(_MEMBER, ((found.created_on, found.name, "WAREHOUSE"),))


def _warehouses(work: Work, statement: Show) -> Listed:
    owners = work.storage.grants.owners(work.session.account, "WAREHOUSE")
    for each in work.storage.warehouses.list(work.session.account):
        thing = Thing("WAREHOUSE", name=each.name)
        if not work.rights.sees(thing):
            continue
        yield {
            "name": each.name, "state": "STARTED", "type": "STANDARD", "size": each.size, "min_cluster_count": 1,
            "max_cluster_count": 1, "started_clusters": 1, "running": 0, "queued": 0, "is_default": "N",
            "is_current": "Y" if each.name == work.session.warehouse else "N", "auto_suspend": 600,
            "auto_resume": "true", "available": "100", "provisioning": "0", "quiescing": "0", "other": "0",
            "created_on": each.created_on, "resumed_on": each.created_on, "updated_on": each.created_on,
            "owner": owners.get(thing, OWNER), "comment": each.comment, "owner_role_type": "ROLE",
            "enable_query_acceleration": "false", "query_acceleration_max_scale_factor": 8, "resource_monitor": "null",
            "actives": 1, "pendings": 0, "failed": 0, "suspended": 0, "scaling_policy": "STANDARD",
        }  # fmt: skip


def _thing(work: Work, name: tuple[str, ...]) -> Thing:
    if work.storage.warehouses.get(work.session.account, single(name)) is None:
        raise SqlError.not_found("Warehouse", displayed(name))
    return Thing("WAREHOUSE", name=name[0])


_MEMBER: Final = (("created_on", TIME), *texts("name", "kind"))
_WAREHOUSES: Final = (
    "name", "state", "type", "size", "min_cluster_count", "max_cluster_count", "started_clusters", "running",
    "queued", "is_default", "is_current", "auto_suspend", "auto_resume", "available", "provisioning", "quiescing",
    "other", "created_on", "resumed_on", "updated_on", "owner", "comment",
    "enable_query_acceleration", "query_acceleration_max_scale_factor", "resource_monitor", "actives", "pendings",
    "failed", "suspended", "uuid", "scaling_policy", "budget", "owner_role_type", "resource_constraint",
)  # fmt: skip
KINDS: Final = (Kind(CreateWarehouse, create_warehouse, roles=Roles.NAMES, commits=True),)
OBJECTS: Final = (
    ObjectKind(
        "WAREHOUSE",
        drop=drop_warehouse,
        alter=alter_warehouse,
        describe=describe_warehouse,
        usage="WAREHOUSE",
        thing=_thing,
        privileges=("USAGE", "OPERATE", "MONITOR", "MODIFY"),
    ),
)
LISTINGS: Final = (
    Listing(
        "WAREHOUSES",
        _WAREHOUSES,
        _warehouses,
        times=frozenset({"created_on", "resumed_on", "updated_on"}),
        numbers=frozenset(
            {"min_cluster_count", "max_cluster_count", "started_clusters", "running", "queued", "auto_suspend"}
            | {"query_acceleration_max_scale_factor", "actives", "pendings", "failed", "suspended"}
        ),
    ),
)
