"""`cleanroom-ml collaboration`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cleanroom_ml.cli import context
from cleanroom_ml.cli.command import command, group
from cleanroom_ml.cli.context import open_connection
from cleanroom_ml.cli.interrupts import looked_for_first, resumed
from cleanroom_ml.cli.options import Yes as Sure
from cleanroom_ml.cli.options import optional_argument, optional_option
from cleanroom_ml.cli.output import Output

app = group("Collaborations: who works together, and in which roles.")

Name = Annotated[str | None, optional_argument(metavar="NAME", help="Default: the project's.")]
Owner = Annotated[
    str | None, optional_option("--owner", metavar="ORG.ACCOUNT", help="Whose it is; default: the project's.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Approve the templates that the spec lists, unasked.")]
Timeout = Annotated[float, typer.Option("--timeout", metavar="SECONDS", help="How long to wait.")]


@command(app, "create", example="cleanroom-ml collaboration create")
def create(
    file: Annotated[Path | None, optional_argument(help="Default: collaboration.yaml.")] = None,
    timeout: Timeout = 600,
) -> Output:
    """Create the collaboration of a spec file and join it as its owner; repeating is safe."""
    from cleanroom_ml.services import collaborations

    path = file or context.own_collaboration_file()
    with open_connection() as connection, resumed():
        done = collaborations.create(connection, collaborations.read(path), timeout_seconds=timeout, path=file)
    said = "created" if done.changed else "there already"
    hint = "the others: cleanroom-ml collaboration join"
    return Output(done, f"{done.collaboration}: {said}, {done.status}", hints=(hint,))


@command(app, "review", example="cleanroom-ml collaboration review lookalike")
def review(name: Name = None, owner: Owner = None) -> Output:
    """What an invitation asks for."""
    from cleanroom_ml.services import collaborations, whose

    with open_connection() as connection:
        meant = context.collaboration(name)
        wanted = owner or whose.expected_owner(context.meant(meant, context.project_or_none()))
        found = collaborations.review(connection, meant, owner_account=wanted)
        joined = found.name is not None and collaborations.has_joined(connection, found.name)
    text = f"{found.source_name}, owned by {found.owner_account}\n\n{found.spec}"
    here = context.project_or_none()
    named = "" if here and context.meant(found.source_name, here) else f" {found.source_name}"
    hint = "cleanroom-ml requests" if joined else f"cleanroom-ml collaboration join{named}"
    return Output(found, text, hints=(hint,))


@command(app, "join", example="cleanroom-ml collaboration join lookalike --owner LOCAL.PUBLISHER")
def join(name: Name = None, owner: Owner = None, timeout: Timeout = 600, yes: Yes = False) -> Output:
    """Join a collaboration, after asking whose it is to be; repeating is safe."""
    from cleanroom_ml.cli.confirm import agree, confirm
    from cleanroom_ml.cli.render import note
    from cleanroom_ml.cli.review_text import review_text
    from cleanroom_ml.services import collaborations, whose
    from cleanroom_ml.services.review import review_request
    from cleanroom_ml.services.subjects import subject_of

    meant = context.collaboration(name)
    with open_connection() as connection:
        wanted = owner or whose.expected_owner(context.meant(meant, context.project_or_none()))
        if wanted is None:
            found = collaborations.find(connection, meant)
            wanted = found.owner_account
            pinned = f"cleanroom-ml collaboration join {meant} --owner {wanted}, or `owner: {wanted}` in cleanroom.yaml"
            agree(f"{meant} is owned by {wanted}. Is that the account you mean?", otherwise=pinned)
        note(f"owner: {wanted}")
        with resumed():
            invitation = collaborations.review(connection, meant, owner_account=wanted)
        declared = collaborations.approved_by_joining(connection, invitation)
        for request in declared:
            note(review_text(review_request(meant, request, subject_of(connection, meant, request))))
        if declared:
            listed = ", ".join(request.template_id for request in declared)
            confirm(f"Joining approves {listed}, as shown. Join?", yes=yes, pins=() if owner else ("--owner", wanted))
        with resumed():
            done = collaborations.join(connection, meant, owner_account=wanted, timeout_seconds=timeout)
    said = "joined" if done.changed else "joined before"
    here = context.project_or_none()
    offers = here is None or bool(here.offering_paths)
    hint = "cleanroom-ml offering link" if offers else "cleanroom-ml requests"
    return Output(done, f"{done.collaboration}: {said}", hints=(hint,))


@command(app, "edit", example="cleanroom-ml collaboration edit collaboration.yaml")
def edit(
    file: Annotated[Path | None, optional_argument(help="Default: collaboration.yaml.")] = None, yes: Sure = False
) -> Output:
    """Ask the others to approve the spec as it is now; repeating is safe."""
    from cleanroom_ml.cli.confirm import confirm
    from cleanroom_ml.cli.render import note
    from cleanroom_ml.services import collaborations, editing

    spec = collaborations.read(file or context.own_collaboration_file())
    with open_connection() as connection:
        if gone := editing.removed_by(connection, spec):
            note("this takes out of the collaboration (`cleanroom-ml collaboration show` prints what it has now):")
            for part in gone:
                note(f"  {part}")
            confirm(f"Edit {spec.name}, and take these out?", yes=yes)
        with looked_for_first("cleanroom-ml requests --all"):
            done = editing.edit(connection, spec)
    if not done.changed:
        return Output(done, f"{done.collaboration}: as it is already")
    lines = [f"{done.collaboration}: {done.status}" + (f", request {done.request_id}" if done.request_id else "")]
    for each in done.operations:
        failed = f": {each.failure_reason}" if each.failure_reason else ""
        lines.append(f"  {each.operation}  {each.what}  {each.status}{failed}")
    return Output(done, "\n".join(lines), hints=("cleanroom-ml requests", "cleanroom-ml collaboration status"))


@command(app, "leave", example="cleanroom-ml collaboration leave lookalike --yes")
def leave(name: Name = None, owner: Owner = None, timeout: Timeout = 600, yes: Sure = False) -> Output:
    """Leave a collaboration, for good; goes on from where it was interrupted."""
    from cleanroom_ml.cli.confirm import confirm
    from cleanroom_ml.services import leaving, whose

    meant = context.collaboration(name)
    with open_connection() as connection:
        wanted = owner or whose.expected_owner(context.meant(meant, context.project_or_none()))
        confirm(
            f"Leave {meant}? Its data, templates, jobs and internal tables are gone at once, and you can never rejoin.",
            yes=yes,
        )
        with resumed():
            done = leaving.leave(connection, meant, owner_account=wanted, timeout_seconds=timeout)
    return Output(done, f"{done.collaboration}: {'left' if done.changed else 'left before'}")


@command(app, "teardown", example="cleanroom-ml collaboration teardown lookalike --yes")
def teardown(name: Name = None, timeout: Timeout = 600, yes: Sure = False) -> Output:
    """End a collaboration for everybody, as its owner; goes on from where it was interrupted."""
    from cleanroom_ml.cli.confirm import confirm
    from cleanroom_ml.services import leaving

    meant = context.collaboration(name)
    with open_connection() as connection:
        confirm(f"Tear down {meant}, for all its collaborators and for good?", yes=yes)
        with resumed():
            done = leaving.teardown(connection, meant, timeout_seconds=timeout)
    hint = "the others: cleanroom-ml collaboration leave"
    return Output(done, f"{done.collaboration}: {'torn down' if done.changed else 'torn down before'}", hints=(hint,))


@command(app, "status", example="cleanroom-ml collaboration status")
def status(name: Name = None) -> Output:
    """Everybody's state in the collaboration."""
    from cleanroom_ml.services.memberships import members

    with open_connection() as connection:
        return Output(members(connection, context.collaboration(name)))


@command(app, "list", example="cleanroom-ml collaboration list")
def list_() -> Output:
    """The collaborations this account owns, joined, or is invited to."""
    from cleanroom_ml.services import collaborations

    with open_connection() as connection:
        found = collaborations.list_collaborations(connection)
    rows = [
        {"source_name": each.source_name, "name": each.name, "owner": each.owner_account, "updated_on": each.updated_on}
        for each in found
    ]
    return Output(rows)


@command(app, "show", example="cleanroom-ml collaboration show")
def show(name: Name = None) -> Output:
    """The collaboration's spec as it is now."""
    from cleanroom_ml.services import collaborations

    with open_connection() as connection:
        found = collaborations.find(connection, context.collaboration(name))
    return Output(found, found.spec)


@command(app, "config", example="cleanroom-ml collaboration config ALLOW_ML_JOBS_MONITORING false")
def config(
    key: Annotated[str | None, optional_argument(metavar="KEY", help="What to set; none: show all.")] = None,
    value: Annotated[str | None, optional_argument(metavar="VALUE")] = None,
    collaboration: Annotated[str | None, optional_option("--collaboration")] = None,
) -> Output:
    """Show or set the collaboration's configuration."""
    from cleanroom_ml.errors import UsageError
    from cleanroom_ml.services import collaborations

    name = context.collaboration(collaboration)
    if key is not None and value is None:
        raise UsageError(f"no value for {key}", fix=f"cleanroom-ml collaboration config {key} true")
    with open_connection() as connection:
        if key is None or value is None:
            return Output(collaborations.configuration(connection, name))
        return Output(collaborations.configure(connection, name, key, value))
