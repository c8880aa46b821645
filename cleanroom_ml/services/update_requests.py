"""Changes that wait for approval, as VIEW_UPDATE_REQUESTS tells them on any target (docs/api-digest.md §3 and §4).

What is read here is documented: seven columns, `details` by the request's type, the spec's text. Who has not decided
yet is told by the embedded engine alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

from cleanroom_ml.connection import Connection
from cleanroom_ml.connection.session import Row
from cleanroom_ml.errors import UsageError
from cleanroom_ml.json_values import Document
from cleanroom_ml.services.answers import mapping_of, named_rows, spec_text, texts_of
from cleanroom_ml.services.approval_log import ApprovalLog, Decision, approval_log
from cleanroom_ml.services.times import rfc3339
from cleanroom_ml.services.tolerant_specs import template_of
from cleanroom_ml.specs.problems import SpecProblems
from cleanroom_ml.specs.template import Template

OPEN: Final = frozenset({"REQUESTED", "PENDING_MY_APPROVAL", "PENDING_PARTNER_APPROVAL"})
ADD_TEMPLATE: Final = "ADD_TEMPLATE"
REMOVE_TEMPLATE: Final = "REMOVE_TEMPLATE"
# As versions before 13.9 called them (release notes of 26 March 2026).
_OLDER: Final[Mapping[str, str]] = {
    "PENDING": "PENDING_MY_APPROVAL",
    "AWAITING_MY_APPROVAL": "PENDING_MY_APPROVAL",
    "AWAITING_PARTNER_APPROVAL": "PENDING_PARTNER_APPROVAL",
}
_DECISIONS: Final = "APPROVALS.VIEW_DECISIONS"


@dataclass(frozen=True)
class UpdateRequest:
    """One change that needs approval.

    `status` is one of the seven documented ones, or what came where it is none; `details` is by the request's type,
    its keys in lower case; `spec` is the text of what is changed: for a template its spec. `digest` is the engine's
    approval digest, empty on a target that has none.
    """

    id: str
    type: str
    status: str
    details: Document
    updated_on: str
    log: ApprovalLog = field(default_factory=ApprovalLog)
    spec: str = field(default="", repr=False)
    digest: str = ""

    @property
    def kind(self) -> str:
        """The type in one spelling: ADD_TEMPLATE for `Add Template`."""
        return self.type.strip().upper().replace(" ", "_")

    @property
    def decisions(self) -> tuple[Decision, ...]:
        return self.log.decisions

    @property
    def open(self) -> bool:
        return self.status in OPEN

    @property
    def withdrawn(self) -> bool:
        """Whether its own sender has ended it."""
        ended_by = {entry.collaborator.upper() for entry in self.decisions if entry.decision == "REJECTED"}
        return self.status == "REJECTED" and self.requester.upper() in ended_by

    @property
    def waiting_for(self) -> tuple[str, ...]:
        """Who has not decided, as far as the target tells it."""
        return tuple(entry.collaborator for entry in self.decisions if entry.decision == "PENDING")

    @property
    def template_id(self) -> str:
        """The template that it is about; empty where it is about none."""
        told = str(self.details.get("template_id") or "")
        return told or (self.template.id if self.template is not None else "")

    @property
    def requester(self) -> str:
        return str(self.details.get("requested_by") or "")

    @property
    def share_with(self) -> tuple[str, ...]:
        """The aliases of the runners that get something, or lose it."""
        return texts_of(self.details.get("share_with") or self.details.get("remove_for"))

    @property
    def runner(self) -> str:
        """The same, as text."""
        return ", ".join(self.share_with)

    @property
    def failure_reason(self) -> str:
        return str(self.details.get("failure_reason") or "")

    @property
    def code_specs(self) -> tuple[str, ...]:
        """The ids of the code specs that the template uses: what `details` tells, and what its spec lists."""
        listed = self.template.code_specs if self.template is not None else ()
        told = {each.upper(): each for each in (*texts_of(self.details.get("code_specs")), *listed)}
        return tuple(told.values())

    @property
    def runs_code(self) -> bool:
        """Whether its template runs code, or may: also where its spec cannot be read."""
        return self.template is None or bool(self.code_specs or self.template.code_calls())

    @cached_property
    def template(self) -> Template | None:
        """The template's spec; None where there is none that can be read."""
        try:
            return template_of(self.spec, str(self.details.get("template_id") or "the request"))[0]
        except SpecProblems:
            return None

    @property
    def template_name(self) -> str:
        """The template's name, from its spec; empty where that cannot be read."""
        return self.template.name if self.template is not None else ""

    @property
    def subject(self) -> str:
        """What it is about, in a word: the template, the data offering, or the change as a whole."""
        return self.template_id or str(self.details.get("data_offering_id") or "") or self.type

    def asks_for(self, template_id: str, runner: str) -> bool:
        """Whether it asks that a runner may run this template."""
        return (
            self.kind == ADD_TEMPLATE
            and self.template_id.upper() == template_id.upper()
            and runner.upper() in {alias.upper() for alias in self.share_with}
        )

    def concerns(self, template: str) -> bool:
        """Whether it asks for this template, by id or by name."""
        wanted = template.lower()
        return (
            self.kind == ADD_TEMPLATE
            and bool(wanted)
            and wanted in (self.template_id.lower(), self.template_name.lower())
        )


def list_requests(connection: Connection, collaboration: str) -> tuple[UpdateRequest, ...]:
    """All update requests that this party can see, oldest first."""
    rows = connection.call("COLLABORATION.VIEW_UPDATE_REQUESTS", collaboration)
    found = [_request(row) for row in named_rows(rows, "id")]
    decided = connection.call_own(_DECISIONS, collaboration) if found else None
    if decided is not None:
        found = [_with_decisions(request, decided) for request in found]
    return tuple(sorted(found, key=lambda request: request.updated_on))


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
        reported: what is said of those that there are none of.

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
        adding = [request for request in by_template_id if request.kind == ADD_TEMPLATE]
        matching = by_id or adding or by_template_id or [request for request in requests if request.concerns(wanted)]
        if not matching:
            raise UsageError(f"no update request {wanted!r} in {collaboration}", fix="cleanroom-ml requests")
        candidates = [request for request in matching if waits(request)] or matching[-1:]
    if len(candidates) == 1:
        return candidates[0]
    newest_first = candidates[::-1]
    listed = "; ".join(f"{each.id}: {each.subject} for {each.runner}, from {each.requester}" for each in newest_first)
    what = f"{len(candidates)} requests wait for you" if wanted is None else f"{wanted!r} is {len(candidates)} requests"
    raise UsageError(what, why=listed, fix=f"name one, such as {_unmistakable(newest_first)}")


def _unmistakable(candidates: Sequence[UpdateRequest]) -> str:
    """A name that means the first of several and none of the others: its template's id, else its own."""
    first, *others = candidates
    plain = first.kind == ADD_TEMPLATE and first.template_id
    return first.id if not plain or any(_same_template(first, each) for each in others) else first.template_id


def _same_template(one: UpdateRequest, other: UpdateRequest) -> bool:
    return one.template_id.lower() == other.template_id.lower()


def waits_for_me(request: UpdateRequest) -> bool:
    """Whether this party is to decide on a request."""
    return request.status == "PENDING_MY_APPROVAL"


def status_of(told: object) -> str:
    """A status in the spelling of the documentation; one that is not there as it came."""
    status = str(told or "").strip()
    spelled = status.upper().replace(" ", "_").replace("-", "_")
    return _OLDER.get(spelled, spelled)


def _request(row: Row) -> UpdateRequest:
    return UpdateRequest(
        id=str(row["id"]),
        type=str(row.get("type") or ""),
        status=status_of(row.get("status")),
        details=mapping_of(row.get("details")),
        updated_on=rfc3339(row.get("updated_on")),
        log=approval_log(row.get("approval_log")),
        spec=spec_text(row.get("spec")),
    )


def _with_decisions(request: UpdateRequest, decided: list[Row]) -> UpdateRequest:
    """The request with what the engine tells of each who decides; of one that it tells nothing of, as it is."""
    rows = [row for row in decided if row["request_id"] == request.id]
    if not rows:
        return request
    decisions = tuple(
        Decision(str(row["collaborator"]), str(row["decision"]), str(row["reason"] or ""), rfc3339(row["decided_on"]))
        for row in rows
    )
    return replace(request, log=ApprovalLog(decisions), digest=str(rows[0]["approval_digest"] or ""))
