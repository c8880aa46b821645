"""Edit a collaboration that exists: its owner's spec as it is to be (docs/api-digest.md §3)."""

from __future__ import annotations

import time
from dataclasses import dataclass

from cleanroom_ml.connection import Connection
from cleanroom_ml.errors import CommunicationError, ServerError
from cleanroom_ml.services.answers import named_rows
from cleanroom_ml.services.collaboration_changes import removed
from cleanroom_ml.services.collaborations import find
from cleanroom_ml.services.reported import reported_mapping
from cleanroom_ml.services.times import rfc3339
from cleanroom_ml.services.tolerant_specs import collaboration_of
from cleanroom_ml.services.waiting import patiently
from cleanroom_ml.services.whose import own_account
from cleanroom_ml.specs.collaboration import Collaboration
from cleanroom_ml.specs.write import dump_spec

REQUEST_TYPE = "EDIT COLLABORATION"
_SAME = "identical"
_APPEARS_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class OperationOutcome:
    """One change of an edit: what it is, what became of it, and why it failed if it did."""

    operation: str
    what: str
    status: str
    failure_reason: str


@dataclass(frozen=True, slots=True)
class Edited:
    """What an edit came to. `request_id` is empty where nothing was to be changed, or it is not shown yet."""

    collaboration: str
    request_id: str
    status: str
    changed: bool
    operations: tuple[OperationOutcome, ...]


def removed_by(connection: Connection, spec: Collaboration) -> tuple[str, ...]:
    """What the collaboration has now and the spec has not, as words.

    The spec is the whole of what it is to be: what was linked or approved since the file was written goes, if the file
    does not list it. Who is taken out can never join again.
    """
    return removed(_current(connection, spec), spec)


def edit(connection: Connection, spec: Collaboration) -> Edited:
    """Sends the spec; the same spec again changes nothing.

    Raises:
        UsageError: this account has no such collaboration.
        WrongPartyError: another account owns it.
        ServerError: it changes what cannot be changed, or another edit waits for approval.
        CommunicationError: the connection broke, and the request is not listed.
    """
    found = find(connection, spec.name, own_account(connection))
    name = found.name or found.source_name
    before = {row_id for row_id, _ in _edits(connection, name)}
    try:
        connection.call("COLLABORATION.EDIT", name, dump_spec(spec))
    except ServerError as error:
        if _SAME not in error.what:
            raise
        return Edited(name, "", "COMPLETED", False, ())
    except CommunicationError as broken:
        sent = patiently(lambda: _sent(connection, name, before))
        if not sent.request_id:
            raise CommunicationError(
                f"the connection broke while the edit of {name} was being sent",
                why="no request for it is listed; it may be listed later, and it was not sent again",
                fix="before you repeat it, look: cleanroom-ml requests --all",
            ) from broken
        return sent
    return _sent(connection, name, before)


def _sent(connection: Connection, name: str, before: set[str]) -> Edited:
    """The request that was just sent; the service shows it some seconds later."""
    deadline, pause = time.monotonic() + _APPEARS_SECONDS, 0.1
    while True:
        new = [edited for row_id, edited in _edits(connection, name) if row_id not in before]
        if new:
            return new[-1]
        if time.monotonic() > deadline:
            return Edited(name, "", "REQUESTED", True, ())
        time.sleep(pause)
        pause = min(pause * 2, 5.0)


def _edits(connection: Connection, name: str) -> list[tuple[str, Edited]]:
    rows = [
        row
        for row in named_rows(connection.call("COLLABORATION.VIEW_UPDATE_REQUESTS", name), "id")
        if str(row["type"]).upper().replace("_", " ") == REQUEST_TYPE
    ]
    rows.sort(key=lambda row: rfc3339(row.get("updated_on")))
    return [(str(row["id"]), _edited(name, row)) for row in rows]


def _edited(name: str, row: dict[str, object]) -> Edited:
    told = reported_mapping(row.get("details")).get("operations")
    listed = told if isinstance(told, list) else []
    return Edited(
        name, str(row["id"]), str(row["status"]).upper(), True, tuple(map(_operation, filter(_is_mapping, listed)))
    )


def _is_mapping(value: object) -> bool:
    return isinstance(value, dict)


def _operation(told: dict[str, object]) -> OperationOutcome:
    known = ("operation_type", "status", "failure_reason")
    what = ", ".join(f"{key}: {value}" for key, value in told.items() if key not in known)
    return OperationOutcome(
        str(told.get("operation_type", "")), what, str(told.get("status", "")), str(told.get("failure_reason") or "")
    )


def _current(connection: Connection, spec: Collaboration) -> Collaboration:
    found = find(connection, spec.name, own_account(connection))
    return collaboration_of(found.spec, found.source_name)
