"""What an update request carries, frozen when it was sent: everything that would run, and whose it is.

The digest is made of the very mapping that APPROVALS.DESCRIBE_REQUEST shows, so that nothing can be approved unseen.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from cleanroom_ml.engine.rooms import access
from cleanroom_ml.engine.rooms.access import Member, identity
from cleanroom_ml.engine.rooms.registries import Resource
from cleanroom_ml.evidence.approval_digest import FORMAT, approval_digest
from cleanroom_ml.evidence.approval_subject import approval_subject
from cleanroom_ml.evidence.parties import DESTINATION, OWNER, PROVIDER, REQUESTER, ROLES, RUNNER, Party
from cleanroom_ml.json_values import Document

RESULT_LIMIT_BYTES = 64 * 1024


def template_payload(
    connection: sqlite3.Connection,
    requester: Member,
    runners: Sequence[Member],
    resource: Resource,
    codes: Sequence[Resource],
) -> dict[str, object]:
    """The payload of an Add Template request."""
    return {
        "room": requester.collaboration,
        "collaboration": requester.source_name,
        "parties": parties_now(connection, requester, runners),
        "requester": requester.alias,
        "share_with": [runner.alias for runner in runners],
        "template_id": resource.id,
        "template": resource.spec,
        "code_specs": [_code(code) for code in sorted(codes, key=lambda code: code.id_key)],
        "dependency_lock": {
            f"{code.id}${job['name']}": job["dependency_lock"] for code in codes for job in code.detail["ml_jobs"]
        },
        "image": _images(codes),
        "result_limit_bytes": RESULT_LIMIT_BYTES,
    }


def parties_now(
    connection: sqlite3.Connection, requester: Member, runners: Sequence[Member]
) -> list[dict[str, object]]:
    """The accounts behind the aliases, as the room has them now: who owns, asks, runs, provides, and may receive."""
    uid = requester.collaboration
    keys = [runner.alias_key for runner in runners]
    providers = {alias for key in keys for alias in access.providers_of(connection, uid, key)}
    destinations = {alias for key in keys for alias in access.destinations_of(connection, uid, key)}
    running = {runner.account for runner in runners}
    found = []
    for member in access.members(connection, uid):
        has = {
            OWNER: member.is_owner,
            REQUESTER: member.account == requester.account,
            RUNNER: member.account in running,
            PROVIDER: member.alias_key in providers,
            DESTINATION: member.alias_key in destinations,
        }
        if any(has.values()):
            roles = tuple(role for role in ROLES if has[role])
            found.append(Party(identity(member.account), member.alias, roles).to_json())
    return sorted(found, key=lambda party: str(party["account"]))


def displayed(payload: Document) -> dict[str, object]:
    """A payload as others see it. What VIEW_CODE_SPECS answers with is kept beside each code spec, and not shown."""
    codes = [{key: value for key, value in code.items() if key != "shown"} for code in payload["code_specs"]]
    return {**{key: value for key, value in payload.items() if key != "previous"}, "code_specs": codes}


def digest_of(payload: Document) -> str:
    """The approval digest of a payload.

    Raises:
        HashMismatchError: it does not say whose it is, or contradicts itself.
        NotCanonicalError: it holds a value that has no single written form.
    """
    if payload.get("type"):  # it runs nothing, and is for no one runner
        return approval_digest({**payload, "format": FORMAT})
    return approval_digest(approval_subject(displayed(payload)))


def says_whose(payload: Document) -> bool:
    """Whether a payload names its room and parties; requests of before format 2 do not."""
    return "room" in payload and "parties" in payload


def _code(code: Resource) -> dict[str, object]:
    jobs = [{key: value for key, value in job.items() if key != "dependency_lock"} for job in code.detail["ml_jobs"]]
    made = {"id": code.id, "name": code.name, "spec": code.spec, "shown": code.detail["shown"], "ml_jobs": jobs}
    artifacts = code.detail.get("artifacts") or []
    return {**made, "artifacts": artifacts} if artifacts else made


def _images(codes: Sequence[Resource]) -> str | None:
    """The tags of the images that the code runs in; None where there is no code. Their digests are in the lock."""
    return ", ".join(sorted({str(job["image"]) for code in codes for job in code.detail["ml_jobs"]})) or None
