"""Compute pools of the runner, and what a collaboration's application needs to use them.

Source: docs/api-digest.md §6 (CREATE COMPUTE POOL … FOR APPLICATION, USAGE on the pool and a warehouse).
"""

from __future__ import annotations

from dataclasses import dataclass

from cleanroom_ml.connection import Connection
from cleanroom_ml.connection.literals import identifier
from cleanroom_ml.connection.session import Row, whole_number
from cleanroom_ml.errors import ConflictError, UsageError


@dataclass(frozen=True, slots=True)
class Pool:
    """A compute pool. `application` is the only application that it serves."""

    name: str
    state: str
    instance_family: str
    min_nodes: int
    max_nodes: int
    application: str
    details: dict[str, object]


@dataclass(frozen=True, slots=True)
class PoolOutcome:
    """`created` is False where a pool of the same name, family and size was there already."""

    pool: Pool
    created: bool
    warehouse: str


def application_of(collaboration: str) -> str:
    """The application of a collaboration in the runner's account (`SFDCR_<collaboration_name>`)."""
    return f"SFDCR_{collaboration}"


def create_pool(
    connection: Connection, name: str, family: str, *, nodes: int, collaboration: str, warehouse: str
) -> PoolOutcome:
    """Create the pool and grant the collaboration's application its use and the warehouse's; repeating is safe.

    Raises:
        UsageError: a name is none.
        ConflictError: the pool is there with another family, size or application.
        ServerError: the server refused (unknown family, the collaboration is not joined yet, …).
    """
    if nodes < 1:
        raise UsageError("a pool has at least one node", fix="--nodes 1")
    application = _name("collaboration", application_of(collaboration))
    pool_name, warehouse_name = _name("compute pool", name), _name("warehouse", warehouse)
    family_name = _name("instance family", family)
    existing = next((pool for pool in list_pools(connection) if pool.name == name.upper()), None)
    if existing is None:
        connection.execute(
            f"CREATE COMPUTE POOL {pool_name} FOR APPLICATION {application} MIN_NODES = {nodes} MAX_NODES = {nodes} "
            f"INSTANCE_FAMILY = {family_name} AUTO_RESUME = TRUE"
        )
    elif (existing.instance_family, existing.max_nodes, existing.application) != (
        family.upper(),
        nodes,
        application.upper(),
    ):
        raise ConflictError(
            f"the pool {existing.name} is there already, as {existing.instance_family} with {existing.max_nodes} "
            f"node(s) for {existing.application}",
            fix=f"cleanroom-ml pool drop {existing.name}, or another name",
        )
    connection.execute(f"GRANT USAGE ON COMPUTE POOL {pool_name} TO APPLICATION {application}")
    connection.execute(f"GRANT USAGE ON WAREHOUSE {warehouse_name} TO APPLICATION {application}")
    return PoolOutcome(show_pool(connection, name), existing is None, warehouse.upper())


def list_pools(connection: Connection) -> tuple[Pool, ...]:
    """The account's compute pools."""
    return tuple(_pool(row) for row in connection.execute("SHOW COMPUTE POOLS"))


def show_pool(connection: Connection, name: str) -> Pool:
    """One pool. Raises UsageError: there is none of that name."""
    for pool in list_pools(connection):
        if pool.name == name.upper():
            return pool
    raise UsageError(f"there is no compute pool {name}", fix="cleanroom-ml pool list")


def drop_pool(connection: Connection, name: str) -> None:
    """Drop a pool. Raises ServerError while jobs run on it, UsageError where the name is none."""
    connection.execute(f"DROP COMPUTE POOL {_name('compute pool', name)}")


def _name(what: str, name: str) -> str:
    try:
        return identifier(name)
    except ValueError as error:
        raise UsageError(f"{name!r} is not a name of a {what}", fix="letters, digits and _, a letter first") from error


def _pool(row: Row) -> Pool:
    return Pool(
        name=str(row["name"]),
        state=str(row["state"]),
        instance_family=str(row["instance_family"]),
        min_nodes=whole_number(row["min_nodes"]),
        max_nodes=whole_number(row["max_nodes"]),
        application=str(row.get("application") or ""),
        details={key: value for key, value in row.items() if key in {"active_nodes", "idle_nodes", "num_jobs"}},
    )
