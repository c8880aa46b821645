"""`cleanroom-ml connection`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cleanroom_ml.cli.cells import cell
from cleanroom_ml.cli.command import command, group
from cleanroom_ml.cli.context import open_connection, target
from cleanroom_ml.cli.options import optional_argument
from cleanroom_ml.cli.output import Output

app = group("Connections: which account a directory's commands talk to.")

Name = Annotated[str, typer.Argument(metavar="NAME")]


@command(app, "use", example="cleanroom-ml connection use publisher")
def use(name: Name) -> Output:
    """From now on, commands in this directory use the connection NAME."""
    from cleanroom_ml.services import connections

    found = connections.bind(Path.cwd(), name)
    return Output({"directory": Path.cwd(), "connection": name, "kind": found.kind}, f"{Path.cwd().name}/ → {found}")


@command(app, "list", example="cleanroom-ml connection list")
def list_() -> Output:
    """Every named connection."""
    from cleanroom_ml.services import connections

    return Output(connections.known(Path.cwd()), hints=("cleanroom-ml connection use NAME",))


@command(app, "test", example="cleanroom-ml connection test -c publisher")
def test() -> Output:
    """Log in, and say who and where the target thinks that we are."""
    from cleanroom_ml.services import connections

    with open_connection() as connection:
        found = connections.test(connection)
    return Output(found, "\n".join(f"{key}: {cell(value)}" for key, value in found.items() if value is not None))


@command(app, "explain", example="cleanroom-ml connection explain publisher")
def explain(
    name: Annotated[str | None, optional_argument(metavar="NAME", help="Default: the directory's.")] = None,
) -> Output:
    """Each key of a connection, its masked value, and where it came from."""
    from cleanroom_ml.services import connections

    found = connections.named(name, "asked for") if name else target()
    return Output(connections.explain(found))
