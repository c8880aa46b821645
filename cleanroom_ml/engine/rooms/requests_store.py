"""Update requests as rows: what is asked for, by whom, for which runner, and who has decided what."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cleanroom_ml.engine.contracts.machine import IllegalTransition
from cleanroom_ml.engine.rooms import access
from cleanroom_ml.engine.rooms.access import Member, identity
from cleanroom_ml.engine.rooms.payloads import digest_of, displayed, says_whose
from cleanroom_ml.engine.rooms.registries import read_spec
from cleanroom_ml.engine.rooms.states import DECISION, REQUEST, SENDERS_DECISION
from cleanroom_ml.engine.sql.errors import room_error
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.json_values import Document
from cleanroom_ml.naming import fold
from cleanroom_ml.specs.template import Template

ADD_TEMPLATE = "Add Template"
EDIT_COLLABORATION = "Edit Collaboration"


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `requester` is an account; `payload` is what is asked for, frozen when it was sent."""

    id: str
    collaboration: str
    type: str
    status: str
    requester: str
    runner_key: str
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


@dataclass(frozen=True, slots=True)
class AddedTemplate:
    """A template that was approved for somebody."""

    template_id: str
    spec: str
    parameters: list[dict[str, object]]
    shared_by: str
    shared_with: list[str]
    code_specs: Sequence[Document]


def insert(
    connection: sqlite3.Connection,
    requester: Member,
    runner: Member,
    template: Template,
    payload: Document,
    details: Document,
    approvers: Sequence[Member],
    now: int,
) -> str:
    """Persists a request, nobody having decided yet, and returns its id.

    Raises:
        SqlError: UpdateRequestStateException, the runner has this template, or a request for it is open.
    """
    template_key = fold(template.id)
    there = connection.execute(
        """SELECT id, status FROM room_requests r WHERE collaboration = ? AND runner_key = ? AND template_key = ?
           AND (status IN ('REQUESTED', 'APPROVED')
                OR EXISTS (SELECT 1 FROM room_templates t WHERE t.request = r.id))""",
        (requester.collaboration, runner.alias_key, template_key),
    ).fetchone()
    if there is not None:
        what = (
            "is shared already"
            if there["status"] == "COMPLETED"
            else f"waits for approval already (request {there['id']})"
        )
        raise room_error(ErrorName.UpdateRequestStateException, f"template '{template.id}' for {runner.alias} {what}.")
    request_id = f"request_{secrets.token_hex(12)}"
    (number,) = connection.execute("SELECT coalesce(max(number), 0) + 1 FROM room_requests").fetchone()
    connection.execute(
        "INSERT INTO room_requests VALUES (?, ?, ?, ?, 'REQUESTED', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            request_id,
            number,
            requester.collaboration,
            ADD_TEMPLATE,
            requester.account,
            runner.alias_key,
            template_key,
            fold(template.name),
            json.dumps(payload),
            digest_of(payload),
            json.dumps(details),
            now,
            now,
        ),
    )
    connection.executemany(
        "INSERT INTO room_decisions VALUES (?, ?, ?, 'PENDING', '', NULL, NULL)",
        [(request_id, approver.account, approver.alias) for approver in approvers],
    )
    return request_id


def load(connection: sqlite3.Connection, collaboration: str, request_id: str) -> Request | None:
    """The request of this collaboration with this id."""
    row = connection.execute(
        "SELECT * FROM room_requests WHERE collaboration = ? AND id = ?", (collaboration, request_id)
    ).fetchone()
    return None if row is None else _request(row)


def visible(connection: sqlite3.Connection, member: Member) -> list[Request]:
    """Those that the member has sent or can decide on, oldest first."""
    rows = connection.execute(
        """SELECT * FROM room_requests r WHERE r.collaboration = ?1 AND (r.requester = ?2
           OR EXISTS (SELECT 1 FROM room_decisions d WHERE d.request = r.id AND d.account = ?2)) ORDER BY r.number""",
        (member.collaboration, member.account),
    )
    return [_request(row) for row in rows]


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
        "INSERT OR IGNORE INTO room_decisions VALUES (?, ?, ?, 'PENDING', '', NULL, NULL)",
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
    """The newest request about a template for a runner, however it stands."""
    row = connection.execute(
        "SELECT * FROM room_requests WHERE collaboration = ? AND runner_key = ? AND template_key = ?"
        " ORDER BY number DESC LIMIT 1",
        (collaboration, runner_key, template_key),
    ).fetchone()
    return None if row is None else _request(row)


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
    request = _request(row)
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
    """What was approved last of the same requester's templates of this name, before this request.

    Only what the viewer could see then, as one who decided or as its sender: who came later is shown nothing of it.
    """
    row = connection.execute(
        """SELECT q.payload FROM room_requests r JOIN room_requests q ON q.collaboration = r.collaboration
             AND q.runner_key = r.runner_key AND q.template_name = r.template_name AND q.requester = r.requester
             AND q.number < r.number AND q.status = 'COMPLETED'
           WHERE r.id = ?1 AND (q.requester = ?2
             OR EXISTS (SELECT 1 FROM room_decisions d WHERE d.request = q.id AND d.account = ?2))
           ORDER BY q.number DESC LIMIT 1""",
        (request.id, viewer.account),
    ).fetchone()
    return None if row is None else displayed(json.loads(row["payload"]))


def added_templates(connection: sqlite3.Connection, member: Member) -> list[AddedTemplate]:
    """The templates that a member can run, or has submitted."""
    rows = connection.execute(
        """SELECT q.*, t.runner_key AS added_for FROM room_templates t JOIN room_requests q ON q.id = t.request
           WHERE t.collaboration = ?1 AND (t.runner_key = ?2 OR q.requester = ?3) ORDER BY q.number""",
        (member.collaboration, member.alias_key, member.account),
    ).fetchall()
    found: dict[tuple[str, str], AddedTemplate] = {}
    for row in rows:
        request = _request(row)
        there = found.get((request.requester, request.template_key))
        if there is None:
            requester = access.by_account(connection, member.collaboration, request.requester)
            spec = read_spec(Template, request.payload["template"])
            there = AddedTemplate(
                request.payload["template_id"],
                request.payload["template"],
                [parameter.model_dump() for parameter in spec.parameters],
                requester.alias if requester else "",
                [],
                request.payload["code_specs"],
            )
            found[(request.requester, request.template_key)] = there
        runner = access.by_alias(connection, member.collaboration, request.runner_key)
        there.shared_with.append(runner.alias if runner else request.runner_key)
    return list(found.values())


def _request(row: sqlite3.Row) -> Request:
    return Request(
        row["id"],
        row["collaboration"],
        row["type"],
        row["status"],
        row["requester"],
        row["runner_key"],
        row["template_key"],
        json.loads(row["payload"]),
        row["digest"],
        json.loads(row["details"]),
        row["updated_on"],
    )
