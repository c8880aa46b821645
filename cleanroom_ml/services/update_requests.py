"""Changes that wait for approval, as VIEW_UPDATE_REQUESTS tells them (reference/collaboration-api.md §3 and §4)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from cleanroom_ml.connection import Connection
from cleanroom_ml.errors import UsageError
from cleanroom_ml.services.times import rfc3339

OPEN = frozenset({"REQUESTED", "PENDING_MY_APPROVAL", "PENDING_PARTNER_APPROVAL"})


@dataclass(frozen=True, slots=True)
class Decision:
    """What one collaborator decided: APPROVED, REJECTED or PENDING."""

    collaborator: str
    decision: str
    reason: str = ""
    decided_on: str = ""


@dataclass(frozen=True, slots=True)
class UpdateRequest:
    """One change that needs approval. `spec` is what the request carries: for a template, everything it would run."""

    id: str
    type: str
    status: str
    details: str
    updated_on: str
    decisions: tuple[Decision, ...]
    spec: dict[str, Any] = field(repr=False)

    @property
    def open(self) -> bool:
        return self.status in OPEN

    @property
    def template_id(self) -> str:
        return str(self.spec.get("template_id", ""))

    @property
    def requester(self) -> str:
        return str(self.spec.get("requester", ""))

    @property
    def runner(self) -> str:
        return str(self.spec.get("runner", ""))

    def concerns(self, template: str) -> bool:
        """Whether it asks for this template, by id or by name."""
        wanted, mine = template.lower(), self.template_id.lower()
        return mine == wanted or mine.startswith(wanted + "_")


def list_requests(connection: Connection, collaboration: str) -> tuple[UpdateRequest, ...]:
    """All update requests that this party can see, oldest first."""
    rows = connection.call("COLLABORATION.VIEW_UPDATE_REQUESTS", collaboration)
    return tuple(sorted((_request(row) for row in rows), key=lambda request: request.updated_on))


def pick_request(connection: Connection, collaboration: str, wanted: str | None, *, status: str) -> UpdateRequest:
    """The request that a person means: by id, by the template's name or id, or the only one with that status.

    Raises:
        UsageError: there is none, or several and none was named.
    """
    requests = list_requests(connection, collaboration)
    if wanted is not None:
        exact = [request for request in requests if request.id == wanted]
        matching = exact or [request for request in requests if request.concerns(wanted)]
        if matching:
            return next((request for request in reversed(matching) if request.open), matching[-1])
        raise UsageError(f"no update request {wanted!r} in {collaboration}", fix="cleanroom-ml requests")
    waiting = [request for request in requests if request.status == status]
    if len(waiting) == 1:
        return waiting[0]
    if not waiting:
        raise UsageError(f"nothing in {collaboration} waits for your decision", fix="cleanroom-ml requests")
    names = ", ".join(request.template_id or request.id for request in waiting)
    raise UsageError(
        f"{len(waiting)} requests wait for your decision: {names}", fix=f"cleanroom-ml approve {waiting[0].template_id}"
    )


def _request(row: dict[str, Any]) -> UpdateRequest:
    return UpdateRequest(
        id=str(row["id"]),
        type=str(row["type"]),
        status=str(row["status"]),
        details=str(row.get("details") or ""),
        updated_on=rfc3339(row.get("updated_on")),
        decisions=tuple(_decision(entry) for entry in _json(row.get("approval_log"), []) if isinstance(entry, dict)),
        spec=_json(row.get("spec"), {}),
    )


def _decision(entry: dict[str, Any]) -> Decision:
    return Decision(
        str(entry.get("collaborator", "")),
        str(entry.get("decision", "")),
        str(entry.get("reason") or ""),
        rfc3339(entry.get("decided_on")),
    )


def _json(value: Any, otherwise: Any) -> Any:
    """A JSON column; a target that sends something else there is treated as sending nothing."""
    try:
        loaded = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return otherwise
    return loaded if isinstance(loaded, type(otherwise)) else otherwise
