"""Which template a run means, and why it cannot run yet: who has not approved, or who rejected."""

from __future__ import annotations

import time
from difflib import get_close_matches
from typing import Final

from cleanroom_ml.connection import Connection
from cleanroom_ml.connection.session import Row
from cleanroom_ml.errors import (
    CleanroomError,
    NotApprovedError,
    PolicyDeniedError,
    ServerError,
    UsageError,
    WaitTimeoutError,
)
from cleanroom_ml.services.answers import named_rows
from cleanroom_ml.services.memberships import RUNNER, members
from cleanroom_ml.services.read_templates import ReadTemplate, read_template
from cleanroom_ml.services.update_requests import UpdateRequest, list_requests
from cleanroom_ml.services.waiting import Pauses
from cleanroom_ml.services.whose import own_account, own_names
from cleanroom_ml.specs.identifiers import is_spec_id

APPLIED_SECONDS: Final = 120.0
"""How long a change that everybody has approved may take to be applied: nobody says, and others take seconds."""


def runnable_template(connection: Connection, collaboration: str, wanted: str) -> str:
    """The id of the approved template that `wanted` stands for (see `approved_template`)."""
    return approved_template(connection, collaboration, wanted)[0]


def approved_template(
    connection: Connection, collaboration: str, wanted: str, *, runs: tuple[str, ...] = ()
) -> tuple[str, ReadTemplate | None]:
    """`_approved` for an account that runs analyses; to one that does not, no template and no approval is missing.

    Raises:
        PolicyDeniedError: the account runs no analyses in the collaboration, and has no such template.
    """
    try:
        return _approved(connection, collaboration, wanted, runs=runs)
    except (NotApprovedError, UsageError):
        check_runs(connection, collaboration)
        raise


def check_runs(connection: Connection, collaboration: str) -> None:
    """Raises PolicyDeniedError where this account is told to run no analyses in the collaboration."""
    denied = runs_nothing(connection, collaboration)
    if denied is not None:
        raise denied


def runs_nothing(connection: Connection, collaboration: str) -> PolicyDeniedError | None:
    """What tells that this account runs no analyses in the collaboration; None: it does, or nobody says."""
    try:
        everybody, account = members(connection, collaboration), own_account(connection)
    except CleanroomError:  # not this role's to see: what was refused before is all that is known
        return None
    mine = next((each for each in everybody if each.account.upper() == account.upper()), None)
    if mine is None or not mine.roles or RUNNER in mine.roles:
        return None
    runners = ", ".join(each.collaborator for each in everybody if RUNNER in each.roles)
    return PolicyDeniedError(
        f"{mine.collaborator} is no analysis runner of the collaboration {collaboration}",
        why=f"its runners: {runners}" if runners else None,
        fix=f"{runners or 'a runner'}: cleanroom-ml run, cleanroom-ml activate",
    )


def _approved(
    connection: Connection, collaboration: str, wanted: str, *, runs: tuple[str, ...] = ()
) -> tuple[str, ReadTemplate | None]:
    """The id of the approved template that `wanted` (a name or an id) stands for; of several, the latest added.

    With it the template as far as the target shows it; None where nothing of its spec can be read.

    One that everybody has approved is in the collaboration a while later: that is waited for.

    Args:
        runs: the names of the project's runs, which may have been meant.

    Raises:
        NotApprovedError: it was submitted, and somebody has not approved yet or has rejected.
        UsageError: nobody submitted a template of that name.
        ServerError: what the target tells as its id is none.
        WaitTimeoutError: everybody has approved, and it is not in the collaboration yet.
    """
    pauses, deadline, last = Pauses(), time.monotonic() + APPLIED_SECONDS, ""
    while True:
        rows = named_rows(connection.call("COLLABORATION.VIEW_TEMPLATES", collaboration), "template_id")
        approved = [row for row in rows if _matches(wanted, row)]
        if approved:
            template_id = str(approved[-1]["template_id"])
            if not is_spec_id(template_id):
                raise ServerError(
                    f"the target tells no id of the template {wanted!r}",
                    why=f"what it tells is {template_id[:60]!r}; nothing was started",
                    fix="cleanroom-ml template list, then the same command again",
                )
            return template_id, read_template(approved[-1].get("template_spec"))
        requests = [request for request in list_requests(connection, collaboration) if request.concerns(wanted)]
        before, last = last, requests[-1].status if requests else ""
        if last == "COMPLETED" and before != last:
            continue  # it may have been applied between the two looks
        if last != "APPROVED" or not _is_for_us(connection, collaboration, requests[-1]):
            break
        if time.monotonic() >= deadline:
            raise WaitTimeoutError(
                f"the template {wanted!r} is approved by everybody, and not in the collaboration yet",
                why=f"waited {APPLIED_SECONDS:g} s; nothing was started",
                fix="cleanroom-ml requests --all, then the same command again",
            )
        pauses.sleep(deadline)
    if not requests:
        known = [str(row["template_id"]) for row in rows]
        names = {template_id.rpartition("_")[0]: template_id for template_id in known}
        near = get_close_matches(wanted, [*runs, *names, *known], n=1)
        if near:
            fix = f"cleanroom-ml run {near[0]}" if near[0] in runs else "cleanroom-ml template list"
        else:
            fix = "the template provider sends it: cleanroom-ml template submit"
        listed = f"runs of cleanroom.yaml: {', '.join(runs)}; " if runs else ""
        raise UsageError(
            f"no template {wanted!r} in the collaboration {collaboration}"
            + (", and no run of that name in cleanroom.yaml" if runs else ""),
            why=f"did you mean {near[0]!r}?" if near else f"{listed}approved templates: {', '.join(known) or 'none'}",
            fix=fix,
        )
    raise _not_approved(wanted, requests[-1])


def _is_for_us(connection: Connection, collaboration: str, request: UpdateRequest) -> bool:
    """Whether a request shares its template with this account; yes where it does not say with whom."""
    names = own_names(connection, collaboration)
    return not request.share_with or not names.isdisjoint(alias.upper() for alias in request.share_with)


def _not_approved(wanted: str, request: UpdateRequest) -> NotApprovedError:
    if request.status in ("APPROVED", "COMPLETED"):
        return NotApprovedError(
            f"the template {wanted!r} is not shared with this account, or not any more",
            why=f"it was approved for {request.runner}" if request.runner else None,
            fix="the template provider sends it: cleanroom-ml template submit --with ALIAS",
        )
    if request.withdrawn:
        return NotApprovedError(
            f"the request for {wanted!r} was withdrawn by {request.requester}",
            fix="the template provider sends it again: cleanroom-ml template submit",
        )
    if request.status == "REJECTED":
        who = ", ".join(
            entry.collaborator + (f" ({entry.reason})" if entry.reason else "")
            for entry in request.decisions
            if entry.decision == "REJECTED"
        )
        return NotApprovedError(
            f"the template {wanted!r} was rejected by {who}",
            why="a rejection is final for that request",
            fix="the template provider submits a new version: cleanroom-ml spec register --bump",
        )
    if request.status == "FAILED":
        return NotApprovedError(f"the request for {wanted!r} failed", why=request.failure_reason or None)
    missing = ", ".join(request.waiting_for)
    has = "have" if len(request.waiting_for) > 1 else "has"
    return NotApprovedError(
        f"the template {wanted!r} is not approved yet: {missing or 'somebody'} {has} not decided",
        why="the runner and every data provider of that runner must approve",
        fix=("" if request.status == "PENDING_MY_APPROVAL" else f"{missing or 'the others'}: ")
        + f"cleanroom-ml approve {request.template_id}",
    )


def _matches(wanted: str, row: Row) -> bool:
    template_id = str(row["template_id"])
    if template_id.lower() == wanted.lower():
        return True
    spec = read_template(row.get("template_spec"))
    return spec is not None and spec.name.lower() == wanted.lower()
