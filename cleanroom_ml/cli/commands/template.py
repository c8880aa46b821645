"""`cleanroom-ml template`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cleanroom_ml.cli.command import command, group
from cleanroom_ml.cli.commands.requests import withdraw as take_back
from cleanroom_ml.cli.context import collaboration, files_or, open_connection, project
from cleanroom_ml.cli.interrupts import looked_for_first
from cleanroom_ml.cli.options import AllowSecrets, Collaboration, Yes, inside, optional_argument, optional_option
from cleanroom_ml.cli.output import Output

if TYPE_CHECKING:
    from cleanroom_ml.services.templates import Submission

# The states of a request that is not decided (`services.update_requests.OPEN`, which is not imported for a help text).
OPEN = ("REQUESTED", "PENDING_MY_APPROVAL", "PENDING_PARTNER_APPROVAL")

app = group("Templates: what a runner may run.")

Files = Annotated[list[Path] | None, optional_argument(help="Default: the project's.")]


@command(app, "register", example="cleanroom-ml template register train.yaml")
def register(files: Files = None) -> Output:
    """Register templates; the same content again changes nothing."""
    from cleanroom_ml.services.registration import register_file

    paths = files_or(files, project().template_paths, "templates")
    with open_connection() as connection:
        done = [register_file(connection, path) for path in paths]
    return Output(done, hints=("cleanroom-ml template submit",))


@command(app, "submit", example="cleanroom-ml template submit")
def submit(
    files: Files = None,
    collaboration_: Collaboration = None,
    runners: Annotated[
        list[str] | None,
        optional_option("--with", metavar="ALIAS", help="Default: `share_with` of the project."),
    ] = None,
    allow_secrets: AllowSecrets = None,
) -> Output:
    """Ask the runners and their data providers to approve; registers first what is not registered yet."""
    from cleanroom_ml.cli.render import note
    from cleanroom_ml.services.templates import submit as send

    mine = project()
    paths = files_or(files, mine.template_paths, "templates")
    with open_connection() as connection, looked_for_first("cleanroom-ml requests --all"):
        done = send(
            connection,
            mine,
            collaboration(collaboration_),
            paths,
            runners=tuple(runners or mine.share_with),
            allow_secrets=inside(mine.code_directory, allow_secrets),
        )
    for warning in (line for each in done.code_specs for line in each.warnings()):
        note(f"warning: {warning}")
    lines = [f"code spec {each.id}: {each.outcome}" for each in done.code_specs]
    lines += [f"template {each.id}: {each.outcome}" for each in done.templates]
    lines += [
        f"request {each.request_id}: {each.template_id} for {each.runner}: {each.status}"
        + ("" if each.new else " (sent before)")
        for each in done.requests
    ]
    lines += [f"sent, and not listed yet: {each}" for each in done.unlisted]
    return Output(done, "\n".join(lines), hints=(*_after(done), *_older(done)))


def _after(done: Submission) -> tuple[str, ...]:
    """What follows on requests as they stand: one's own decision, those of others, or nothing but the run."""
    own = [each for each in done.requests if each.status == "PENDING_MY_APPROVAL"]
    if own:
        return (f"cleanroom-ml approve {own[0].template_id}",)
    if any(each.status in OPEN for each in done.requests):
        return ("the others: cleanroom-ml requests, cleanroom-ml approve",)
    runners = ", ".join(
        dict.fromkeys(each.runner for each in done.requests if each.status not in ("REJECTED", "FAILED"))
    )
    return (f"{runners}: cleanroom-ml run, cleanroom-ml activate",) if runners else ("cleanroom-ml requests --all",)


def _older(done: Submission) -> tuple[str, ...]:
    """What still waits, and that a newer version has taken the place of."""
    return tuple(f"cleanroom-ml template withdraw {each}" for each in done.superseded)


command(app, "withdraw", example="cleanroom-ml template withdraw train_V1")(take_back)


@command(app, "list", example="cleanroom-ml template list")
def list_(collaboration_: Collaboration = None) -> Output:
    """The templates approved in the collaboration."""
    from cleanroom_ml.services.templates import list_templates

    with open_connection() as connection:
        rows = list_templates(connection, collaboration(collaboration_))
    data = [{key: value for key, value in row.items() if key != "template_spec"} for row in rows]
    return Output(data, "\n".join(map(_listed, rows)) or "no template is approved yet")


def _listed(row: Mapping[str, object]) -> str:
    """A template on two lines: whose it is and for whom, and what it takes."""
    from cleanroom_ml.services.answers import texts_of

    line = f"{row['template_id']}  (from {row['shared_by']}, for {', '.join(texts_of(row.get('shared_with')))})"
    takes = ", ".join(texts_of(row.get("parameters")))
    return f"{line}\n  takes {takes}" if takes else line


@command(app, "show", example="cleanroom-ml template show train_V1")
def show(template_id: Annotated[str, typer.Argument(metavar="ID")], collaboration_: Collaboration = None) -> Output:
    """An approved template, as it was registered."""
    from cleanroom_ml.errors import UsageError
    from cleanroom_ml.services.templates import list_templates

    with open_connection() as connection:
        rows = list_templates(connection, collaboration(collaboration_))
    for row in rows:
        if str(row["template_id"]).upper() == template_id.upper():
            return Output(row, str(row["template_spec"]))
    known = ", ".join(str(row["template_id"]) for row in rows) or "none"
    raise UsageError(f"no template {template_id!r}", why=f"approved: {known}", fix="cleanroom-ml requests")


@command(app, "remove", example="cleanroom-ml template remove old_template_V1")
def remove(
    template_id: Annotated[str, typer.Argument(metavar="ID")],
    from_collaboration: Annotated[
        bool, typer.Option("--from-collaboration", help="Take it away from its runners instead.")
    ] = False,
    runners: Annotated[
        list[str] | None,
        optional_option("--for", metavar="ALIAS", help="With --from-collaboration; default: all that have it."),
    ] = None,
    collaboration_: Collaboration = None,
    yes: Yes = False,
) -> Output:
    """Take a template out of this account's registry, or out of the collaboration, which nobody has to approve."""
    from cleanroom_ml.cli.confirm import confirm
    from cleanroom_ml.errors import UsageError
    from cleanroom_ml.services.registration import TEMPLATES, unregister
    from cleanroom_ml.services.templates import remove_from_room

    if from_collaboration:
        name = collaboration(collaboration_)
        with open_connection() as connection:
            confirm(f"Take {template_id} away from {', '.join(runners or ()) or 'all its runners'} in {name}?", yes=yes)
            had = remove_from_room(connection, name, template_id, runners or ())
        removed = {"template_id": template_id, "collaboration": name, "removed_for": list(had)}
        return Output(removed, f"{template_id}: " + (f"removed for {', '.join(had)}" if had else "nobody has it"))
    if runners:
        raise UsageError("--for needs --from-collaboration", fix="cleanroom-ml template remove --help")
    with open_connection() as connection:
        unregister(connection, TEMPLATES, template_id)
    return Output({"template_id": template_id, "removed": True}, f"{template_id}: removed from the registry")
