"""`cleanroom-ml requests`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cleanroom_ml.cli.command import command
from cleanroom_ml.cli.context import collaboration, open_connection
from cleanroom_ml.cli.options import Collaboration, Yes, optional_argument
from cleanroom_ml.cli.output import Output
from cleanroom_ml.cli.settings import Settings, settings, with_shared_options

if TYPE_CHECKING:
    from cleanroom_ml.services.approval_log import Decision

app = typer.Typer(
    help="What waits for approval in the collaboration; alone it lists.", rich_markup_mode=None, add_completion=False
)
Everything = Annotated[bool, typer.Option("--all", help="Decided ones too.")]


@app.callback(invoke_without_command=True, epilog="Example: cleanroom-ml requests")
@with_shared_options
def requests(context: typer.Context, collaboration_: Collaboration = None, everything: Everything = False) -> object:
    """What waits for approval in the collaboration; alone it lists."""
    from cleanroom_ml.errors import UsageError

    if context.invoked_subcommand is None:
        return _listed(collaboration_, everything=everything)
    given, plain = settings(), Settings()
    if (
        collaboration_
        or everything
        or any(
            getattr(given, name) != getattr(plain, name) for name in ("connection", "temporary_connection", "format")
        )
    ):
        raise UsageError(
            "options stand behind the verb", fix=f"cleanroom-ml requests {context.invoked_subcommand} … OPTIONS"
        )
    return None


@command(app, "list", example="cleanroom-ml requests list --all")
def list_(collaboration_: Collaboration = None, everything: Everything = False) -> Output:
    """What waits for approval in the collaboration, and for whom."""
    return _listed(collaboration_, everything=everything)


@command(app, "withdraw", example="cleanroom-ml requests withdraw train_V1")
def withdraw(
    request: Annotated[str | None, optional_argument(metavar="REQUEST", help="Its id, or the template's.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="What the others are told.")] = "withdrawn",
    collaboration_: Collaboration = None,
    yes: Yes = False,
) -> Output:
    """Take back a request that waits for approval; it can be sent again."""
    from cleanroom_ml.cli.confirm import confirm
    from cleanroom_ml.services.approvals import sent_by
    from cleanroom_ml.services.approvals import withdraw as take_back
    from cleanroom_ml.services.update_requests import pick_request
    from cleanroom_ml.services.whose import own_names

    name = collaboration(collaboration_)
    with open_connection() as connection:
        me = own_names(connection, name)
        found = pick_request(
            connection,
            name,
            request,
            waits=lambda each: each.open and sent_by(each, me),
            reported="that you sent waits",
        )
        if found.open:
            confirm(f"Withdraw the request for {found.subject}?", yes=yes, typed=request, displayed=found.id)
        done = take_back(connection, name, found, reason)
    said = f"{done.template_id}: withdrawn" + ("" if done.changed else " before")
    return Output(done, said, hints=("cleanroom-ml template submit",))


def _listed(collaboration_: str | None, *, everything: bool) -> Output:
    from cleanroom_ml.services.update_requests import list_requests

    with open_connection() as connection:
        found = [each for each in list_requests(connection, collaboration(collaboration_)) if everything or each.open]
    rows = [
        {
            "id": each.id,
            "type": each.type,
            "template_id": each.template_id,
            "data_offering_id": str(each.details.get("data_offering_id") or ""),
            "requester": each.requester,
            "runner": each.runner,
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
