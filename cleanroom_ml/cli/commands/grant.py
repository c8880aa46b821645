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
    privilege: Annotated[str, typer.Argument(metavar="PRIVILEGE", help="Its documented name; - for a blank.")],
    role: Annotated[str, typer.Option("--to", metavar="ROLE", help="Who gets it.")],
    collaboration_: Collaboration = None,
    registry: Registry = None,
) -> Output:
    """Grant a role a privilege of the clean room, on the account, a collaboration or a registry."""
    from cleanroom_ml.services import roles

    wanted = roles.privilege_named(privilege, registry=registry is not None)
    with open_connection() as connection:
        if registry is not None:
            done = roles.change_on_object(connection, wanted, "REGISTRY", registry, role, grant=True)
        elif roles.is_on_account(wanted):
            done = roles.change_on_account(connection, wanted, role, grant=True)
        else:
            name = collaboration(collaboration_)
            done = roles.change_on_object(connection, wanted, "COLLABORATION", name, role, grant=True)
    where = f"{done.object_type.lower()} {done.name}".strip()
    return Output(done, f"{done.privilege} on {where}: granted to {done.role}")
