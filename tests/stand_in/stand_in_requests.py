"""COLLABORATION.*: templates, code specs and update requests (collaboration-api-reference, "Update request
procedures"; who approves: resources-templates).
"""

from __future__ import annotations

from typing import Any

from stand_in_registry import Procedure
from stand_in_rooms import _expect, _spec
from stand_in_specs import written
from stand_in_values import Rows, table
from stand_in_world import Request, Room, Session, Shared, World, now


def _add_template_request(world: World, session: Session, given: list[Any]) -> Rows:
    name, template_id, runners = given
    room, alias = _mine(world, session, name, "ADD_TEMPLATE_REQUEST")
    runners = room.spelled(runners)
    held = session.account.registered.get(("template", str(template_id).upper()))
    if held is None:
        message = f"Template {template_id} not found for owner"
        raise world.shape.error("TemplateNotFoundForOwnerException", message, "ADD_TEMPLATE_REQUEST")
    for runner in runners:
        if runner not in room.runners:
            message = f"{runner} is no analysis runner"
            raise world.shape.error("CollaboratorAliasNotFoundInCollaboration", message, "ADD_TEMPLATE_REQUEST")
    codes = [session.account.registered["code_spec", each.upper()] for each in held.spec.get("code_specs") or ()]
    for job in (job for code in codes for job in code.spec.get("ml_jobs") or ()):
        if world.shape.manifests == "absent":
            message = f"ML job '{job['name']}' has no content_manifest. Re-register the code spec to generate it."
            raise world.shape.error("SpecValidationError", message, "ADD_TEMPLATE_REQUEST")
    details = {"template_id": held.id, "share_with": runners, "requested_by": alias}
    if codes:
        details["code_specs"] = [each.id for each in codes]
    shared = Shared(held.id, alias, held, codes, list(runners))
    _send(world, room, "Add Template", alias, details, held.text, room.approvers(runners), shared=shared)
    return table("ADD_TEMPLATE_REQUEST", rows=[["request sent"]])


def _remove_template(world: World, session: Session, given: list[Any]) -> Rows:
    name, template_id, runners = given
    room, alias = _mine(world, session, name, "REMOVE_TEMPLATE")
    runners = room.spelled(runners)
    shared = room.templates.get(str(template_id).upper())
    if shared is None or shared.shared_by != alias or not set(runners) <= set(shared.shared_with):
        raise world.shape.error("ResourceNotFoundException", f"{template_id} is not yours", "REMOVE_TEMPLATE")
    details = {"template_id": shared.id, "remove_for": runners, "requested_by": alias}
    request = _send(world, room, "Remove Template", alias, details, shared.registered.text, [])
    shared.changes([each for each in shared.shared_with if each not in runners], world.shape.late)
    request.applied = True
    return table("REMOVE_TEMPLATE", rows=[["request sent"]])


def _edit(world: World, session: Session, given: list[Any]) -> Rows:
    name, text = given
    room, alias = _mine(world, session, name, "EDIT")
    target = _spec(world, text, "EDIT")
    if room.spec["owner"] != alias:
        raise world.shape.error("PermissionDeniedException", "only the owner edits", "EDIT")
    if target == room.spec:
        raise world.shape.error("SpecValidationError", "The specification is identical to the current one", "EDIT")
    for key in ("name", "description", "owner"):
        if target.get(key) != room.spec.get(key):
            raise world.shape.error("SpecValidationError", f"{key} cannot be changed", "EDIT")
    new = [each for each in target["collaborator_identifier_aliases"] if each not in room.aliases]
    operations = [
        {"operation_type": "ADD_COLLABORATOR", "collaborator": each, "status": "PENDING"} for each in new
    ] or [{"operation_type": "UPDATE", "status": "PENDING"}]
    others = [each for each in room.aliases if room.status(each) == "JOINED"]
    details = {"operations": operations, "requested_by": alias}
    _send(world, room, "Edit Collaboration", alias, details, written(target), others, target=target)
    return table("EDIT", rows=[["The update request has been submitted."]])


def _send(
    world: World, room: Room, kind: str, by: str, details: dict[str, Any], spec: str, approvers: list[str], **more: Any
) -> Request:
    decisions = dict.fromkeys(approvers, "PENDING")
    if by in decisions:
        decisions[by] = "APPROVED"
    late = world.shape.late
    request = Request(world.number("request_"), kind, by, details, spec, decisions, late, settling=late, **more)
    request.updated_on = now()
    room.requests.append(request)
    return request


def _view_update_requests(world: World, session: Session, given: list[Any]) -> Rows:
    [name] = given
    room = world.room(session, name, "VIEW_UPDATE_REQUESTS")
    alias = str(room.alias_of(session.account.name))
    rows = []
    for request in room.requests:
        if request.requested_by != alias and alias not in request.decisions:
            continue
        if request.unseen:
            request.unseen -= world.hold != "request"
            continue
        log = [{"collaborator": who, "decision": what} for who, what in request.decisions.items() if what != "PENDING"]
        if request.reason:
            log.append({"reason": request.reason})
        status = world.shape.status(_status(world, room, request, alias))
        rows.append([request.id, request.type, status, log, request.details, request.spec, request.updated_on])
    names = ("id", "type", "status", "approval_log:variant", "details:object", "spec", "updated_on:timestamp_ltz")
    return table(*names, rows=rows)


def _status(world: World, room: Room, request: Request, alias: str) -> str:
    """As one of the collaborators is shown it."""
    if "REJECTED" in request.decisions.values():
        return "REJECTED"
    if "PENDING" not in request.decisions.values():
        if request.settling:
            request.settling -= world.hold != "request"
            return "APPROVED"
        if not request.applied:
            _apply(world, room, request)
        return "COMPLETED"
    if request.decisions.get(alias) == "PENDING":
        return "PENDING_MY_APPROVAL"
    return "REQUESTED" if request.requested_by == alias else "PENDING_PARTNER_APPROVAL"


def _apply(world: World, room: Room, request: Request) -> None:
    request.applied, request.updated_on = True, now()
    if request.target is not None:
        room.spec = request.target
        for alias in room.aliases:
            room.path.setdefault(alias, ["INVITED"])
        for operation in request.details["operations"]:
            operation["status"] = "COMPLETED"
    if (shared := request.shared) is not None:
        there = room.templates.setdefault(shared.id.upper(), shared)
        there.changes(list(dict.fromkeys([*there.shared_with, *shared.shared_with])), 0)
        if shared.codes:
            room.upgrading |= dict.fromkeys(room.aliases, world.shape.late)


def _decide(procedure: str, decision: str) -> Procedure:
    def decide(world: World, session: Session, given: list[Any]) -> Rows:
        name, request_id, *reason = given
        if len(reason) != (decision == "REJECTED"):
            raise world.shape.error("SpecValidationError", "wrong number of arguments", procedure)
        room, alias = _mine(world, session, name, procedure)
        request = next((each for each in room.requests if each.id == request_id), None)
        if request is None or alias not in {*request.decisions, request.requested_by}:
            message = f"Update request {request_id} not found"
            raise world.shape.error("UpdateRequestNotFoundException", message, procedure)
        own = decision == "REJECTED" and alias == request.requested_by
        if (not own and request.decisions.get(alias) != "PENDING") or "REJECTED" in request.decisions.values():
            message = f"Update request {request_id} was decided"
            raise world.shape.error("UpdateRequestStateException", message, procedure)
        request.decisions[alias], request.reason, request.updated_on = decision, "".join(reason), now()
        return table(procedure, rows=[[decision.lower()]])

    return decide


def _view_templates(world: World, session: Session, given: list[Any]) -> Rows:
    [name] = given
    room = world.room(session, name, "VIEW_TEMPLATES")
    alias = str(room.alias_of(session.account.name))
    rows = [
        [each.id, each.registered.text, each.registered.spec.get("parameters") or [], each.shared_by, shared_with]
        for each in room.templates.values()
        if (shared_with := each.shown(world.hold == "link")) and (alias in shared_with or each.shared_by == alias)
    ]
    return table("template_id", "template_spec", "parameters:variant", "shared_by", "shared_with:array", rows=rows)


def _view_code_specs(world: World, session: Session, given: list[Any]) -> Rows:
    [name] = given
    room = world.room(session, name, "VIEW_CODE_SPECS")
    alias = str(room.alias_of(session.account.name))
    shown = [each for each in room.templates.values() if alias in each.shared_with or each.shared_by == alias]
    if world.shape.pending_code:
        shown += [each.shared for each in room.requests if each.shared is not None and alias in each.decisions]
    codes = {code.id: (code, each.shared_by) for each in shown for code in each.codes}
    rows = [[code.id, code.text, by] for code, by in codes.values()]
    return table("code_spec_id", "code_spec", "shared_by", rows=rows)


def _mine(world: World, session: Session, name: object, procedure: str) -> tuple[Room, str]:
    room = world.room(session, name, procedure)
    alias = str(room.alias_of(session.account.name))
    _expect(world, room, alias, ("JOINED",), procedure)
    return room, alias


PROCEDURES: dict[str, Procedure] = {
    f"COLLABORATION.{name}": each
    for name, each in {
        "ADD_TEMPLATE_REQUEST": _add_template_request,
        "REMOVE_TEMPLATE": _remove_template,
        "EDIT": _edit,
        "VIEW_UPDATE_REQUESTS": _view_update_requests,
        "APPROVE_UPDATE_REQUEST": _decide("APPROVE_UPDATE_REQUEST", "APPROVED"),
        "REJECT_UPDATE_REQUEST": _decide("REJECT_UPDATE_REQUEST", "REJECTED"),
        "VIEW_TEMPLATES": _view_templates,
        "VIEW_CODE_SPECS": _view_code_specs,
    }.items()
}
