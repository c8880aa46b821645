"""`cleanroom-ml requests`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cleanroom_ml.cli.command import command, single
from cleanroom_ml.cli.context import collaboration, open_connection
from cleanroom_ml.cli.options import Collaboration
from cleanroom_ml.cli.output import Output

if TYPE_CHECKING:
    from cleanroom_ml.services.approval_log import Decision

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
            "subject": each.subject,
            "requester": each.requester,
            "share_with": list(each.share_with),
            "status": each.status,
            "waiting_for": list(each.waiting_for),
            "said": each.log.unread or [_said(entry) for entry in each.decisions if entry.decision != "PENDING"],
            "updated_on": each.updated_on,
        }
        for each in found
    ]
    mine = [each for each in found if each.status == "PENDING_MY_APPROVAL"]
    return Output(rows, hints=tuple(f"cleanroom-ml review {each.template_id or each.id}" for each in mine[:1]))


def _said(entry: Decision) -> str:
    return f"{entry.collaborator}: {entry.decision}" + (f" ({entry.reason})" if entry.reason else "")
