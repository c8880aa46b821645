"""`cleanroom-ml review`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cleanroom_ml.cli.command import command, single
from cleanroom_ml.cli.context import collaboration, open_connection
from cleanroom_ml.cli.options import Collaboration, optional_argument, optional_option
from cleanroom_ml.cli.output import Output
from cleanroom_ml.cli.review_text import review_text

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
    from cleanroom_ml.services.images import with_drift
    from cleanroom_ml.services.review import review_request, verify_reviewed
    from cleanroom_ml.services.update_requests import pick_request

    name = collaboration(collaboration_)
    with open_connection() as connection:
        found = review_request(name, pick_request(connection, name, request, status="PENDING_MY_APPROVAL"))
        found = with_drift(connection, found)
    text = review_text(found)
    if reviewed is not None:
        verify_reviewed(found, reviewed)
        text += f"\nreviewed: every file of {reviewed} is what would run"
    return Output(found, text, hints=(f"cleanroom-ml approve {found.template_id}",))
