"""`cleanroom-ml approve`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cleanroom_ml.cli.command import command, single
from cleanroom_ml.cli.context import collaboration, meant, open_connection, project_or_none
from cleanroom_ml.cli.next_steps import after_request
from cleanroom_ml.cli.options import Collaboration, Yes, optional_argument, optional_option
from cleanroom_ml.cli.output import Output
from cleanroom_ml.cli.review_text import change_text, review_text

if TYPE_CHECKING:
    from cleanroom_ml.services.approvals import Decided

app = single()


@command(app, example="cleanroom-ml approve train_V1 --reviewed reviewed_code/")
def approve(
    request: Annotated[str | None, optional_argument(metavar="REQUEST", help="Its id, or the template's.")] = None,
    reviewed: Annotated[
        Path | None,
        optional_option("--reviewed", metavar="DIR", help="The copy that was read; default: the project's."),
    ] = None,
    expect_digest: Annotated[
        str | None,
        optional_option("--expect-digest", metavar="sha256:…", help="Approve nothing but this."),
    ] = None,
    unverified_ok: Annotated[
        bool, typer.Option("--unverified-ok", help="Approve what this account is not shown in full.")
    ] = False,
    collaboration_: Collaboration = None,
    yes: Yes = False,
) -> Output:
    """Verify every file of a request by its SHA-256, then approve it; this cannot be undone."""
    from cleanroom_ml.cli.confirm import confirm
    from cleanroom_ml.cli.render import note
    from cleanroom_ml.errors import UsageError
    from cleanroom_ml.services.approvals import approve as decide
    from cleanroom_ml.services.approvals import check_whose, decides
    from cleanroom_ml.services.change_review import review_change, verify_change
    from cleanroom_ml.services.images import with_drift
    from cleanroom_ml.services.review import check_form, review_request, verify_digest
    from cleanroom_ml.services.subjects import subject_of
    from cleanroom_ml.services.update_requests import ADD_TEMPLATE, pick_request, waits_for_me
    from cleanroom_ml.services.verification import check_comparable, check_directory, check_seen, verify_reviewed

    if yes and reviewed is None and expect_digest is None:
        raise UsageError(
            "--yes needs to know what is being approved",
            why="an approval nobody looked at protects nobody",
            fix="approve --yes --reviewed DIR, or approve --yes --expect-digest sha256:…",
        )
    if expect_digest is not None:
        check_form(expect_digest)
    if reviewed is not None:
        check_directory(reviewed)
    name = collaboration(collaboration_)
    mine = project_or_none()
    with open_connection() as connection:
        found = pick_request(connection, name, request, waits=waits_for_me)
        if found.kind != ADD_TEMPLATE:
            if reviewed is not None:
                raise UsageError(f"{found.type} runs no staged code", why="--reviewed compares code")
            change = review_change(connection, name, found)
            note(change_text(change))
            check_whose(connection, change, meant(name, mine))
            if expect_digest is not None:
                verify_change(change, expect_digest)
            if decides(connection, name, found):
                pinned = () if expect_digest else ("--expect-digest", change.approval_digest)
                question = f"Approve this {found.type}? This cannot be undone."
                confirm(question, yes=yes, pins=pinned, typed=request, displayed=found.id)
            return _approved(decide(connection, name, found, change, project=meant(name, mine)), ())
        review = with_drift(connection, review_request(name, found, subject_of(connection, name, found)))
        here = meant(name, mine)
        directory = reviewed
        if directory is None and expect_digest is None and review.jobs and mine is not None:
            directory = mine.reviewed_directory
        if directory is not None:
            check_comparable(review, directory)
        note(review_text(review))
        check_whose(connection, review, here)
        if expect_digest is not None:
            verify_digest(review, expect_digest)
        if directory is not None:
            compared = verify_reviewed(review, directory, connection)
            for line in compared.lines:
                note(f"{'verified' if compared.complete else 'compared, as far as it is shown'}: {line}")
        if decides(connection, name, found):
            check_seen(review, unverified_ok=unverified_ok)
            pins: tuple[str, ...] = () if expect_digest else ("--expect-digest", review.approval_digest)
            pins += ("--unverified-ok",) if unverified_ok else ()
            question = f"Approve {review.template_id}? This cannot be undone."
            confirm(question, yes=yes, pins=pins, typed=request, displayed=found.id)
        done = decide(connection, name, found, review, project=here, unverified_ok=unverified_ok)
        hints = after_request(connection, review, status=done.status, waiting_for=done.waiting_for)
    return _approved(done, hints)


def _approved(done: Decided, hints: tuple[str, ...]) -> Output:
    if done.changed:
        text = f"approved {done.template_id}: {done.status}"
    else:
        text = f"{done.template_id} was approved before: {done.status}"
    if done.waiting_for:
        text += f"; still to decide: {', '.join(done.waiting_for)}"
    return Output(done, text, hints=hints)
