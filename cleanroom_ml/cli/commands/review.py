"""`cleanroom-ml review`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cleanroom_ml.cli.command import command, single
from cleanroom_ml.cli.context import collaboration, meant, open_connection, project_or_none
from cleanroom_ml.cli.next_steps import after_request
from cleanroom_ml.cli.options import Collaboration, optional_argument, optional_option
from cleanroom_ml.cli.output import Output
from cleanroom_ml.cli.review_text import change_text, review_text

app = single()


@command(app, example="cleanroom-ml review train_V1 --reviewed reviewed_code/")
def review(
    request: Annotated[str | None, optional_argument(metavar="REQUEST", help="Its id, or the template's.")] = None,
    reviewed: Annotated[
        Path | None, optional_option("--reviewed", metavar="DIR", help="Compare with this copy.")
    ] = None,
    collaboration_: Collaboration = None,
) -> Output:
    """Show everything that approving a request would let run, and its digest; decides nothing."""
    from cleanroom_ml.cli.render import note
    from cleanroom_ml.errors import UsageError, WrongPartyError
    from cleanroom_ml.services.approvals import check_whose
    from cleanroom_ml.services.change_review import review_change
    from cleanroom_ml.services.images import with_drift
    from cleanroom_ml.services.review import review_request
    from cleanroom_ml.services.subjects import subject_of
    from cleanroom_ml.services.update_requests import ADD_TEMPLATE, pick_request, waits_for_me
    from cleanroom_ml.services.verification import verify_reviewed

    name = collaboration(collaboration_)
    with open_connection() as connection:
        asked = pick_request(connection, name, request, waits=waits_for_me)
        if asked.kind != ADD_TEMPLATE:
            change = review_change(connection, name, asked)
            if reviewed is not None:
                raise UsageError(f"{asked.type} runs no staged code", why="--reviewed compares code")
            check_whose(connection, change, meant(name, project_or_none()))
            waits = asked.status == "PENDING_MY_APPROVAL"
            return Output(change, change_text(change), hints=(f"cleanroom-ml approve {asked.id}",) if waits else ())
        found = with_drift(connection, review_request(name, asked, subject_of(connection, name, asked)))
        text = review_text(found)
        try:
            check_whose(connection, found, meant(name, project_or_none()))
        except WrongPartyError:
            note(text)
            raise
        hints = after_request(connection, found, status=asked.status, waiting_for=asked.waiting_for)
        if reviewed is not None:
            compared = verify_reviewed(found, reviewed, connection)
            text += "".join(f"\nreviewed: {line}" for line in compared.lines)
    return Output(found, text, hints=hints)
