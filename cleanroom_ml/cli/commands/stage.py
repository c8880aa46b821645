"""`cleanroom-ml stage`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cleanroom_ml.cli.command import command, single
from cleanroom_ml.cli.context import open_connection, project
from cleanroom_ml.cli.options import AllowSecrets, inside, optional_argument, optional_option
from cleanroom_ml.cli.output import Output

if TYPE_CHECKING:
    from cleanroom_ml.services.staging import StageLocation

app = single()


@command(app, example="cleanroom-ml stage")
def stage(
    directory: Annotated[Path | None, optional_argument(help="Default: `code` of cleanroom.yaml.")] = None,
    to: Annotated[
        str | None,
        optional_option("--to", metavar="DB.SCHEMA.STAGE/DIR", help="Default: `stage` of cleanroom.yaml."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List what would go and what not; send nothing.")] = False,
    allow_secrets: AllowSecrets = None,
) -> Output:
    """Upload the code directory to the stage; files that look like secrets are refused."""
    from cleanroom_ml.cli.render import upload_observer
    from cleanroom_ml.errors import UsageError
    from cleanroom_ml.services.code_specs import is_registered
    from cleanroom_ml.services.staging import StageLocation, stage_directory

    where = directory or project().code_directory
    target = to or project().stage
    if where is None or target is None:
        raise UsageError("nothing to stage", fix="`code` and `stage` in cleanroom.yaml, or: stage DIRECTORY --to STAGE")
    location, allowed = StageLocation.parse(target), inside(where, allow_secrets)
    if dry_run:
        return _dry_run(where, location, allowed)
    with open_connection() as connection:
        outcome = stage_directory(connection, where, location, observer=upload_observer(), allow_secrets=allowed)
        changed = bool(outcome.uploaded or outcome.removed)
        again = changed and directory is None and to is None and is_registered(connection, project())
    lines = [f"{outcome.stage}: {_count(outcome.files)}, {outcome.bytes:,} bytes, {outcome.content_digest}"]
    lines += [f"  created   {each}" for each in outcome.created]
    lines += [f"  uploaded  {path}" for path in outcome.uploaded]
    lines += [f"  removed   {path}" for path in outcome.removed]
    if outcome.unchanged:
        lines.append(f"  unchanged {len(outcome.unchanged)}")
    return Output(
        outcome,
        "\n".join(lines),
        hints=("cleanroom-ml spec register --bump" if again else "cleanroom-ml spec register",),
    )


def _count(files: int) -> str:
    return "1 file" if files == 1 else f"{files:,} files"


def _dry_run(directory: Path, location: StageLocation, allowed: tuple[str, ...]) -> Output:
    """What `stage` would do; the exit code is the one it would end with."""
    from cleanroom_ml.errors import UsageError
    from cleanroom_ml.services.code_directory import preview

    found = preview(directory, allow_secrets=allowed)
    empty = not found.files.files
    refused = {secret.path: secret.what for secret in found.secrets}
    lines = [f"{location}: {_count(len(found.files.files))}, {found.files.total_size:,} bytes, {found.files.digest}"]
    for entry in found.files.files:
        verdict = f"refused   {entry.path}  looks like {refused[entry.path]}" if entry.path in refused else ""
        lines.append(f"  {verdict or f'would go  {entry.path}'}  {entry.size:,} bytes  {entry.sha256}")
    lines += [f"  left out  {each.path}  {each.why}" for each in found.ignored]
    data = {
        "stage": str(location),
        "content_digest": found.files.digest,
        "files": found.files.to_json(),
        "ignored": found.ignored,
        "secrets": found.secrets,
    }
    hints = tuple(f"move {path} away, list it in .cleanroomignore, or: --allow-secret {path}" for path in refused)
    return Output(data, "\n".join(lines), hints=hints, exit_code=UsageError.exit_code if refused or empty else 0)
