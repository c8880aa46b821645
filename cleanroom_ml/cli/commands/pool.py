"""`cleanroom-ml pool`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cleanroom_ml.cli.command import command, group
from cleanroom_ml.cli.context import collaboration, open_connection, project_or_none
from cleanroom_ml.cli.options import Collaboration, Yes, optional_argument, optional_option
from cleanroom_ml.cli.output import Output

if TYPE_CHECKING:
    from cleanroom_ml.services.pools import Pool

app = group("Compute pools: where the runner's jobs run.")
Name = Annotated[str | None, optional_argument(metavar="NAME", help="Default: the project's.")]


@command(app, "create", example="cleanroom-ml pool create ML_POOL --family CPU_X64_S --nodes 1")
def create(
    name: Name = None,
    family: Annotated[str | None, optional_option("--family", help="The instance family.")] = None,
    nodes: Annotated[int | None, optional_option("--nodes", min=1, help="How many nodes.")] = None,
    min_nodes: Annotated[int | None, optional_option("--min-nodes", min=1, help="How many it keeps running.")] = None,
    max_nodes: Annotated[int | None, optional_option("--max-nodes", min=1, help="How many it grows to.")] = None,
    auto_suspend: Annotated[
        int | None, optional_option("--auto-suspend", min=0, metavar="SECONDS", help="Suspend it when idle so long.")
    ] = None,
    warehouse: Annotated[
        str | None, optional_option("--warehouse", help="For the jobs' SQL; default: the session's.")
    ] = None,
    collaboration_: Collaboration = None,
) -> Output:
    """Create a pool and let the collaboration's application use it; repeating is safe."""
    from cleanroom_ml.cli.render import note
    from cleanroom_ml.errors import UsageError
    from cleanroom_ml.services.pools import bounds, create_pool
    from cleanroom_ml.services.runnable import runs_nothing

    mine = project_or_none()
    configured = mine.pool if mine else None
    same = configured is not None and (name is None or name.upper() == configured.name.upper())
    wanted = name or (configured.name if configured else None)
    chosen_family = family or (configured.family if configured and same else None)
    if wanted is None:
        raise UsageError("no pool named", fix="`pool` in cleanroom.yaml, or: pool create NAME --family CPU_X64_S")
    if chosen_family is None:
        raise UsageError(
            f"the pool {wanted} has no instance family",
            why="cleanroom.yaml has none for it",
            fix=f"cleanroom-ml pool create {wanted} --family CPU_X64_S",
        )
    if nodes is None and min_nodes is None and max_nodes is None and configured is not None and same:
        nodes = configured.nodes
    least, most = bounds(nodes, min_nodes, max_nodes)
    room = collaboration(collaboration_)
    with open_connection() as connection:
        done = create_pool(
            connection,
            wanted,
            chosen_family,
            nodes=most,
            min_nodes=least,
            auto_suspend_seconds=auto_suspend,
            collaboration=room,
            warehouse=warehouse,
        )
        denied = runs_nothing(connection, room)
    pool = done.pool
    hint = "cleanroom-ml run" if same else f"cleanroom-ml run --pool {pool.name}"
    if pool.state.upper() in ("SUSPENDED", "STOPPING"):
        hint = f"cleanroom-ml pool resume {pool.name}"
    text = f"{_line(pool)}, for {done.application}"
    if denied is not None:
        note(f"warning: {denied.what}: its jobs run on the pools of who runs them")
    return Output(
        done, text if done.created else f"{text} (there already)", hints=() if denied is not None else (hint,)
    )


@command(app, "list", example="cleanroom-ml pool list")
def list_() -> Output:
    """The account's compute pools."""
    from cleanroom_ml.services.pools import list_pools

    with open_connection() as connection:
        return Output(list_pools(connection))


@command(app, "show", example="cleanroom-ml pool show ML_POOL")
def show(name: Name = None) -> Output:
    """One compute pool."""
    from cleanroom_ml.services.pools import show_pool

    wanted = _named(name)
    with open_connection() as connection:
        return Output(show_pool(connection, wanted))


@command(app, "suspend", example="cleanroom-ml pool suspend ML_POOL")
def suspend(name: Name = None) -> Output:
    """Start nothing more on a pool; what runs on it runs on."""
    from cleanroom_ml.services.pools import suspend_pool

    wanted = _named(name)
    with open_connection() as connection:
        pool = suspend_pool(connection, wanted)
    return Output(pool, _line(pool), hints=(f"cleanroom-ml pool resume {pool.name}",))


@command(app, "resume", example="cleanroom-ml pool resume ML_POOL")
def resume(name: Name = None) -> Output:
    """Start jobs on a suspended pool again."""
    from cleanroom_ml.services.pools import resume_pool

    wanted = _named(name)
    with open_connection() as connection:
        pool = resume_pool(connection, wanted)
    return Output(pool, _line(pool))


@command(app, "drop", example="cleanroom-ml pool drop ML_POOL --yes")
def drop(name: Annotated[str, typer.Argument(metavar="NAME")], yes: Yes = False) -> Output:
    """Drop a pool; refused while jobs run on it."""
    from cleanroom_ml.cli.confirm import confirm
    from cleanroom_ml.services.pools import drop_pool

    with open_connection() as connection:
        confirm(f"Drop the compute pool {name}?", yes=yes)
        drop_pool(connection, name)
    return Output({"name": name, "dropped": True}, f"{name}: dropped")


def _named(name: str | None) -> str:
    """The pool that is named, else the project's. Raises UsageError: neither is there."""
    from cleanroom_ml.errors import UsageError

    if name is not None:
        return name
    mine = project_or_none()
    if mine is None or mine.pool is None:
        raise UsageError("no pool named", why="this directory's project has none", fix="cleanroom-ml pool list")
    return mine.pool.name


def _line(pool: Pool) -> str:
    nodes = f"{pool.max_nodes}" if pool.min_nodes == pool.max_nodes else f"{pool.min_nodes} to {pool.max_nodes}"
    return f"{pool.name}: {pool.instance_family}, {nodes} node(s), {pool.state}"
