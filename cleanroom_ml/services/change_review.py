"""A change that is no template, laid out for whoever decides: an edit of the collaboration, mostly.

It is shown as the target tells it, whole: `details` (for an edit every operation) and the text of what is changed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Final

from cleanroom_ml.connection import Connection
from cleanroom_ml.errors import HashMismatchError
from cleanroom_ml.evidence.approval_digest import canonical_json
from cleanroom_ml.evidence.parties import OWNER, REQUESTER, Party
from cleanroom_ml.evidence.portable_digest import FORMAT, PREFIX, plain
from cleanroom_ml.services.answers import spec_text
from cleanroom_ml.services.subjects import room_of
from cleanroom_ml.services.tolerant_specs import collaboration_of
from cleanroom_ml.services.update_requests import UpdateRequest
from cleanroom_ml.specs.problems import SpecProblems

# What becomes of a change, and is no part of what is approved.
_OUTCOME: Final = frozenset({"failure_reason", "status"})


@dataclass(frozen=True, slots=True)
class ChangeReview:
    """A change as the person who decides must see it. `details`: each entry as JSON text, as it was told.

    `approval_digest` is a portable digest (docs/reference/approvals.md) over the room, the type, who asks, the details
    and the text. Nothing of a change is hidden from who decides, so `unverified` is empty.
    """

    request_id: str
    type: str
    status: str
    collaboration: str
    requester: str
    details: tuple[tuple[str, str], ...]
    spec: str
    approval_digest: str
    source_name: str
    parties: tuple[Party, ...]
    unverified: tuple[str, ...] = ()


def review_change(connection: Connection, collaboration: str, request: UpdateRequest) -> ChangeReview:
    """Lay out a request that adds no template.

    Raises:
        HashMismatchError: the target does not tell whose room it is.
        NotCanonicalError: what it tells has no single written form.
    """
    room = room_of(connection, collaboration)
    owner, source = str(room.get("owner_account") or "").upper(), str(room.get("source_name") or collaboration)
    subject = {
        "format": FORMAT,
        "collaboration": source.upper(),
        "owner": owner,
        "type": request.kind,
        "details": plain(_asked(request.details)),
        "spec": plain(request.spec),
    }
    return ChangeReview(
        request_id=request.id,
        type=request.type,
        status=request.status,
        collaboration=collaboration,
        requester=request.requester,
        details=tuple(
            (key, json.dumps(value, ensure_ascii=False, sort_keys=True, default=str))
            for key, value in request.details.items()
        ),
        spec=request.spec,
        approval_digest=PREFIX + hashlib.sha256(canonical_json(subject)).hexdigest(),
        source_name=source,
        parties=_parties(spec_text(room.get("collaboration_spec")), owner, request.requester),
    )


def verify_change(review: ChangeReview, expected: str) -> None:
    """Raises HashMismatchError where the change is not the one that was pinned."""
    if expected != review.approval_digest:
        raise HashMismatchError(
            f"the digest of the request {review.request_id} is not the expected one",
            differences=(f"expected {expected}", f"found    {review.approval_digest}"),
            why=f"expected {expected}, found {review.approval_digest}",
            fix=f"cleanroom-ml review {review.request_id}  shows what would change now",
        )


def _asked(value: object) -> object:
    """Details without what the target has made of them, at any depth: an operation tells its status too."""
    if isinstance(value, dict):
        return {key: _asked(inner) for key, inner in value.items() if str(key).lower() not in _OUTCOME}
    return [_asked(inner) for inner in value] if isinstance(value, list) else value


def _parties(spec: str, owner: str, requester: str) -> tuple[Party, ...]:
    """Everybody in the room as it is now, by its spec."""
    try:
        found = collaboration_of(spec, "the collaboration's spec")
    except SpecProblems as problems:
        raise HashMismatchError(
            "the accounts of the collaboration cannot be told", why=str(problems), fix="cleanroom-ml collaboration show"
        ) from problems
    parties = []
    for alias, account in found.collaborator_identifier_aliases.items():
        has = {OWNER: account.upper() == owner, REQUESTER: alias.upper() == requester.upper()}
        parties.append(Party(account, alias, tuple(role for role, is_so in has.items() if is_so)))
    if not any(OWNER in party.roles for party in parties):
        raise HashMismatchError("the collaboration's spec does not name its owner", why=f"{owner} has no alias in it")
    return tuple(parties)
