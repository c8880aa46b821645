"""`cleanroom-ml code`: the code specs of a collaboration, whoever registered them."""

from __future__ import annotations

from typing import Annotated

import typer

from cleanroom_ml.cli.command import command, group
from cleanroom_ml.cli.context import collaboration, open_connection
from cleanroom_ml.cli.options import Collaboration
from cleanroom_ml.cli.output import Output

app = group("Code specs of the collaboration: what its templates run.")


@command(app, "list", example="cleanroom-ml code list")
def list_(collaboration_: Collaboration = None) -> Output:
    """The code specs of templates that this account sent or can run, with the digests of their content."""
    from cleanroom_ml.services.shared_code import shared_code

    with open_connection() as connection:
        found = shared_code(connection, collaboration(collaboration_))
    rows = [
        {
            "code_spec_id": each.id,
            "shared_by": each.shared_by,
            "job": job,
            "content_digest": digest or "not shown by this account",
        }
        for each in found
        for job, digest in (each.content.items() or [("", "")])
    ]
    return Output(rows)


@command(app, "show", example="cleanroom-ml code show lookalike_code_V1")
def show(code_spec_id: Annotated[str, typer.Argument(metavar="ID")], collaboration_: Collaboration = None) -> Output:
    """A code spec of the collaboration, as the target shows it."""
    from cleanroom_ml.errors import UsageError
    from cleanroom_ml.services.shared_code import shared_code

    with open_connection() as connection:
        found = shared_code(connection, collaboration(collaboration_))
    matching = [each for each in found if each.id.upper() == code_spec_id.upper()]
    if not matching:
        known = ", ".join(each.id for each in found) or "none"
        raise UsageError(f"no code spec {code_spec_id!r}", why=f"shown: {known}", fix="cleanroom-ml code list")
    return Output(matching, "\n".join(each.text for each in matching))
