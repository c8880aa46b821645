"""REGISTRY.*, as collaboration-api-reference has them ("Template procedures", "Data offering procedures", "Code spec
procedures", "Registry management procedures").
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable
from typing import Any

from stand_in_specs import SpecError, read, spec_id, written
from stand_in_values import Refused, Rows, not_there, table
from stand_in_world import Registered, Session, World, now

Procedure = Callable[[World, Session, list[Any]], Rows]
_KINDS = {"TEMPLATE": "template", "DATA_OFFERING": "data_offering", "CODE_SPEC": "code_spec"}
_COLUMNS = {"TEMPLATE": "TEMPLATE_SPEC", "DATA_OFFERING": "DATA_OFFERING_SPEC", "CODE_SPEC": "CODE_SPEC"}


def _register(what: str) -> Procedure:
    kind, procedure = _KINDS[what], f"REGISTER_{what}"

    def register(world: World, session: Session, given: list[Any]) -> Rows:
        registry, text = given if len(given) == 2 else ("default", *given)
        if session.secondary_roles and what == "DATA_OFFERING":
            raise no_secondary_roles(world, procedure)
        spec = _read(world, text, kind, procedure)
        if registry != "default" and session.account.registries.get(registry) != what.replace("_", " "):
            raise world.shape.error("RegistryNotFoundException", f"Registry {registry} not found", procedure)
        found = spec_id(spec)
        if (kind, found.upper()) in session.account.registered:
            name = {"TEMPLATE": "Template", "DATA_OFFERING": "DataOffering", "CODE_SPEC": "CodeSpec"}[what]
            raise world.shape.error(f"{name}AlreadyExistsException", f"{found} already exists", procedure)
        if kind == "code_spec":
            text = _with_manifests(world, session, spec)
        if kind == "data_offering":
            _check_tables(world, session, spec)
        for each in spec.get("code_specs") or ():
            if ("code_spec", each.upper()) not in session.account.registered:
                message = f"Code spec {each} not found for owner"
                raise world.shape.error("CodeSpecNotFoundForOwnerException", message, procedure)
        session.account.registered[kind, found.upper()] = Registered(kind, found, text, spec, registry, now())
        return table(procedure, rows=[[found]])

    return register


def _view(what: str, plural: str) -> Procedure:
    kind = _KINDS[what]

    def view(world: World, session: Session, given: list[Any]) -> Rows:
        wanted = {str(each).lower() for each in given[0]} if given else None
        listed = [
            each
            for (found, _), each in session.account.registered.items()
            if found == kind and (wanted is None or each.registry.lower() in wanted)
        ]
        names = (f"{what}_ID", "NAME", "VERSION", _COLUMNS[what], "REGISTRY", "CREATED_ON:timestamp_ltz")
        values = [
            [each.id, each.spec["name"], each.spec["version"], each.text, each.registry, each.created_on]
            for each in listed
        ]
        return table(*names, rows=values)

    return view


def _unregister(what: str) -> Procedure:
    kind = _KINDS[what]

    def unregister(world: World, session: Session, given: list[Any]) -> Rows:
        [found] = given
        held = session.account.registered.get((kind, str(found).upper()))
        if held is None:
            raise world.shape.error("ResourceNotFoundException", f"{found} not found", f"UNREGISTER_{what}")
        using = [
            room.name
            for room in world.rooms
            for each in (*room.templates.values(), *room.offerings.values())
            if each.registered is held and each.shared_with
        ]
        if using:
            message = f"{found} is linked to collaborations: {', '.join(using)}"
            raise world.shape.error("ResourceInUseException", message, f"UNREGISTER_{what}")
        del session.account.registered[kind, str(found).upper()]
        return table("STATUS", rows=[[f"{found} unregistered"]])

    return unregister


def _create_registry(world: World, session: Session, given: list[Any]) -> Rows:
    name, kind = given
    if kind not in ("TEMPLATE", "DATA OFFERING"):
        raise world.shape.error("SpecValidationError", f"unknown registry type {kind}", "CREATE_REGISTRY")
    if name in session.account.registries:
        raise world.shape.error("RegistryAlreadyExistsException", f"{name} already exists", "CREATE_REGISTRY")
    session.account.registries[name] = kind
    return table("CREATE_REGISTRY", rows=[[f"Registry {name} created"]])


def _view_registries(world: World, session: Session, given: list[Any]) -> Rows:
    rows = [["default", "ALL"], *map(list, session.account.registries.items())]
    return table("REGISTRY_NAME", "REGISTRY_TYPE", rows=rows)


def _read(world: World, text: object, kind: str, procedure: str) -> dict[str, Any]:
    try:
        return read(text, kind)
    except SpecError as error:
        raise world.shape.error("SpecValidationError", str(error), procedure) from error


def _with_manifests(world: World, session: Session, spec: dict[str, Any]) -> str:
    """The text that is kept: each ML job has a content manifest, of what the stage's directory lists."""
    spec = copy.deepcopy(spec)
    for job in spec.get("ml_jobs") or ():
        name, _, path = job["stage_code_dir"].removeprefix("@").partition("/")
        stage = session.account.stages.get(name.upper())
        if stage is None:
            raise world.shape.inner(not_there("Stage", name), "REGISTER_CODE_SPEC")
        inside = {
            file.removeprefix(path + "/"): (len(content), hashlib.sha256(content).hexdigest())
            for file, content in stage.listed.items()
            if file.startswith(path + "/")
        }
        if job["entrypoint"] not in inside:
            message = f"Artifact {job['entrypoint']} not found at stage {job['stage_code_dir']}"
            raise world.shape.error("CodeSpecArtifactNotFoundAtStageError", message, "REGISTER_CODE_SPEC")
        if (manifest := world.shape.manifest(inside)) is not None:
            job["content_manifest"] = manifest
    return written(spec)


def _check_tables(world: World, session: Session, spec: dict[str, Any]) -> None:
    for dataset in spec["datasets"]:
        if dataset["data_object_fqn"].partition(".")[0].upper() not in session.account.databases:
            missing = not_there("Object", dataset["data_object_fqn"])
            raise world.shape.inner(missing, "REGISTER_DATA_OFFERING")


def no_secondary_roles(world: World, procedure: str) -> Refused:
    message = (
        "Secondary roles must be disabled before calling this procedure. Run 'USE SECONDARY ROLES NONE' and try again."
    )
    return world.shape.error("SecondaryRolesNotSupported", message, procedure)


PROCEDURES: dict[str, Procedure] = {
    **{f"REGISTRY.REGISTER_{what}": _register(what) for what in _KINDS},
    **{f"REGISTRY.VIEW_REGISTERED_{what}S": _view(what, f"{what}S") for what in _KINDS},
    "REGISTRY.UNREGISTER_TEMPLATE": _unregister("TEMPLATE"),
    "REGISTRY.UNREGISTER_DATA_OFFERING": _unregister("DATA_OFFERING"),
    "REGISTRY.CREATE_REGISTRY": _create_registry,
    "REGISTRY.VIEW_REGISTRIES": _view_registries,
}
