"""Update requests as rows: what is asked for, by whom, for which runners, and who has decided what."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.contracts.machine import IllegalTransition
from cleanroom_ml.engine.rooms import access
from cleanroom_ml.engine.rooms.access import Member, identity
from cleanroom_ml.engine.rooms.payloads import digest_of, displayed, says_whose
from cleanroom_ml.engine.rooms.states import DECISION, REQUEST, SENDERS_DECISION
from cleanroom_ml.engine.sql.errors import room_error
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.json_values import Document
from cleanroom_ml.naming import fold
from cleanroom_ml.specs.template import Template

ADD_TEMPLATE: Final = "Add Template"
REMOVE_TEMPLATE: Final = "Remove Template"
LINK_OFFERING: Final = "Link Data Offering"
UNLINK_OFFERING: Final = "Unlink Data Offering"
EDIT_COLLABORATION: Final = "Edit Collaboration"


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `requester` is an account; `payload` is what is asked for, frozen when it was sent: for a template
    everything that would run, for any other change the text of what it changes, as `spec`.
    """

    id: str
    collaboration: str
    type: str
    status: str
    requester: str
    runner_keys: tuple[str, ...]
    template_key: str
    payload: Document
    digest: str
    details: Document
    updated_on: int


@dataclass(frozen=True, slots=True)
class Decision:
    """One approver's say: PENDING, APPROVED or REJECTED."""

    account: str
    alias: str
    decision: str
    reason: str
    decided_on: int | None
    by_user: str | None


def insert(
    connection: sqlite3.Connection,
    requester: Member,
    runners: Sequence[Member],
    template: Template,
    payload: Document,
    details: Document,
    approvers: Sequence[Member],
    now: int,
) -> str:
    """Persists a request to add a template, nobody having decided yet, and returns its id.

    Raises:
        SqlError: UpdateRequestStateException, a runner has this template, or a request for it is open.
    """
    template_key = fold(template.id)
    for runner in runners:
        there = _there(connection, runner, template_key)
        if there is not None:
            raise room_error(
                ErrorName.UpdateRequestStateException, f"template '{template.id}' for {runner.alias} {there}."
            )
    request_id = _persist(
        connection,
        requester,
        ADD_TEMPLATE,
        [runner.alias_key for runner in runners],
        (template_key, fold(template.name)),
        payload,
        digest_of(payload),
        details,
        now,
    )
    connection.executemany(
        "INSERT INTO room_decisions (request, account, alias, decision, reason, decided_on, by_user)"
        " VALUES (?, ?, ?, 'PENDING', '', NULL, NULL)",
        [(request_id, approver.account, approver.alias) for approver in approvers],
    )
    return request_id


def record(
    connection: sqlite3.Connection,
    requester: Member,
    kind: str,
    details: Document,
    spec: str,
    now: int,
    *,
    runner_keys: Sequence[str] = (),
) -> None:
    """A change that needs nobody's approval, made in the caller's own transaction: its request is there, COMPLETED,
    exactly where the change is.

    Args:
        spec: the text of what is changed.
    """
    request_id = _persist(connection, requester, kind, runner_keys, ("", ""), {"spec": spec}, "", details, now)
    move(connection, request_id, "APPROVED", now)
    move(connection, request_id, "COMPLETED", now)


def _there(connection: sqlite3.Connection, runner: Member, template_key: str) -> str | None:
    """Why a template is not asked for once more; None: neither has the runner it, nor waits a request."""
    place = (runner.collaboration, runner.alias_key, template_key)
    if connection.execute(
        "SELECT 1 FROM room_templates WHERE collaboration = ? AND runner_key = ? AND template_key = ?", place
    ).fetchone():
        return "is shared already"
    waiting = connection.execute(
        """SELECT r.id FROM room_requests r JOIN room_request_runners n ON n.request = r.id
           WHERE r.collaboration = ? AND n.runner_key = ? AND r.template_key = ? AND r.type = ?
           AND r.status IN ('REQUESTED', 'APPROVED')""",
        (*place, ADD_TEMPLATE),
    ).fetchone()
    return None if waiting is None else f"waits for approval already (request {waiting['id']})"


def _persist(
    connection: sqlite3.Connection,
    requester: Member,
    kind: str,
    runner_keys: Sequence[str],
    template: tuple[str, str],
    payload: Document,
    digest: str,
    details: Document,
    now: int,
) -> str:
    request_id = f"request_{secrets.token_hex(12)}"
    (number,) = connection.execute("SELECT coalesce(max(number), 0) + 1 FROM room_requests").fetchone()
    first = runner_keys[0] if runner_keys else ""
    connection.execute(
        "INSERT INTO room_requests (id, number, collaboration, type, status, requester, runner_key, template_key,"
        " template_name, payload, digest, details, created_on, updated_on)"
        " VALUES (?, ?, ?, ?, 'REQUESTED', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            request_id,
            number,
            requester.collaboration,
            kind,
            requester.account,
            first,
            *template,
            json.dumps(payload),
            digest,
            json.dumps(details),
            now,
            now,
        ),
    )
    connection.executemany(
        "INSERT INTO room_request_runners (request, runner_key) VALUES (?, ?)",
        [(request_id, key) for key in runner_keys],
    )
    return request_id


def load(connection: sqlite3.Connection, collaboration: str, request_id: str) -> Request | None:
    """The request of this collaboration with this id."""
    row = connection.execute(
        "SELECT * FROM room_requests WHERE collaboration = ? AND id = ?", (collaboration, request_id)
    ).fetchone()
    return None if row is None else from_row(connection, row)


def visible(connection: sqlite3.Connection, member: Member) -> list[Request]:
    """Those that the member has sent or can decide on, oldest first."""
    rows = connection.execute(
        """SELECT * FROM room_requests r WHERE r.collaboration = ?1 AND (r.requester = ?2
           OR EXISTS (SELECT 1 FROM room_decisions d WHERE d.request = r.id AND d.account = ?2)) ORDER BY r.number""",
        (member.collaboration, member.account),
    )
    return [from_row(connection, row) for row in rows.fetchall()]


def decisions(connection: sqlite3.Connection, request_id: str) -> list[Decision]:
    """Every approver's say, by alias."""
    rows = connection.execute(
        "SELECT account, alias, decision, reason, decided_on, by_user FROM room_decisions"
        " WHERE request = ? ORDER BY alias",
        (request_id,),
    )
    return [Decision(**dict(row)) for row in rows]


def decide(
    connection: sqlite3.Connection, request: Request, account: str, wanted: str, *, reason: str, user: str, now: int
) -> None:
    """Records one approver's say. One rejection ends the request; the last approval approves it.

    Raises:
        SqlError: UpdateRequestStateException, where it is decided already. What was said is never taken back, but by
            the sender, whose rejection of the own request withdraws it while it is open. TemplateNotApprovedException,
            an approval where others go by the aliases of the request now.
    """
    mine = next(decision for decision in decisions(connection, request.id) if decision.account == account)
    machine = SENDERS_DECISION if account == request.requester and request.status == "REQUESTED" else DECISION
    try:
        machine.move(mine.decision, wanted)
    except IllegalTransition:
        said = mine.decision.lower()
        raise room_error(
            ErrorName.UpdateRequestStateException, f"you have {said} this request; that cannot be changed."
        ) from None
    # Who got a say later, as a provider of an edited collaboration, decides for itself: whether its own data is used.
    late = request.status == "COMPLETED" and mine.decision == "PENDING"
    if request.status != "REQUESTED" and not late:
        raise room_error(
            ErrorName.UpdateRequestStateException,
            f"the request is {request.status}; nothing is to be decided any more.",
        )
    if wanted == "APPROVED":
        check_parties(connection, request)
    connection.execute(
        "UPDATE room_decisions SET decision = ?, reason = ?, decided_on = ?, by_user = ?"
        " WHERE request = ? AND account = ?",
        (wanted, reason, now, user, request.id, account),
    )
    if late:
        connection.execute("UPDATE room_requests SET updated_on = ? WHERE id = ?", (now, request.id))
        return
    said_by_all = {decision.decision for decision in decisions(connection, request.id)}
    if "REJECTED" in said_by_all:
        move(connection, request.id, "REJECTED", now)
    elif said_by_all == {"APPROVED"}:
        move(connection, request.id, "APPROVED", now)
    else:
        connection.execute("UPDATE room_requests SET updated_on = ? WHERE id = ?", (now, request.id))


def has_a_say(connection: sqlite3.Connection, request_id: str, member: Member) -> None:
    """Puts a member among those who decide, where it is not yet: a sender who is no approver, to withdraw."""
    connection.execute(
        "INSERT OR IGNORE INTO room_decisions (request, account, alias, decision, reason, decided_on, by_user)"
        " VALUES (?, ?, ?, 'PENDING', '', NULL, NULL)",
        (request_id, member.account, member.alias),
    )


def move(connection: sqlite3.Connection, request_id: str, wanted: str, now: int, *, failure: str | None = None) -> None:
    """Moves a request. Raises IllegalTransition."""
    row = connection.execute("SELECT status, details FROM room_requests WHERE id = ?", (request_id,)).fetchone()
    details = json.loads(row["details"]) | ({} if failure is None else {"failure_reason": failure})
    connection.execute(
        "UPDATE room_requests SET status = ?, details = ?, updated_on = ? WHERE id = ?",
        (REQUEST.move(row["status"], wanted), json.dumps(details), now, request_id),
    )


def latest(connection: sqlite3.Connection, collaboration: str, runner_key: str, template_key: str) -> Request | None:
    """The newest request to add a template for a runner, however it stands."""
    row = connection.execute(
        """SELECT r.* FROM room_requests r JOIN room_request_runners n ON n.request = r.id
           WHERE r.collaboration = ? AND n.runner_key = ? AND r.template_key = ? AND r.type = ?
           ORDER BY r.number DESC LIMIT 1""",
        (collaboration, runner_key, template_key, ADD_TEMPLATE),
    ).fetchone()
    return None if row is None else from_row(connection, row)


def approved(connection: sqlite3.Connection, collaboration: str, runner_key: str, template_key: str) -> Request | None:
    """The request by which a runner was given a template; None: the runner may not run it.

    Raises:
        SqlError: TemplateNotApprovedException, the room's parties are others than those that it was approved for.
    """
    row = connection.execute(
        """SELECT q.* FROM room_templates t JOIN room_requests q ON q.id = t.request
           WHERE t.collaboration = ? AND t.runner_key = ? AND t.template_key = ? AND q.status = 'COMPLETED'""",
        (collaboration, runner_key, template_key),
    ).fetchone()
    if row is None:
        return None
    request = from_row(connection, row)
    check_parties(connection, request)
    return request


def check_parties(connection: sqlite3.Connection, request: Request) -> None:
    """An approval is of accounts: raises where others go by the aliases of the request now.

    Who has come since is none of the request's: `check_providers` keeps their data out of it. A request of before
    format 2 names no accounts. It stays what it was approved for: its rows hold the room and the accounts.

    Raises:
        SqlError: TemplateNotApprovedException.
    """
    if not says_whose(request.payload) or request.type == EDIT_COLLABORATION:
        return
    accounts = {fold(party["alias"]): party["account"] for party in request.payload["parties"]}
    now = {member.alias_key: identity(member.account) for member in access.members(connection, request.collaboration)}
    if request.payload["room"] != request.collaboration or accounts.items() - now.items():
        raise room_error(
            ErrorName.TemplateNotApprovedException,
            f"template '{request.payload['template_id']}' was sent for other parties than the room has now. "
            "Whoever sent it sends it again, under another version.",
        )


def check_providers(connection: sqlite3.Connection, request: Request, accounts: Collection[str]) -> None:
    """Whoever's data a run reads has approved its template, and not only those who took part when it was sent.

    Raises:
        SqlError: TemplateNotApprovedException.
    """
    agreed = {said.account for said in decisions(connection, request.id) if said.decision == "APPROVED"}
    for account in sorted(set(accounts) - agreed):
        raise room_error(
            ErrorName.TemplateNotApprovedException,
            f"template '{request.payload['template_id']}' still needs the approval of {identity(account)}, "
            "whose data it would read.",
        )


def previous(connection: sqlite3.Connection, viewer: Member, request: Request) -> Document | None:
    """What was approved last of the requester's templates of this name for one of its runners, before this request.

    Only what the viewer could see then, as one who decided or as its sender: who came later is shown nothing of it.
    """
    row = connection.execute(
        """SELECT q.payload FROM room_requests r JOIN room_requests q ON q.collaboration = r.collaboration
             AND q.template_name = r.template_name AND q.requester = r.requester AND q.type = r.type
             AND q.number < r.number AND q.status = 'COMPLETED'
           WHERE r.id = ?1 AND EXISTS (SELECT 1 FROM room_request_runners n JOIN room_request_runners m
             ON m.runner_key = n.runner_key WHERE n.request = r.id AND m.request = q.id) AND (q.requester = ?2
             OR EXISTS (SELECT 1 FROM room_decisions d WHERE d.request = q.id AND d.account = ?2))
           ORDER BY q.number DESC LIMIT 1""",
        (request.id, viewer.account),
    ).fetchone()
    return None if row is None else displayed(json.loads(row["payload"]))


def from_row(connection: sqlite3.Connection, row: sqlite3.Row) -> Request:
    """The request that a row of room_requests is."""
    runners = connection.execute(
        "SELECT runner_key FROM room_request_runners WHERE request = ? ORDER BY runner_key", (row["id"],)
    )
    return Request(
        row["id"],
        row["collaboration"],
        row["type"],
        row["status"],
        row["requester"],
        tuple(each["runner_key"] for each in runners),
        row["template_key"],
        json.loads(row["payload"]),
        row["digest"],
        json.loads(row["details"]),
        row["updated_on"],
    )
