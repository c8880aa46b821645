"""Statements that are no CALL of a room, as far as Snowflake's SQL reference has them and a client needs them; every
other one is refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from stand_in_values import DATABASE, Answer, Refused, Rows, not_there, status, syntax, table
from stand_in_world import Session, Stage, World

Statement = Callable[[World, Session, "re.Match[str]"], Rows]
STATEMENTS: list[tuple[re.Pattern[str], Statement]] = []
_NAME = r'(?:"[^"]+"|[\w$]+)(?:\.(?:"[^"]+"|[\w$]+))*'


def _statement(pattern: str) -> Callable[[Statement], Statement]:
    def register(function: Statement) -> Statement:
        whole = pattern.replace("NAME", _NAME).replace(" ", r"\s+")
        STATEMENTS.append((re.compile(whole + r"\s*;?\s*\Z", re.IGNORECASE | re.DOTALL), function))
        return function

    return register


def answered(world: World, session: Session, sql: str) -> Rows:
    """Raises Refused."""
    for pattern, function in STATEMENTS:
        if match := pattern.match(sql.strip()):
            return function(world, session, match)
    raise syntax(sql.split()[0])


@_statement(r"USE SECONDARY ROLES (NONE|ALL)")
def _secondary(world: World, session: Session, match: re.Match[str]) -> Rows:
    session.secondary_roles = match[1].upper() == "ALL"
    return status("Statement executed successfully.")


@_statement(r"SELECT (CURRENT_\w+\(\).*)")
def _context(world: World, session: Session, match: re.Match[str]) -> Rows:
    organization, _, account = session.account.name.partition(".")
    secondary = '{"roles":"ANALYST","value":"ALL"}' if session.secondary_roles else '{"roles":"","value":""}'
    known = {
        "CURRENT_ORGANIZATION_NAME": organization, "CURRENT_ACCOUNT_NAME": account, "CURRENT_USER": session.user,
        "CURRENT_ROLE": session.role, "CURRENT_SECONDARY_ROLES": secondary, "CURRENT_WAREHOUSE": session.warehouse,
        "CURRENT_VERSION": "9.35.1",
    }  # fmt: skip
    names, values = [], []
    for number, item in enumerate(re.split(r",\s*", match[1])):
        parts = re.fullmatch(r"(.+?)(?:\s+AS\s+(\w+))?", item.strip(), re.IGNORECASE)
        assert parts is not None
        pieces = []
        for piece in re.split(r"\s*\|\|\s*", parts[1]):
            word = piece.removesuffix("()").upper()
            if not piece.startswith("'") and word not in known:
                raise Refused(2140, "42601", f"SQL compilation error:\nUnknown function {word}")
            pieces.append(piece.strip("'") if piece.startswith("'") else known[word])
        names.append((parts[2] or f"C{number}").upper())
        values.append(pieces[0] if len(pieces) == 1 else "".join(map(str, pieces)))
    return table(*names, rows=[values])


@_statement(r"SHOW PROCEDURES IN DATABASE (NAME)")
def _procedures(world: World, session: Session, match: re.Match[str]) -> Rows:
    if match[1].upper() not in {DATABASE, *session.account.databases}:
        raise Refused(2043, "02000", "SQL compilation error:\nObject does not exist, or operation cannot be performed.")
    return table("created_on", "name", "schema_name", "catalog_name")


@_statement(r"SHOW DATABASES LIKE '([^']+)'")
def _databases(world: World, session: Session, match: re.Match[str]) -> Rows:
    there = [each for each in {DATABASE, *session.account.databases} if each == match[1].upper()]
    return table("created_on", "name", rows=[["", each] for each in there])


@_statement(r"CREATE (DATABASE|SCHEMA) IF NOT EXISTS (NAME)")
def _create(world: World, session: Session, match: re.Match[str]) -> Rows:
    raise Refused(3001, "42501", "SQL access control error:\nInsufficient privileges to operate on account 'X'.")


@_statement(r"CREATE STAGE IF NOT EXISTS (NAME) DIRECTORY = \(ENABLE = TRUE\) ENCRYPTION = \(TYPE = 'SNOWFLAKE_SSE'\)")
def _create_stage(world: World, session: Session, match: re.Match[str]) -> Rows:
    name = match[1].upper()
    if name.partition(".")[0] not in session.account.databases:
        raise not_there("Database", name.partition(".")[0])
    session.account.stages.setdefault(name, Stage())
    return status(f"Stage area {name.rpartition('.')[2]} successfully created.")


@_statement(r"ALTER STAGE (NAME) REFRESH")
def _refresh(world: World, session: Session, match: re.Match[str]) -> Rows:
    stage = _stage(session, match[1])
    stage.listed = dict(stage.files)
    return table("file", "status", rows=[[path, "REGISTERED_NEW"] for path in stage.listed])


@_statement(r"(?:LIST|LS) '@([^/']+)/?([^']*)'")
def _list(world: World, session: Session, match: re.Match[str]) -> Rows:
    stage, short = _stage(session, match[1]), match[1].rpartition(".")[2].lower()
    rows = [
        [f"{short}/{path}", len(content), _md5(world, content), "Thu, 26 Nov 2026 10:00:00 GMT"]
        for path, content in sorted(stage.files.items())
        if path.startswith(match[2])
    ]
    return table("name", "size:fixed", "md5", "last_modified", rows=rows)


@_statement(r"(?:REMOVE|RM) '@([^/']+)/([^']*)'")
def _remove(world: World, session: Session, match: re.Match[str]) -> Rows:
    stage = _stage(session, match[1])
    gone = [path for path in stage.files if path.startswith(match[2])]
    for path in gone:
        del stage.files[path]
    return table("name", "result", rows=[[path, "removed"] for path in gone])


@_statement(r"SHOW COMPUTE POOLS")
def _pools(world: World, session: Session, match: re.Match[str]) -> Rows:
    names = (
        "name", "state", "min_nodes:fixed", "max_nodes:fixed", "instance_family", "num_services:fixed",
        "num_jobs:fixed", "auto_suspend_secs:fixed", "auto_resume", "active_nodes:fixed", "idle_nodes:fixed",
        "is_exclusive", "application",
    )  # fmt: skip
    rows = [
        [name, pool["state"], pool["least"], pool["most"], pool["family"], 0, 0, pool["suspend"], "true", 0,
         pool["least"], "true", pool["application"]]
        for name, pool in session.account.pools.items()
    ]  # fmt: skip
    return table(*names, rows=rows)


@_statement(
    r"CREATE COMPUTE POOL (NAME) FOR APPLICATION (NAME) MIN_NODES = (\d+) MAX_NODES = (\d+) INSTANCE_FAMILY = (\w+)"
    r" AUTO_RESUME = TRUE(?:\s*AUTO_SUSPEND_SECS = (\d+))?"
)
def _create_pool(world: World, session: Session, match: re.Match[str]) -> Rows:
    application = match[2].upper()
    if application not in _applications(world, session):
        raise not_there("Application", application)
    session.account.pools[match[1].upper()] = {
        "state": "STARTING", "least": int(match[3]), "most": int(match[4]), "family": match[5].upper(),
        "suspend": int(match[6] or 3600), "application": application,
    }  # fmt: skip
    return status(f"Compute pool {match[1].upper()} successfully created.")


@_statement(r"GRANT USAGE ON (COMPUTE POOL|WAREHOUSE) (NAME) TO APPLICATION (NAME)")
def _grant(world: World, session: Session, match: re.Match[str]) -> Rows:
    kind, name, application = match[1].upper(), match[2].upper(), match[3].upper()
    there = session.account.pools if kind == "COMPUTE POOL" else session.account.warehouses
    if name not in there:
        raise not_there(kind.title(), name)
    session.account.granted.add((kind, name, application))
    return status("Statement executed successfully.")


@_statement(r"(ALTER|DROP) COMPUTE POOL (NAME)(?:\s+(SUSPEND|RESUME|STOP ALL))?")
def _alter_pool(world: World, session: Session, match: re.Match[str]) -> Rows:
    pool = session.account.pools.get(match[2].upper())
    if pool is None:
        raise not_there("Compute Pool", match[2].upper())
    if match[1].upper() == "DROP":
        del session.account.pools[match[2].upper()]
    else:
        pool["state"] = {"SUSPEND": "SUSPENDED", "RESUME": "STARTING"}.get(match[3].upper(), pool["state"])
    return status("Statement executed successfully.")


@_statement(r"DESC(?:RIBE)? APPLICATION (NAME)")
def _application(world: World, session: Session, match: re.Match[str]) -> Rows:
    room = _applications(world, session).get(match[1].upper())
    if room is None:
        raise not_there("Application", match[1].upper())
    alias = str(room.alias_of(session.account.name))
    looks = room.upgrading.get(alias, 0)
    room.upgrading[alias] = max(0, looks - (world.hold != "upgrade"))
    state = "UPGRADING" if looks else "COMPLETE"
    return table("property", "value", rows=[["name", match[1].upper()], ["version", "V1"], ["upgrade_state", state]])


@_statement(r"SELECT (\w+) FROM (NAME) WHERE (.+?)(?: ORDER BY UPDATED_ON DESC LIMIT 1)?")
def _select(world: World, session: Session, match: re.Match[str]) -> Rows:
    if match[2].upper() == f"{DATABASE}.ADMIN.VERSION":
        return table("VERSION", rows=[["19.0"]])
    rows = session.account.tables.get(match[2].replace('"', "").upper())
    if rows is None:
        raise not_there("Object", match[2].upper())
    wanted = dict(re.findall(r"(\w+) = '([^']*)'", match[3]))
    found = [row for row in rows if all(str(row[key]) == value for key, value in wanted.items())]
    kind = ":variant" if match[1].upper() == "RECORDS" else ""
    return table(f"{match[1].upper()}{kind}", rows=[[row[match[1].upper()]] for row in reversed(found)])


@_statement(rf"SELECT \* FROM {DATABASE}\.ADMIN\.VERSION")
def _version(world: World, session: Session, match: re.Match[str]) -> Rows:
    return table("VERSION", rows=[["19.0"]])


@_statement(r"DESC(?:RIBE)? USER (NAME)")
def _user(world: World, session: Session, match: re.Match[str]) -> Rows:
    rows = [["FIRST_NAME", "Ada"], ["LAST_NAME", "L"], ["EMAIL", "ada@example.com"]]
    return table("property", "value", "default", "description", rows=[[*row, None, ""] for row in rows])


@_statement(r"GRANT REFERENCE_USAGE ON DATABASE (NAME) TO SHARE (SCO_\w+)")
def _reference_usage(world: World, session: Session, match: re.Match[str]) -> Rows:
    session.account.unshared.discard(match[1].upper())
    return status("Statement executed successfully.")


@_statement(r"ALTER USER (NAME) SET FIRST_NAME = '[^']+', LAST_NAME = '[^']+', EMAIL = '[^']+'")
def _alter_user(world: World, session: Session, match: re.Match[str]) -> Rows:
    session.account.profile = True
    return status("Statement executed successfully.")


@_statement(r"SHOW ROLES")
def _roles(world: World, session: Session, match: re.Match[str]) -> Rows:
    rows = [["", name, "Y" if name == session.role else "N", "N", ""] for name in ("PUBLIC", "SAMOOHA_APP_ROLE")]
    return table("created_on", "name", "is_current", "is_default", "owner", rows=rows)


@_statement(r"SHOW GRANTS TO ROLE (NAME)")
def _grants(world: World, session: Session, match: re.Match[str]) -> Rows:
    rows = [
        ["", "OWNERSHIP", kind, name, "true"]
        for database in session.account.databases
        for kind, name in (
            ("DATABASE", database),
            ("SCHEMA", f"{database}.PUBLIC"),
            ("TABLE", f"{database}.PUBLIC.LOOK_CUSTOMERS"),
            ("TABLE", f"{database}.PUBLIC.LOOK_BUYERS"),
        )
    ]
    return table("created_on", "privilege", "granted_on", "name", "grant_option", rows=rows)


@_statement(r"SHOW COMPUTE POOL INSTANCE FAMILIES")
def _families(world: World, session: Session, match: re.Match[str]) -> Rows:
    return table("name", "vcpus", rows=[["CPU_X64_S", "4"], ["GPU_NV_S", "8"]])


def put(world: World, session: Session, sql: str, scratch: Path) -> Answer:
    """What a PUT is told: where to bring the file. A local directory is a location that the connector knows."""
    match = re.match(r"PUT 'file://(.+)' '@([^/']+)/?([^']*)' AUTO_COMPRESS=FALSE OVERWRITE=TRUE", sql)
    if match is None:
        raise syntax("PUT")
    _stage(session, match[2])
    place = scratch / session.account.name / match[2].upper() / match[3]
    place.mkdir(parents=True, exist_ok=True)
    return {
        "command": "UPLOAD", "src_locations": [match[1]], "autoCompress": False, "overwrite": True, "parallel": 1,
        "sourceCompression": "none", "stageInfo": {"locationType": "LOCAL_FS", "location": str(place), "creds": {}},
    }  # fmt: skip


def arrived(session: Session, scratch: Path) -> None:
    """What clients have brought since is on the stages."""
    for name, stage in session.account.stages.items():
        place = scratch / session.account.name / name
        for file in _files(place):
            stage.files[file.relative_to(place).as_posix()] = file.read_bytes()
            file.unlink()


def _files(place: Path) -> Iterator[Path]:
    return (each for each in sorted(place.rglob("*")) if each.is_file())


def _applications(world: World, session: Session) -> dict[str, Any]:
    found = {}
    for room in world.rooms:
        alias = room.alias_of(session.account.name)
        if alias is not None and room.status(alias) == "JOINED":
            found[f"SFDCR_{session.account.local_names.get(room.name, room.name)}".upper()] = room
    return found


def _stage(session: Session, name: str) -> Stage:
    stage = session.account.stages.get(name.upper())
    if stage is None:
        raise not_there("Stage", name.upper())
    return stage


def _md5(world: World, content: bytes) -> str | None:
    return hashlib.md5(content, usedforsecurity=False).hexdigest() if world.shape.md5 else None
