"""COLLABORATION.*: who is in a room, and what is offered in it (collaboration-api-reference, "Collaboration management
procedures", "Data offering procedures"; the asynchronous steps by service-behaviour, "What is asynchronous").
"""

from __future__ import annotations

import copy
import json
from typing import Any

from stand_in_registry import Procedure, no_secondary_roles
from stand_in_specs import SpecError, read, written
from stand_in_values import Rows, table
from stand_in_world import RUNNER, Registered, Room, Session, Shared, World, now


def _initialize(world: World, session: Session, given: list[Any]) -> Rows:
    text, *warehouse = given
    spec = _spec(world, text, "INITIALIZE")
    aliases = spec["collaborator_identifier_aliases"]
    if str(aliases.get(spec["owner"])).upper() != session.account.name:
        raise world.shape.error("SpecValidationError", "the owner is not the current account", "INITIALIZE")
    if any(room.name.upper() == spec["name"].upper() and room.owner == session.account.name for room in world.rooms):
        message = f"Collaboration {spec['name']} already exists"
        raise world.shape.error("CollaborationAlreadyExistsException", message, "INITIALIZE")
    room = Room(spec["name"], session.account.name, spec, unseen=world.shape.late)
    for alias in aliases:
        room.path[alias] = ["CREATING", "CREATED"] if alias == spec["owner"] else ["INVITED"]
    world.rooms.append(room)
    task = [[room.name, "Collaboration creation has started", "created" if warehouse else None]]
    return table("collaboration_name", "message", "auto_join_task", rows=task)


def _view_collaborations(world: World, session: Session, given: list[Any]) -> Rows:
    rows = []
    for room in world.rooms:
        alias = room.alias_of(session.account.name)
        if alias is None or room.status(alias) in ("LEFT", "DROPPED"):
            continue
        installed = room.name in session.account.local_names or room.owner == session.account.name
        local = session.account.local_names.get(room.name, room.name) if installed else None
        rows.append([room.name, local, room.owner, now(), _shown(world, room)])
    names = ("source_name", "collaboration_name", "owner_account", "updated_on:timestamp_ltz", "collaboration_spec")
    return table(*names, rows=rows)


def _shown(world: World, room: Room) -> str:
    """The latest version, which "shows any resources linked after the collaboration was created"."""
    spec = copy.deepcopy(room.spec)
    for each in room.templates.values():
        for runner in each.shared_with:
            listed = spec["analysis_runners"][runner].setdefault("templates", [])
            listed.append({"id": each.id, **({"shared_by": each.shared_by} if world.shape.late else {})})
    return written(spec | ({"state": "ACTIVE"} if world.shape.late else {}))


def _get_status(world: World, session: Session, given: list[Any]) -> Rows:
    [name] = given
    room = world.room(session, name, "GET_STATUS")
    rows = [
        [now(), account, alias, room.roles(alias), room.status(alias), room.details.get(alias), "AWS_US_WEST_2"]
        for alias, account in room.aliases.items()
    ]
    if world.hold != "status":
        for alias in room.aliases:
            room.passes(alias)
    names = (
        "updated_on:timestamp_ltz", "collaborator_account", "collaborator_name", "roles:array", "status", "details",
        "region",
    )  # fmt: skip
    return table(*names, rows=rows)


def _review(world: World, session: Session, given: list[Any]) -> Rows:
    source, owner, *local = given
    for room in world.rooms:
        alias = room.alias_of(session.account.name)
        if room.name.upper() != str(source).upper() or room.owner.upper() != str(owner).upper() or alias is None:
            continue
        if room.owner == session.account.name or room.status(alias) == "LEFT":
            break
        if room.status(alias) == "JOINED":
            raise world.shape.error("CollaborationAlreadyReviewed", f"{source} is joined already", "REVIEW")
        if world.shape.replicating and alias not in room.details:
            room.details[alias] = "The listing is replicating"
            room.path[alias] = ["REPLICATING", "INVITED"]
            message = "Additional setup steps are still being prepared. Call REVIEW again."
            raise world.shape.error("CollaborationListingReplicationPending", message, "REVIEW")
        session.account.local_names[room.name] = local[0] if local else room.name
        room.path[alias] = ["INSTALLING", "IN_REVIEW" if session.account.profile else "INSTALLATION_FAILED"]
        if not session.account.profile:
            room.details[alias] = "090655 (P0002): Please add your first/last name and email to your user profile"
        return table("collaboration_name", "owner_account", "collaboration_spec",
                     rows=[[session.account.local_names[room.name], room.owner, written(room.spec)]])  # fmt: skip
    message = f"Pending invitation for collaboration: {source} not found"
    raise world.shape.error("CollaborationInvitationNotFound", message, "REVIEW")


def _join(world: World, session: Session, given: list[Any]) -> Rows:
    [name] = given
    if session.secondary_roles:
        raise no_secondary_roles(world, "JOIN")
    room = world.room(session, name, "JOIN")
    alias = str(room.alias_of(session.account.name))
    _expect(world, room, alias, ("CREATED", "IN_REVIEW", "JOIN_FAILED"), "JOIN")
    room.path[alias] = ["JOINING", "JOINED"]
    return table("JOIN", rows=[["Join has started"]])


def _ends(procedure: str, done: str) -> Procedure:
    def end(world: World, session: Session, given: list[Any]) -> Rows:
        [name] = given
        room = world.room(session, name, procedure)
        alias = str(room.alias_of(session.account.name))
        if (room.owner == session.account.name) is not (procedure == "TEARDOWN"):
            raise world.shape.error("PermissionDeniedException", f"{alias} may not call {procedure}", procedure)
        if room.status(alias) == "LOCAL_DROP_PENDING":
            room.path[alias] = [done]
            return table(procedure, rows=[[f"{name}: {done}"]])
        _expect(world, room, alias, ("JOINED", "LEAVE_FAILED", "DROP_FAILED"), procedure)
        room.path[alias] = ["LEAVING" if procedure == "LEAVE" else "DROPPING", "LOCAL_DROP_PENDING"]
        if procedure == "TEARDOWN":
            for other in room.aliases.keys() - {alias}:
                room.path[other] = ["LOCAL_DROP_PENDING"]
        return table(procedure, rows=[[f"{name}: call it again"]])

    return end


def _get_configuration(world: World, session: Session, given: list[Any]) -> Rows:
    [name] = given
    room = world.room(session, name, "GET_CONFIGURATION")
    rows = []
    for key, value in room.configuration.items():
        pending, looks = room.pending_configuration.get(key, (value, 0))
        rows.append([key, pending, "PENDING" if looks else "ACTIVE"])
        if looks:
            room.pending_configuration[key] = (pending, looks - 1)
        room.configuration[key] = pending
    return table("CONFIGURATION", "VALUE", "STATUS", rows=rows)


def _set_configuration(world: World, session: Session, given: list[Any]) -> Rows:
    name, key, value = given
    room = world.room(session, name, "SET_CONFIGURATION")
    if key not in room.configuration or value not in ("true", "false"):
        raise world.shape.error("SpecValidationError", f"unknown configuration {key}={value}", "SET_CONFIGURATION")
    room.pending_configuration[key] = (value, world.shape.late)
    return table("SET_CONFIGURATION", rows=[["accepted"]])


def _link(world: World, session: Session, given: list[Any]) -> Rows:
    name, offering, runners = given
    room, alias, held = _offered(world, session, name, offering, "LINK_DATA_OFFERING")
    runners = room.spelled(runners)
    databases = sorted({each["data_object_fqn"].partition(".")[0] for each in held.spec["datasets"]})
    if unshared := [each for each in databases if each in session.account.unshared]:
        message = (
            f"Reference usage grants are required for databases: {unshared}. "
            f"Run: GRANT REFERENCE_USAGE ON DATABASE {unshared[0]} TO SHARE SCO_DATA_OFFERINGS_{room.name.upper()}"
        )
        raise world.shape.error("ReferenceUsageGrantMissingException", message, "LINK_DATA_OFFERING")
    for runner in runners:
        if alias not in (room.runners.get(runner, {}).get("data_providers") or {}):
            message = "A data provider can link data offerings only for their analysis runners. " + runner
            raise world.shape.error("ProviderNotServingAnalysisRunner", message, "LINK_DATA_OFFERING")
    shared = room.offerings.setdefault((alias, held.id.upper()), Shared(held.id, alias, held))
    if already := [runner for runner in runners if runner in shared.shared_with]:
        message = f"{held.id} is shared with {already[0]} already"
        raise world.shape.error("DataOfferingAlreadyLinkedException", message, "LINK_DATA_OFFERING")
    shared.changes([*shared.shared_with, *runners], world.shape.late)
    return table("LINK_DATA_OFFERING", rows=[["linked"]])


def _unlink(world: World, session: Session, given: list[Any]) -> Rows:
    name, offering, runners = given
    room, alias, held = _offered(world, session, name, offering, "UNLINK_DATA_OFFERING")
    runners = room.spelled(runners)
    shared = room.offerings.get((alias, held.id.upper()))
    if shared is None or not set(runners) <= set(shared.shared_with):
        raise world.shape.error("ResourceNotFoundException", f"{offering} is not shared", "UNLINK_DATA_OFFERING")
    shared.changes([each for each in shared.shared_with if each not in runners], world.shape.late)
    return table("UNLINK_DATA_OFFERING", rows=[["unlinked"]])


def _link_local(world: World, session: Session, given: list[Any]) -> Rows:
    name, offering = given
    room, alias, held = _offered(world, session, name, offering, "LINK_LOCAL_DATA_OFFERING")
    if held in room.local.setdefault(alias, []):
        message = f"{held.id} is linked already"
        raise world.shape.error("DataOfferingAlreadyLinkedException", message, "LINK_LOCAL_DATA_OFFERING")
    room.local[alias].append(held)
    return table("LINK_LOCAL_DATA_OFFERING", rows=[["linked"]])


def _unlink_local(world: World, session: Session, given: list[Any]) -> Rows:
    name, offering = given
    room, alias, held = _offered(world, session, name, offering, "UNLINK_LOCAL_DATA_OFFERING")
    if held not in room.local.get(alias, ()):
        raise world.shape.error("ResourceNotFoundException", f"{offering} is not linked", "UNLINK_LOCAL_DATA_OFFERING")
    room.local[alias].remove(held)
    return table("UNLINK_LOCAL_DATA_OFFERING", rows=[["unlinked"]])


def _view_data_offerings(world: World, session: Session, given: list[Any]) -> Rows:
    [name] = given
    room = world.room(session, name, "VIEW_DATA_OFFERINGS")
    alias = str(room.alias_of(session.account.name))
    rows = []
    for shared in room.offerings.values():
        shared_with = shared.shown(world.hold == "link")
        if shared_with and (alias in shared_with or shared.shared_by == alias):
            rows += [_dataset(shared.registered, shared.shared_by, each, shared.shared_by, shared_with)
                     for each in shared.registered.spec["datasets"]]  # fmt: skip
    for held in room.local.get(alias, ()):
        prefix = world.shape.local_prefix or alias
        rows += [_dataset(held, prefix, each, alias, ["LOCAL"]) for each in held.spec["datasets"]]
    names = (
        "template_view_name", "template_join_columns:array", "analysis_allowed_columns:array",
        "activation_allowed_columns:array", "freeform_sql_view_name", "freeform_sql_column_policies:object",
        "shared_by", "shared_with:array", "data_offering_id",
    )  # fmt: skip
    return table(*names, rows=rows)


def view_names(world: World, session: Session, room: Room) -> set[str]:
    """What a run may name."""
    local = session.account.local_names.get(room.name, room.name)
    return {str(row[0]).upper() for row in _view_data_offerings(world, session, [local]).values}


def _dataset(held: Registered, prefix: str, dataset: dict[str, Any], by: str, shared_with: list[str]) -> list[object]:
    policies = dataset.get("schema_and_template_policies") or {}
    joins = [key for key, each in policies.items() if each["category"].startswith("join")]
    leaving = [key for key, each in policies.items() if each.get("activation_allowed")]
    view = f"{prefix}.{held.id}.{dataset['alias']}"
    return [view, joins, [key for key in policies if key not in joins], leaving, None, {}, by, shared_with, held.id]


def _offered(
    world: World, session: Session, name: object, offering: object, procedure: str
) -> tuple[Room, str, Registered]:
    if session.secondary_roles:
        raise no_secondary_roles(world, procedure)
    room = world.room(session, name, procedure)
    alias = str(room.alias_of(session.account.name))
    _expect(world, room, alias, ("JOINED",), procedure)
    held = session.account.registered.get(("data_offering", str(offering).upper()))
    if held is None:
        raise world.shape.error("ResourceNotFoundException", f"Data offering {offering} not found", procedure)
    if procedure == "LINK_LOCAL_DATA_OFFERING" and RUNNER not in room.roles(alias):
        raise world.shape.error("PermissionDeniedException", f"{alias} is no analysis runner", procedure)
    return room, alias, held


def _expect(world: World, room: Room, alias: str, wanted: tuple[str, ...], procedure: str) -> None:
    if (status := room.status(alias)) not in wanted:
        message = (
            "This action requires the collaboration status to be one of the following: "
            f"{', '.join(wanted)}. Current status: {status}."
        )
        raise world.shape.error("InvalidCollaborationStatusError", message, procedure)


def _spec(world: World, text: object, procedure: str) -> dict[str, Any]:
    try:
        return read(text, "collaboration")
    except SpecError as error:
        raise world.shape.error("SpecValidationError", str(error), procedure) from error


def auto_join_failed(summary: str) -> str:
    """DETAILS of a room whose automatic joining failed."""
    return json.dumps({"auto_join": {"enabled": False, "failure_summary": summary, "phase": "failed"}})


PROCEDURES: dict[str, Procedure] = {
    f"COLLABORATION.{name}": each
    for name, each in {
        "INITIALIZE": _initialize,
        "VIEW_COLLABORATIONS": _view_collaborations,
        "GET_STATUS": _get_status,
        "REVIEW": _review,
        "JOIN": _join,
        "LEAVE": _ends("LEAVE", "LEFT"),
        "TEARDOWN": _ends("TEARDOWN", "DROPPED"),
        "GET_CONFIGURATION": _get_configuration,
        "SET_CONFIGURATION": _set_configuration,
        "LINK_DATA_OFFERING": _link,
        "UNLINK_DATA_OFFERING": _unlink,
        "LINK_LOCAL_DATA_OFFERING": _link_local,
        "UNLINK_LOCAL_DATA_OFFERING": _unlink_local,
        "VIEW_DATA_OFFERINGS": _view_data_offerings,
    }.items()
}
