"""Where jobs would run: the project's pool, the families and GPUs that there are, and the room's application."""

from __future__ import annotations

from cleanroom_ml.connection import Connection
from cleanroom_ml.connection.literals import identifier
from cleanroom_ml.services.doctor.finding import Finding, properties
from cleanroom_ml.services.pools import application_of
from cleanroom_ml.specs.families import FAMILIES
from cleanroom_ml.specs.project import Project


def families(connection: Connection) -> Finding:
    """Instance families of the account's region. Raises ServerError."""
    rows = connection.execute("SHOW COMPUTE POOL INSTANCE FAMILIES")
    names = sorted({str(row.get("name") or row.get("instance_family") or "").upper() for row in rows} - {""})
    if not names:
        return Finding("pool families", None, "the target lists none")
    gpus = [name for name in names if name.startswith("GPU") or (name in FAMILIES and FAMILIES[name].gpus)]
    listed = ", ".join(gpus[:6]) if gpus else "none, so that jobs run on CPUs"
    return Finding("pool families", True, f"{len(names)} families; with GPU: {listed}")


def pool(connection: Connection, project: Project | None) -> Finding:
    """The pool that the project's runs use. Raises ServerError."""
    rows = connection.execute("SHOW COMPUTE POOLS")
    there = {str(row.get("name")).upper(): row for row in rows}
    if project is None or project.pool is None:
        return Finding("pool", None, f"this directory names none; there are: {', '.join(sorted(there)) or 'none'}")
    found = there.get(project.pool.name.upper())
    if found is None:
        return Finding("pool", False, f"{project.pool.name} is not there", "cleanroom-ml pool create")
    serves = str(found.get("application") or "")
    if serves and project.collaboration is not None and serves != application_of(project.collaboration).upper():
        fix = "another name for `pool` in cleanroom.yaml, then: cleanroom-ml pool create"
        return Finding("pool", False, f"{project.pool.name} serves {serves} alone", fix)
    family = str(found.get("instance_family"))
    if family.upper() != project.pool.family.upper():
        fix = f"cleanroom-ml pool drop {project.pool.name} && cleanroom-ml pool create"
        return Finding("pool", False, f"{project.pool.name} is {family}, not {project.pool.family}", fix)
    return Finding("pool", True, f"{project.pool.name} is {family}, {str(found.get('state')).lower()}")


def application(connection: Connection, project: Project | None) -> Finding:
    """Whether the room's application is ready to run what was approved last. Raises ServerError."""
    name = "application"
    if project is None or project.collaboration is None:
        return Finding(name, None, "this directory names no collaboration")
    application_name = application_of(project.collaboration)
    told = properties(connection.execute(f"DESCRIBE APPLICATION {identifier(application_name)}"))
    state = told.get("upgrade_state", "")
    if not state:
        return Finding(name, None, f"{application_name} is there; its upgrade_state is not told")
    ok = state.upper() == "COMPLETE"
    fix = None if ok else f"wait, and look again: DESCRIBE APPLICATION {application_name}"
    return Finding(name, ok, f"{application_name} has upgrade_state {state}", fix)
