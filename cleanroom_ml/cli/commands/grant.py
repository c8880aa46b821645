"""`cleanroom-ml grant`."""

from __future__ import annotations

from typing import Annotated

import typer

from cleanroom_ml.cli.command import command, single
from cleanroom_ml.cli.context import collaboration, open_connection
from cleanroom_ml.cli.options import Collaboration, Registry
from cleanroom_ml.cli.output import Output

app = single()


@command(app, example="cleanroom-ml grant RUN --to ANALYST")
def grant(
    privilege: Annotated[
        str,
        typer.Argument(metavar="PRIVILEGE", help="Its name, - for a blank. `run` needs RUN and VIEW TEMPLATES."),
    ],
    role: Annotated[str, typer.Option("--to", metavar="ROLE", help="Who gets it.")],
    collaboration_: Collaboration = None,
    registry: Registry = None,
) -> Output:
    """Grant a role a privilege of the clean room, on the account, a collaboration or a registry."""
    from cleanroom_ml.services import roles

    with open_connection() as connection:
        done = roles.change(
            connection,
            privilege,
            role,
            grant=True,
            registry=registry,
            collaboration=lambda: collaboration(collaboration_),
        )
    return Output(done, done.describe())
