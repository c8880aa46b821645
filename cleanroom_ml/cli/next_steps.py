"""What this person can do next, by who they are and how things stand; somebody else's step says whose it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cleanroom_ml.services.connections import Connection
    from cleanroom_ml.services.review import Review

RUNNER, REQUESTER = "analysis_runner", "requester"


def after_request(
    connection: Connection, review: Review, *, status: str, waiting_for: tuple[str, ...]
) -> tuple[str, ...]:
    """After a look at a request, or a decision on it.

    Args:
        status: the request's, now.
        waiting_for: the aliases of those who have not decided.
    """
    from cleanroom_ml.services.whose import own_account

    account = own_account(connection).upper()
    if status == "PENDING_MY_APPROVAL":
        return (f"cleanroom-ml approve {review.template_id}",)
    sent = review.account_of(REQUESTER).upper() == account
    if status in ("REJECTED", "FAILED"):
        return ("cleanroom-ml template submit",) if sent else ("cleanroom-ml requests --all",)
    if waiting_for:
        others = f"{', '.join(waiting_for)}: cleanroom-ml approve {review.template_id}"
        return (others, f"to take it back: cleanroom-ml template withdraw {review.template_id}") if sent else (others,)
    if status == "REQUESTED":
        return ("cleanroom-ml requests",)
    verb = "activate" if review.template_type == "sql_activation" else "run"
    step = f"cleanroom-ml {verb} {review.template_id}"
    runners = {each.upper() for each in review.accounts_of(RUNNER)}
    return (step,) if account in runners else (f"{review.runner}: {step}",)


def of_a_job(connection: Connection, collaboration: str, job_id: str) -> tuple[str, ...]:
    """While a job runs: its status, and its log where it may be read."""
    from cleanroom_ml.services.jobs import may_read_log

    status = f"cleanroom-ml status {job_id} --wait"
    readable = may_read_log(connection, collaboration, job_id)
    return (status, f"cleanroom-ml logs {job_id} --follow") if readable else (status,)
