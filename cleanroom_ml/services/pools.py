"""Compute pools of the runner, and what a collaboration's application needs to use them.

Source: docs/api-digest.md §6 (CREATE COMPUTE POOL … FOR APPLICATION, USAGE on the pool and a warehouse).
"""

from __future__ import annotations

from dataclasses import dataclass

from cleanroom_ml.connection import Connection
from cleanroom_ml.connection.literals import identifier
from cleanroom_ml.connection.session import Row, whole_number
from cleanroom_ml.errors import ConflictError, ServerError, UsageError
from cleanroom_ml.services.answers import named_rows

_DETAILS = frozenset({"active_nodes", "idle_nodes", "num_jobs", "auto_suspend_secs"})


@dataclass(frozen=True, slots=True)
class Pool:
    """A compute pool. `application` is the only application that it serves; None where the target does not tell it."""

    name: str
    state: str
    instance_family: str
    min_nodes: int
    max_nodes: int
    application: str | None
    details: dict[str, object]


@dataclass(frozen=True, slots=True)
class PoolOutcome:
    """`created` is False where a pool of the same name, family and size was there already."""

    pool: Pool
    created: bool
    warehouse: str
    application: str


def application_of(collaboration: str) -> str:
    """The application of a collaboration in the runner's account (`SFDCR_<collaboration_name>`)."""
    return f"SFDCR_{collaboration}"


def session_warehouse(connection: Connection) -> str | None:
    """The warehouse of this session: the connection's, else the user's default as the target tells it; None: none."""
    named = connection.target.parameters.get("warehouse")
    if named:
        return str(named)
    try:
        rows = connection.execute("SELECT CURRENT_WAREHOUSE() AS WAREHOUSE")
    except ServerError:
        return None
    return str(rows[0]["warehouse"]) if rows and rows[0]["warehouse"] else None


def bounds(nodes: int | None, min_nodes: int | None, max_nodes: int | None) -> tuple[int, int]:
    """The fewest and the most nodes of a pool: `nodes` is both, and each can be said by itself.

    Raises:
        UsageError: they contradict one another.
    """
    if nodes is not None and (min_nodes is not None or max_nodes is not None):
        raise UsageError("--nodes says both --min-nodes and --max-nodes", fix="--min-nodes 1 --max-nodes 4")
    least = min_nodes or nodes or 1
    return least, max_nodes or nodes or least


def create_pool(
    connection: Connection,
    name: str,
    family: str,
    *,
    nodes: int,
    collaboration: str,
    warehouse: str | None = None,
    min_nodes: int | None = None,
    auto_suspend_seconds: int | None = None,
) -> PoolOutcome:
    """Create the pool and grant the collaboration's application its use and the warehouse's; repeating is safe.

    Args:
        warehouse: for the jobs' SQL; None: the session's.
        nodes: the most that it grows to; and the fewest, where `min_nodes` does not say so.
        auto_suspend_seconds: how long it is idle before it is suspended; None: what the target has by default.

    Raises:
        UsageError: a name is none, or there is no warehouse.
        ConflictError: the pool is there with another family, size or application.
        ServerError: the server refused (unknown family, the collaboration is not joined yet, …).
    """
    least = nodes if min_nodes is None else min_nodes
    if not 1 <= least <= nodes:
        raise UsageError(f"a pool cannot have at least {least} and at most {nodes} node(s)", fix="--nodes 1")
    warehouse = warehouse or session_warehouse(connection)
    if warehouse is None:
        raise UsageError(
            "no warehouse is named for the jobs' SQL",
            why="the connection has none, and the user no default",
            fix="cleanroom-ml pool create --warehouse NAME  (APP_WH comes with the clean rooms)",
        )
    application = _name("collaboration", application_of(collaboration))
    pool_name, warehouse_name = _name("compute pool", name), _name("warehouse", warehouse)
    family_name = _name("instance family", family)
    wanted = {
        "instance_family": family.upper(),
        "min_nodes": least,
        "max_nodes": nodes,
        "application": application.upper(),
        "auto_suspend_secs": auto_suspend_seconds,
    }
    existing = next((pool for pool in list_pools(connection) if pool.name == name.upper()), None)
    if existing is None:
        suspend = "" if auto_suspend_seconds is None else f" AUTO_SUSPEND_SECS = {auto_suspend_seconds}"
        connection.execute(
            f"CREATE COMPUTE POOL {pool_name} FOR APPLICATION {application} MIN_NODES = {least} "
            f"MAX_NODES = {nodes} INSTANCE_FAMILY = {family_name} AUTO_RESUME = TRUE{suspend}"
        )
    elif differs := _differs(existing, wanted):
        raise ConflictError(
            f"the pool {existing.name} is there already, with other settings",
            differences=differs,
            why="; ".join(differs),
            fix=_otherwise(existing, application.upper(), family_name),
        )
    connection.execute(f"GRANT USAGE ON COMPUTE POOL {pool_name} TO APPLICATION {application}")
    connection.execute(f"GRANT USAGE ON WAREHOUSE {warehouse_name} TO APPLICATION {application}")
    return PoolOutcome(show_pool(connection, name), existing is None, warehouse.upper(), application.upper())


def _otherwise(existing: Pool, application: str, family: str) -> str:
    """What helps where a pool is there with other settings: one that serves another room is never to be dropped."""
    another = f"another name: cleanroom-ml pool create NAME --family {family}"
    if existing.application is None:
        return another
    if existing.application != application:
        serves = f"; {existing.name} serves {existing.application}" if existing.application else ""
        return f"{another}{serves}"
    return f"{another}, or drop it first: cleanroom-ml pool drop {existing.name}"


def suspend_pool(connection: Connection, name: str) -> Pool:
    """Start nothing more on a pool; what runs on it runs on. Repeating is safe.

    Raises:
        UsageError: there is no pool of that name.
        ServerError: the server refused.
    """
    return _altered(connection, name, "SUSPEND", done={"SUSPENDED", "STOPPING"})


def resume_pool(connection: Connection, name: str) -> Pool:
    """Start jobs on a pool again. Repeating is safe; raises as `suspend_pool`."""
    return _altered(connection, name, "RESUME", done={"ACTIVE", "IDLE", "STARTING", "RESIZING"})


def _altered(connection: Connection, name: str, verb: str, *, done: set[str]) -> Pool:
    pool = show_pool(connection, name)
    if pool.state.upper() in done:
        return pool
    connection.execute(f"ALTER COMPUTE POOL {_name('compute pool', pool.name)} {verb}")
    return show_pool(connection, name)


def _differs(existing: Pool, wanted: dict[str, object]) -> tuple[str, ...]:
    """What of a pool that is there is not as it was asked for; what the target does not tell is not compared."""
    there: dict[str, object] = {
        "instance_family": existing.instance_family,
        "min_nodes": existing.min_nodes,
        "max_nodes": existing.max_nodes,
    }
    if existing.application is not None:
        there["application"] = existing.application
    if wanted["auto_suspend_secs"] is not None and existing.details.get("auto_suspend_secs") is not None:
        there["auto_suspend_secs"] = whole_number(existing.details["auto_suspend_secs"])
    return tuple(f"{key}: {has or 'none'}, not {wanted[key]}" for key, has in there.items() if has != wanted[key])


def list_pools(connection: Connection) -> tuple[Pool, ...]:
    """The account's compute pools."""
    return tuple(_pool(row) for row in named_rows(connection.execute("SHOW COMPUTE POOLS"), "name"))


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
        application=str(row["application"] or "") if "application" in row else None,
        details={key: value for key, value in row.items() if key in _DETAILS},
    )
