"""Changes that wait for approval, as VIEW_UPDATE_REQUESTS tells them (docs/api-digest.md §3 and §4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cleanroom_ml.connection import Connection
from cleanroom_ml.connection.session import Row
from cleanroom_ml.errors import UsageError
from cleanroom_ml.json_values import Document
from cleanroom_ml.services.reported import reported_mapping, reported_or
from cleanroom_ml.services.times import rfc3339
from cleanroom_ml.specs.parse import parse_spec
from cleanroom_ml.specs.problems import SpecProblems
from cleanroom_ml.specs.template import Template

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
    spec: Document = field(repr=False)

    @property
    def open(self) -> bool:
        return self.status in OPEN

    @property
    def withdrawn(self) -> bool:
        """Whether its own sender has ended it."""
        ended_by = {entry.collaborator.upper() for entry in self.decisions if entry.decision == "REJECTED"}
        return self.status == "REJECTED" and self.requester.upper() in ended_by

    @property
    def template_id(self) -> str:
        return str(self.spec.get("template_id", ""))

    @property
    def requester(self) -> str:
        return str(self.spec.get("requester", ""))

    @property
    def runner(self) -> str:
        return str(self.spec.get("runner", ""))

    @property
    def template_name(self) -> str:
        """The template's name, from its spec; empty where that cannot be read."""
        try:
            spec = parse_spec(str(self.spec.get("template", "")), source=self.template_id)
        except SpecProblems:
            return ""
        return spec.name if isinstance(spec, Template) else ""

    def concerns(self, template: str) -> bool:
        """Whether it asks for this template, by id or by name."""
        wanted = template.lower()
        return bool(wanted) and wanted in (self.template_id.lower(), self.template_name.lower())


def list_requests(connection: Connection, collaboration: str) -> tuple[UpdateRequest, ...]:
    """All update requests that this party can see, oldest first."""
    rows = connection.call("COLLABORATION.VIEW_UPDATE_REQUESTS", collaboration)
    return tuple(sorted((_request(row) for row in rows), key=lambda request: request.updated_on))


def pick_request(
    connection: Connection,
    collaboration: str,
    wanted: str | None,
    *,
    waits: Callable[[UpdateRequest], bool],
    reported: str = "waits for your decision",
) -> UpdateRequest:
    """The request that a person means: by its id, by the template's id or name, or the only one that waits.

    Of several for one template, the one that waits is meant; where none does, the last one.

    Args:
        waits: whether a request waits for what the person is about to do.
        told: what is said of those that there are none of.

    Raises:
        UsageError: there is none, or several are as good; it says which.
    """
    requests = list_requests(connection, collaboration)
    if wanted is None:
        candidates = [request for request in requests if waits(request)]
        if not candidates:
            raise UsageError(f"nothing in {collaboration} {reported}", fix="cleanroom-ml requests")
    else:
        by_id = [request for request in requests if request.id == wanted]
        by_template_id = [request for request in requests if request.template_id.lower() == wanted.lower()]
        matching = by_id or by_template_id or [request for request in requests if request.concerns(wanted)]
        if not matching:
            raise UsageError(f"no update request {wanted!r} in {collaboration}", fix="cleanroom-ml requests")
        candidates = [request for request in matching if waits(request)] or matching[-1:]
    if len(candidates) == 1:
        return candidates[0]
    listed = "; ".join(f"{each.id}: {each.template_id} for {each.runner}, from {each.requester}" for each in candidates)
    what = f"{len(candidates)} requests wait for you" if wanted is None else f"{wanted!r} is {len(candidates)} requests"
    raise UsageError(what, why=listed, fix=f"name one by its id, such as {candidates[0].id}")


def waits_for_me(request: UpdateRequest) -> bool:
    """Whether this party is to decide on a request."""
    return request.status == "PENDING_MY_APPROVAL"


def _request(row: Row) -> UpdateRequest:
    return UpdateRequest(
        id=str(row["id"]),
        type=str(row["type"]),
        status=str(row["status"]),
        details=str(row.get("details") or ""),
        updated_on=rfc3339(row.get("updated_on")),
        decisions=tuple(
            _decision(entry)
            for entry in reported_or(row.get("approval_log"), list[object]())
            if isinstance(entry, dict)
        ),
        spec=reported_mapping(row.get("spec")),
    )


def _decision(entry: Document) -> Decision:
    return Decision(
        str(entry.get("collaborator", "")),
        str(entry.get("decision", "")),
        str(entry.get("reason") or ""),
        rfc3339(entry.get("decided_on")),
    )
