"""`cleanroom-ml requests`."""

from __future__ import annotations

from typing import Annotated

import typer

from cleanroom_ml.cli.command import command, single
from cleanroom_ml.cli.context import collaboration, open_connection
from cleanroom_ml.cli.options import Collaboration
from cleanroom_ml.cli.output import Output

app = single()


@command(app, example="cleanroom-ml requests")
def requests(
    collaboration_: Collaboration = None,
    everything: Annotated[bool, typer.Option("--all", help="Decided ones too.")] = False,
) -> Output:
    """What waits for approval in the collaboration, and for whom."""
    from cleanroom_ml.services.update_requests import list_requests

    with open_connection() as connection:
        found = [each for each in list_requests(connection, collaboration(collaboration_)) if everything or each.open]
    rows = [
        {
            "id": each.id,
            "type": each.type,
            "template_id": each.template_id,
            "requester": each.requester,
            "runner": each.runner,
            "status": each.status,
            "waiting_for": [entry.collaborator for entry in each.decisions if entry.decision == "PENDING"],
            "updated_on": each.updated_on,
        }
        for each in found
    ]
    mine = [each for each in found if each.status == "PENDING_MY_APPROVAL"]
    return Output(rows, hints=tuple(f"cleanroom-ml review {each.template_id}" for each in mine[:1]))
