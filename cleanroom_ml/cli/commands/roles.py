"""`cleanroom-ml roles`."""

from __future__ import annotations

from typing import Annotated

import typer

from cleanroom_ml.cli.command import command, single
from cleanroom_ml.cli.context import open_connection
from cleanroom_ml.cli.options import optional_option
from cleanroom_ml.cli.output import Output

app = single()


@command(app, example="cleanroom-ml roles --privileges")
def roles(
    privileges: Annotated[bool, typer.Option("--privileges", help="What the current role may do, instead.")] = False,
    collaboration: Annotated[
        str | None, optional_option("--collaboration", metavar="NAME", help="With --privileges: in this one.")
    ] = None,
) -> Output:
    """The account's roles; or the clean room's privileges of the current one."""
    from cleanroom_ml.services.roles import held_privileges, list_roles

    with open_connection() as connection:
        if privileges or collaboration is not None:
            return Output(held_privileges(connection, collaboration))
        return Output(list_roles(connection))
