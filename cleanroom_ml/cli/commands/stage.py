"""`cleanroom-ml stage`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cleanroom_ml.cli.command import command, single
from cleanroom_ml.cli.context import open_connection, project
from cleanroom_ml.cli.options import optional_argument, optional_option
from cleanroom_ml.cli.output import Output

app = single()


@command(app, example="cleanroom-ml stage")
def stage(
    directory: Annotated[Path | None, optional_argument(help="Default: `code` of cleanroom.yaml.")] = None,
    to: Annotated[
        str | None,
        optional_option("--to", metavar="DB.SCHEMA.STAGE/DIR", help="Default: `stage` of cleanroom.yaml."),
    ] = None,
) -> Output:
    """Upload the code directory to the stage; what is there already is not sent again."""
    from cleanroom_ml.cli.render import upload_observer
    from cleanroom_ml.errors import UsageError
    from cleanroom_ml.services.staging import StageLocation, stage_directory

    where = directory or project().code_directory
    target = to or project().stage
    if where is None or target is None:
        raise UsageError("nothing to stage", fix="`code` and `stage` in cleanroom.yaml, or: stage DIRECTORY --to STAGE")
    with open_connection() as connection:
        outcome = stage_directory(connection, where, StageLocation.parse(target), observer=upload_observer())
    lines = [f"{outcome.stage}: {outcome.files} files, {outcome.bytes:,} bytes, {outcome.content_digest}"]
    lines += [f"  uploaded  {path}" for path in outcome.uploaded]
    lines += [f"  removed   {path}" for path in outcome.removed]
    if outcome.unchanged:
        lines.append(f"  unchanged {len(outcome.unchanged)}")
    return Output(outcome, "\n".join(lines), hints=("cleanroom-ml spec register",))
