"""`cleanroom-ml registry`."""

from __future__ import annotations

from typing import Annotated

import typer

from cleanroom_ml.cli.command import command, group
from cleanroom_ml.cli.context import open_connection
from cleanroom_ml.cli.output import Output

app = group("Registries: where this account keeps its templates and data offerings.")


@command(app, "create", example="cleanroom-ml registry create SALES --type template")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    type_: Annotated[str, typer.Option("--type", help="What it holds: template, or data-offering.")] = "template",
) -> Output:
    """Make a registry for one kind of thing; repeating is safe."""
    from cleanroom_ml.services.registries import create_registry

    with open_connection() as connection:
        done = create_registry(connection, name, type_)
    return Output(done, f"{done.name}: {'created' if done.new else 'there already'}, holds {done.type}")


@command(app, "list", example="cleanroom-ml registry list")
def list_() -> Output:
    """The registries of this account."""
    from cleanroom_ml.services.registries import list_registries

    with open_connection() as connection:
        return Output(list_registries(connection))
