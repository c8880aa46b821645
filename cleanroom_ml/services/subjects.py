"""What an Add Template request asks to have approved, in one form whatever the target shows of it.

The embedded engine tells all of it at once (APPROVALS.DESCRIBE_REQUEST). Elsewhere it is put together from what is
documented: the request's own columns, the collaboration's spec for the accounts, and the code specs that this account
is shown. What is not shown is left out and named; it is never made up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cleanroom_ml.connection import Connection
from cleanroom_ml.connection.session import Row
from cleanroom_ml.errors import HashMismatchError, ServerError, UsageError
from cleanroom_ml.evidence.parties import DESTINATION, OWNER, PROVIDER, REQUESTER, ROLES, RUNNER, Party
from cleanroom_ml.evidence.pinned_job import PinnedJob
from cleanroom_ml.json_values import Document
from cleanroom_ml.services.answers import first_of, spec_text
from cleanroom_ml.services.reported import reported_mapping
from cleanroom_ml.services.shown_manifests import shown_manifest
from cleanroom_ml.services.tolerant_specs import code_spec_of, collaboration_of
from cleanroom_ml.services.update_requests import ADD_TEMPLATE, UpdateRequest
from cleanroom_ml.services.whose import own_account, same_name
from cleanroom_ml.specs.problems import SpecProblems

_DESCRIBE: Final = "APPROVALS.DESCRIBE_REQUEST"


@dataclass(frozen=True, slots=True)
class Subject:
    """`body` has the keys of docs/reference/approvals.md; `digest` is the engine's, None on a target without one.

    `unverified`: what would be approved and is not shown by this account, a line each. Empty on the engine.
    """

    body: Document
    previous: Document | None = None
    digest: str | None = None
    unverified: tuple[str, ...] = ()


def subject_of(connection: Connection, collaboration: str, request: UpdateRequest) -> Subject:
    """All that the target shows of a request.

    Raises:
        UsageError: it is a request of another type.
        HashMismatchError: the target does not tell whose it is.
        ServerError: the target refused to tell.
    """
    if request.kind != ADD_TEMPLATE or not request.template_id:
        raise UsageError(
            f"the request {request.id} is of type {request.type}", why="only template requests are reviewed"
        )
    rows = connection.call_own(_DESCRIBE, collaboration, request.id)
    if rows is None:
        return _documented(connection, collaboration, request)
    previous = rows[0]["previous"]
    return Subject(
        reported_mapping(rows[0]["subject"]),
        reported_mapping(previous) if previous else None,
        str(rows[0]["approval_digest"]),
    )


def _documented(connection: Connection, collaboration: str, request: UpdateRequest) -> Subject:
    room = room_of(connection, collaboration)
    owner = str(room.get("owner_account") or "").upper()
    source = str(room.get("source_name") or collaboration)
    parties = tuple(_parties(room, request, owner))
    asks = {name.upper() for each in parties if REQUESTER in each.roles for name in (each.alias, each.account)}
    codes, unverified = _code_specs(connection, collaboration, request, asks)
    body = {
        "room": f"{owner}/{source}",
        "collaboration": source,
        "parties": [party.to_json() for party in parties],
        "requester": request.requester,
        "share_with": list(request.share_with),
        "template_id": request.template_id,
        "template": request.spec,
        "code_specs": codes,
    }
    return Subject(body, unverified=tuple(unverified))


def room_of(connection: Connection, collaboration: str) -> Row:
    """The row of VIEW_COLLABORATIONS that goes by this name here: what is installed under it, else the one invitation.

    Raises:
        HashMismatchError: there is none, or several that nothing here tells apart.
    """
    rows = connection.call("COLLABORATION.VIEW_COLLABORATIONS")
    name = same_name(collaboration)
    installed = [row for row in rows if same_name(str(row.get("collaboration_name") or "")) == name]
    invited = [
        row
        for row in rows
        if not row.get("collaboration_name") and same_name(str(row.get("source_name") or "")) == name
    ]
    found = installed or invited
    if len(found) != 1:
        raise HashMismatchError(
            f"the target does not tell whose collaboration {collaboration} is",
            why=f"VIEW_COLLABORATIONS lists {len(found) or 'none'} of that name",
            fix="cleanroom-ml collaboration list",
        )
    return found[0]


def _parties(room: Row, request: UpdateRequest, owner: str) -> Iterator[Party]:
    """The accounts behind the aliases of the request, by the collaboration's spec as the target shows it."""
    try:
        spec = collaboration_of(spec_text(room.get("collaboration_spec")), "the collaboration's spec")
    except SpecProblems as problems:
        raise HashMismatchError(
            "the accounts behind the request's aliases cannot be told",
            why=f"the collaboration's spec cannot be read: {problems}",
            fix="cleanroom-ml collaboration show",
        ) from problems
    asked = {alias.upper() for alias in request.share_with}
    runners = {alias: each for alias, each in spec.analysis_runners.items() if alias.upper() in asked}
    providers = {alias.upper() for each in runners.values() for alias in each.data_providers}
    receivers = {
        alias.upper()
        for each in runners.values()
        if each.activation_destinations is not None
        for alias in each.activation_destinations.snowflake_collaborators
    }
    for alias, account in spec.collaborator_identifier_aliases.items():
        has = {
            OWNER: alias.upper() == spec.owner.upper() and account.upper() == owner,
            REQUESTER: alias.upper() == request.requester.upper(),
            RUNNER: alias.upper() in asked,
            PROVIDER: alias.upper() in providers,
            DESTINATION: alias.upper() in receivers,
        }
        if any(has.values()):
            yield Party(account, alias, tuple(role for role in ROLES if has[role]))


def _code_specs(
    connection: Connection, collaboration: str, request: UpdateRequest, asks: set[str]
) -> tuple[list[Document], list[str]]:
    """The code specs of a request as far as they are shown, and what is not.

    Args:
        asks: the alias and the account of who asks, in upper case.
    """
    if not request.code_specs:
        return [], []
    shown = _shown_code_specs(connection, collaboration, asks)
    codes: list[Document] = []
    unverified: list[str] = []
    for code_spec_id in request.code_specs:
        text = shown.get(code_spec_id.upper())
        if text is None:
            unverified.append(f"code spec {code_spec_id}: not shown by this account; what it would run is not known")
            continue
        try:
            spec, _, beside = code_spec_of(text, code_spec_id)
        except SpecProblems:
            unverified.append(f"code spec {code_spec_id}: shown in a form that cannot be read")
            continue
        jobs: list[Document] = []
        for job in spec.ml_jobs:
            reported = job.model_dump(mode="json", include=set(PinnedJob.names()))
            reported |= {"image": job.image_tag or "", "stage_code_dir": job.stage_code_dir}
            found = shown_manifest(beside.get(job.name, {}).get("content_manifest"), job.stage_code_dir)
            if found is None:
                unverified.append(
                    f"ML job {code_spec_id}${job.name}: the hashes of its files are not shown by this account"
                )
            else:
                reported["content_manifest"] = found[0].to_json()
                reported["unsized"] = not found[1]
            jobs.append(reported)
        unverified += [
            f"artifact {code_spec_id}.{artifact.alias}: its content is not shown by this account"
            for artifact in spec.artifacts
            if not artifact.content_hash
        ]
        codes.append({"id": code_spec_id, "name": spec.name, "spec": text, "ml_jobs": jobs})
    return codes, unverified


def _shown_code_specs(connection: Connection, collaboration: str, asks: set[str]) -> dict[str, str]:
    """Id → YAML, of the code specs that the one who asks has registered, and of nobody else's: an id is an account's
    own, and two accounts may have different code under one.
    """
    found: dict[str, str] = {}
    calls: list[tuple[str, tuple[str, ...]]] = [("COLLABORATION.VIEW_CODE_SPECS", (collaboration,))]
    mine = own_account(connection).upper()
    if mine in asks:
        calls.append(("REGISTRY.VIEW_REGISTERED_CODE_SPECS", ()))
    for procedure, arguments in calls:
        try:
            rows = connection.call(procedure, *arguments)
        except ServerError:
            continue  # a role that may not list them is shown none, and what is not shown is named
        for row in rows:
            shared_by = str(row.get("shared_by") or "") if arguments else mine
            code_spec_id = str(first_of(row, "code_spec_id", "id") or "")
            if code_spec_id and shared_by.upper() in asks:
                found[code_spec_id.upper()] = spec_text(first_of(row, "code_spec", "spec"))
    return found
