"""COLLABORATION.*: runs, ML jobs and activations (collaboration-api-reference, "Running analyses and activations";
ml-jobs; activation). Nothing is computed: what a job prints, returns and sends is always the same.
"""

from __future__ import annotations

import re
from typing import Any

from stand_in_registry import Procedure
from stand_in_requests import _mine
from stand_in_rooms import view_names
from stand_in_specs import SpecError, read
from stand_in_values import Refused, Rows, table, unknown_function
from stand_in_world import Job, Room, Session, Shared, World, now

RESULT = {"customers": 60, "response": 0.31, "note": "all's well", "nothing": None}
RECORDS = [{"HASHED_EMAIL_SHA256": f"{n:064x}", "SCORE": n / 10} for n in range(5)]
_CALL = re.compile(r"\s*call\s+cleanroom\.(\w+)\$(\w+)\s*\(", re.IGNORECASE)
_WAREHOUSE = re.compile(r"warehouse\s*\|\s*default\(\s*\\?['\"](\w+)")


def _run(world: World, session: Session, given: list[Any]) -> Rows:
    room, alias = _mine(world, session, given[0], "RUN")
    if len(given) == 5:
        _, template_id, tables, local, values = given
        spec: dict[str, Any] = {"template": template_id, "template_configuration": {"arguments": values}}
        mapped = [*tables, *local]
    else:
        spec = _read(world, given[1], "analysis", "RUN")
        configuration = spec.get("template_configuration") or {}
        views = {**(configuration.get("view_mappings") or {}), **(configuration.get("local_view_mappings") or {})}
        mapped = [each for value in views.values() for each in (value if isinstance(value, list) else [value])]
    configuration = spec.get("template_configuration") or {}
    values = dict(configuration.get("arguments") or {})
    shared = room.templates.get(str(spec["template"]).upper())
    if shared is None or alias not in shared.shared_with:
        message = f"Template {spec['template']} is not available to {alias}"
        raise world.shape.error("TemplateNotApprovedException", message, "RUN")
    _check_values(world, session, room, shared, values, mapped)
    if room.upgrading.get(alias) and shared.codes:
        code = shared.codes[0].spec
        raise world.shape.inner(unknown_function(f"CLEANROOM.{code['name']}"), "RUN")
    room.history.append({"runner": alias, "template": shared.id, "values": values, "tables": mapped, "at": now()})
    if shared.registered.spec["type"] == "sql_activation":
        return _activated(world, session, room, alias, shared, configuration.get("activation"))
    call = _CALL.match(shared.registered.spec["template"])
    if call is None:
        return table("BAND", "RESPONSE", rows=[["18-29", "0.6"]])
    _check_pool(world, session, room, shared, values)
    job = _job(shared, call[2])
    job_id = world.number(f"SFDCR_{room.name.upper()}.JOBS.ML_JOB_")
    room.jobs[job_id] = Job(job_id, alias, bool(job.get("allow_monitoring")))
    return table(world.shape.run_column, rows=[[job_id]])


def _check_values(
    world: World, session: Session, room: Room, shared: Shared, values: dict[str, Any], mapped: list[str]
) -> None:
    for parameter in shared.registered.spec.get("parameters") or ():
        if parameter.get("required") and parameter["name"] not in values:
            raise world.shape.error("SpecValidationError", f"missing argument {parameter['name']}", "RUN")
    known = view_names(world, session, room)
    for view in mapped:
        if str(view).upper() not in known:
            message = f"Dataset {view} not found"
            raise world.shape.error("DatasetNotFoundInDataOfferingException", message, "RUN")


def _check_pool(world: World, session: Session, room: Room, shared: Shared, values: dict[str, Any]) -> None:
    application = f"SFDCR_{session.account.local_names.get(room.name, room.name)}".upper()
    pool = str(values.get("compute_pool")).upper()
    default = _WAREHOUSE.search(shared.registered.spec["template"])
    warehouse = str(values.get("warehouse") or (default[1] if default else "APP_WH")).upper()
    for kind, name in (("COMPUTE POOL", pool), ("WAREHOUSE", warehouse)):
        if (kind, name, application) not in session.account.granted:
            gone = f"SQL compilation error:\n{kind.title()} '{name}' does not exist or not authorized."
            raise world.shape.inner(Refused(2003, "02000", gone), "RUN")


def _job(shared: Shared, name: str) -> dict[str, Any]:
    jobs = [job for code in shared.codes for job in code.spec.get("ml_jobs") or ()]
    return next((job for job in jobs if job["name"].upper() == name.upper()), {})


def _activated(
    world: World, session: Session, room: Room, alias: str, shared: Shared, wanted: dict[str, Any] | None
) -> Rows:
    if not wanted:
        raise world.shape.error("ActivationError", "an activation template needs activation", "RUN")
    [to] = room.spelled([wanted["snowflake_collaborator"]])
    allowed = (room.runners[alias].get("activation_destinations") or {}).get("snowflake_collaborators") or []
    if to not in allowed:
        raise world.shape.error("ActivationError", f"{to} is no activation destination", "RUN")
    batch = world.number("batch_")
    row = {"at": now(), "segment": wanted["segment_name"], "batch": batch, "template": shared.id, "by": alias, "to": to}
    if to == alias:
        _keep(world, room, row)
    else:
        room.activations.append(row | {"path": ["PENDING", *(["REPLICATING"] if world.shape.late else []), "SHARED"]})
    return table("RUN", rows=[["Activation has started"]])


def _keep(world: World, room: Room, row: dict[str, Any]) -> str:
    """The records are in the receiver's account, and here is where."""
    account = world.accounts[room.aliases[row["to"]].upper()]
    local = account.local_names.get(room.name, room.name)
    place = f"SFDCR_{local}.ACTIVATION.SEGMENT_RECORDS" if world.shape.application_table else (
        f"{local}.activation.segment_records"
    )  # fmt: skip
    rows = account.tables.setdefault(place.upper(), [])
    for record in RECORDS:
        inner = {f"p1.{key}": value for key, value in record.items()}
        told = {"ID": inner} if world.shape.nested_records else record
        rows.append(
            {"BATCH_ID": row["batch"], "SEGMENT_NAME": row["segment"], "TEMPLATE_ID": row["template"],
             "SHARED_BY": row["by"], "UPDATED_ON": now(), "RECORDS": told}
        )  # fmt: skip
    return place


def _view_activations(world: World, session: Session, given: list[Any]) -> Rows:
    [name] = given
    room = world.room(session, name, "VIEW_ACTIVATIONS")
    alias = room.alias_of(session.account.name)
    rows = []
    for each in room.activations:
        if alias in (each["by"], each["to"]):
            told = (each["segment"], each["batch"], each["template"], each["by"], each["to"], each["path"][0])
            rows.append([each["at"], *told, None])
            if len(each["path"]) > 1 and world.hold != "activation":
                each["path"].pop(0)
    names = ("segment_name", "batch_id", "template_id", "shared_by", "shared_with", "status", "details")
    return table("updated_on:timestamp_ltz", *names, rows=rows)


def _process_activation(world: World, session: Session, given: list[Any]) -> Rows:
    name, *which = given
    room = world.room(session, name, "PROCESS_ACTIVATION")
    alias = room.alias_of(session.account.name)
    rows = []
    for each in room.activations:
        named = not which or each["batch"] in which[0] or each["segment"] == which[0]
        if each["to"] == alias and each["path"][0] == "SHARED" and named:
            each["path"] = ["PROCESSED"]
            rows.append([_keep(world, room, each), each["segment"]])
    if not rows:
        raise world.shape.error("ActivationError", "No activations to process", "PROCESS_ACTIVATION")
    return table("TABLE_NAME", "SEGMENT_NAME", rows=rows)


def _run_ml_job_action(world: World, session: Session, given: list[Any]) -> Rows:
    name, text = given
    room = world.room(session, name, "RUN_ML_JOB_ACTION")
    spec = _read(world, text, "ml_job_action", "RUN_ML_JOB_ACTION")
    job = room.jobs.get(spec["job_id"])
    if job is None or job.alias != room.alias_of(session.account.name):
        raise world.shape.error("MLJobNotFoundException", f"{spec['job_id']} not found", "RUN_ML_JOB_ACTION")
    action = str(spec["action"]).lower()
    if action == "get_status":
        told, job.looks = job.status, job.looks + (world.hold != "job")
        return table("RUN_ML_JOB_ACTION", rows=[[told]])
    if action == "get_logs":
        return table("RUN_ML_JOB_ACTION", rows=[[_log(world, room, job)]])
    if action == "get_result":
        if job.status != "DONE":
            raise world.shape.error("MLJobNotFinishedError", f"{job.id} is {job.status}", "RUN_ML_JOB_ACTION")
        return table("RUN_ML_JOB_ACTION", rows=[[world.shape.value(RESULT)]])
    raise world.shape.error("SpecValidationError", f"unknown action {action}", "RUN_ML_JOB_ACTION")


def _log(world: World, room: Room, job: Job) -> str:
    if not job.monitored or room.configuration["ALLOW_ML_JOBS_MONITORING"] != "true":
        message = "Log access requires allow_monitoring: true and ALLOW_ML_JOBS_MONITORING"
        raise world.shape.error("MLJobMonitoringError", message, "RUN_ML_JOB_ACTION")
    lines = 1_500 if world.shape.log_bytes else 3
    text = "".join(f"epoch {n:05d}: loss {1 / (n + 1):.9f} of this run\n" for n in range(min(job.looks, 3) * lines))
    return text[-world.shape.log_bytes :] if world.shape.log_bytes else text


def _view_activity_history(world: World, session: Session, given: list[Any]) -> Rows:
    [name] = given
    room = world.room(session, name, "VIEW_ACTIVITY_HISTORY")
    alias = room.alias_of(session.account.name)
    rows = []
    for number, each in enumerate(room.history):
        parameters: dict[str, Any] = {"template_id": each["template"], "source_tables": each["tables"]}
        if each["runner"] == alias:
            parameters |= {"arguments": each["values"], "local_tables": []}
        info = {"data_offering_ids": [], "request_parameters": parameters}
        rows.append([f"activity_{number}", each["runner"], each["at"], 1200, "SUCCESS", None, "RUN", info])
    names = (
        "ACTIVITY_ID", "ANALYSIS_RUNNER_ALIAS", "START_TS:timestamp_ltz", "TOTAL_DURATION:fixed", "STATUS",
        "FAILURE_REASON", "ACTIVITY_TYPE", "ACTIVITY_INFO:variant",
    )  # fmt: skip
    return table(*names, rows=rows)


def _read(world: World, text: object, kind: str, procedure: str) -> dict[str, Any]:
    try:
        return read(text, kind)
    except SpecError as error:
        raise world.shape.error("SpecValidationError", str(error), procedure) from error


PROCEDURES: dict[str, Procedure] = {
    f"COLLABORATION.{name}": each
    for name, each in {
        "RUN": _run,
        "RUN_ML_JOB_ACTION": _run_ml_job_action,
        "VIEW_ACTIVATIONS": _view_activations,
        "PROCESS_ACTIVATION": _process_activation,
        "VIEW_ACTIVITY_HISTORY": _view_activity_history,
    }.items()
}
