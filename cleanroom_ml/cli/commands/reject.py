"""`cleanroom-ml reject`."""

from __future__ import annotations

from typing import Annotated

import typer

from cleanroom_ml.cli.command import command, single
from cleanroom_ml.cli.context import collaboration, open_connection
from cleanroom_ml.cli.options import Collaboration, Yes, optional_argument
from cleanroom_ml.cli.output import Output

app = single()


@command(app, example="cleanroom-ml reject train_V1 --reason 'prints household ids'")
def reject(
    request: Annotated[str | None, optional_argument(metavar="REQUEST", help="Its id, or the template's.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="What the requester is told.")] = "",
    collaboration_: Collaboration = None,
    yes: Yes = False,
) -> Output:
    """Reject a request, for everybody and for good."""
    from cleanroom_ml.cli.confirm import confirm
    from cleanroom_ml.services.approvals import reject as decide
    from cleanroom_ml.services.update_requests import pick_request, waits_for_me

    name = collaboration(collaboration_)
    with open_connection() as connection:
        found = pick_request(connection, name, request, waits=waits_for_me)
        if found.status != "REJECTED":
            confirm(f"Reject {found.subject}? This is final.", yes=yes, typed=request, displayed=found.id)
        done = decide(connection, name, found, reason)
    return Output(done, f"rejected {done.template_id}" + ("" if done.changed else " (before)"))
