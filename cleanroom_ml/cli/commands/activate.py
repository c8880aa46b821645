"""`cleanroom-ml activate`."""

from __future__ import annotations

from typing import Annotated

import typer

from cleanroom_ml.cli.command import command, single
from cleanroom_ml.cli.context import collaboration, open_connection, project_or_none
from cleanroom_ml.cli.interrupts import looked_for_first, upgrading
from cleanroom_ml.cli.options import (
    Arguments,
    Collaboration,
    Tables,
    Timeout,
    Yes,
    optional_argument,
    optional_option,
    parse_arguments,
)
from cleanroom_ml.cli.output import Output

app = single()


@command(app, example="cleanroom-ml activate --yes")
def activate(
    template: Annotated[str | None, optional_argument(metavar="TEMPLATE", help="Default: the project's.")] = None,
    to: Annotated[str | None, optional_option("--to", metavar="ALIAS", help="The destination.")] = None,
    segment: Annotated[str | None, optional_option("--segment", help="The segment's name.")] = None,
    arguments: Arguments = None,
    tables: Tables = None,
    again: Annotated[
        bool, typer.Option("--again", help="Send a segment that was sent before once more, as another batch.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Until the destination can process the rows.")] = False,
    timeout: Timeout = None,
    collaboration_: Collaboration = None,
    yes: Yes = False,
) -> Output:
    """Run an activation template and send its rows to their destination; this cannot be undone."""
    from cleanroom_ml.cli.confirm import confirm
    from cleanroom_ml.cli.render import note
    from cleanroom_ml.errors import UsageError
    from cleanroom_ml.services.activation import Activation, ActivationRequest
    from cleanroom_ml.services.activation import activate as send

    mine = project_or_none()
    configured = mine.activate if mine else None
    chosen = template or (configured.template if configured else None)
    destination = to or (configured.to if configured else None)
    name = segment or (configured.segment if configured else None)
    if chosen is None or destination is None or name is None:
        raise UsageError(
            "an activation needs a template, a destination and a segment name",
            fix="`activate` in cleanroom.yaml, or: activate TEMPLATE --to ALIAS --segment NAME",
        )
    request = ActivationRequest(
        collaboration(collaboration_),
        chosen,
        destination,
        name,
        tables=tuple(tables or (configured.tables if configured else ())),
        my_tables=configured.my_tables if configured else (),
        arguments={**(configured.args if configured else {}), **parse_arguments(arguments)},
    )
    with open_connection() as connection:
        question = f"Send the rows of {chosen} to {destination} as segment {name}? They cannot be taken back."
        confirm(question, yes=yes)
        told: list[str] = []

        def changed(sent: Activation) -> None:
            told.append(sent.status)
            note(f"status: {sent.status}")

        with looked_for_first("cleanroom-ml activation list", done=told):
            done = send(
                connection,
                request,
                again=again,
                wait=wait,
                timeout_seconds=timeout,
                on_status=changed,
                on_upgrade=upgrading,
            )
    step = "process" if done.shared_by != done.shared_with else "export"
    hint = f"{destination}: cleanroom-ml activation {step} --segment {name}"
    return Output(done, f"{name} → {destination}: {done.status}", hints=(hint,))
