"""What an approved job can reach when its code is hostile: the tables of its run, its room, and nothing else."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import snowflake.connector
from guarantees_front import Front
from guarantees_world import LINKED, MY_TABLE, ROOM, World

from cleanroom_ml.engine.http.gate import Gate
from cleanroom_ml.engine.jobs import files
from cleanroom_ml.engine.jobs.launching import Supervisors
from cleanroom_ml.engine.login.logins import Logins
from cleanroom_ml.engine.rooms import catalog
from cleanroom_ml.engine.rooms.catalog import RoomCatalog, table_source
from cleanroom_ml.engine.sandbox.processes import start_time
from cleanroom_ml.engine.statements import policy
from cleanroom_ml.engine.storage.changes import CreateTable
from cleanroom_ml.engine.storage.keys import Key
from cleanroom_ml.services import collaborations, jobs

pytestmark = [pytest.mark.sandbox, pytest.mark.attack]

TRY_SQL = """
from snowflake.snowpark.context import get_active_session
session = get_active_session()
__return__ = {}
for statement in options:
    try:
        rows = session.connection.cursor().execute(statement).fetchall()
        __return__[statement] = [True, [[str(value) for value in row] for row in rows][:5]]
    except Exception as error:
        __return__[statement] = [False, str(error)[:400]]
"""

# A job's session, told to reach what is not of its run.
BY_SQL = (
    # Offered and linked, but not in this run; offered and not linked; the providers' own names.
    "SELECT * FROM shop.big_v1.rows",
    f"SELECT * FROM {MY_TABLE}",
    "SELECT * FROM shop.secret_v1.salaries",
    "SELECT * FROM SHOP_DB.PUBLIC.VISITS",
    "SELECT * FROM SHOP_DB.PUBLIC.SALARIES",
    "SELECT * FROM IDENTIFIER('SHOP_DB.PUBLIC.VISITS')",
    # A column that the offering does not list.
    f"SELECT UNLISTED FROM {LINKED}",
    # The runner's own databases, and its other rooms.
    "SELECT * FROM BRAND_DB.PUBLIC.BOOKS",
    "SELECT * FROM BRAND_DB.PUBLIC.CLIENTS",
    "CREATE TABLE BRAND_DB.PUBLIC.OUT AS SELECT 1 AS a",
    "INSERT INTO BRAND_DB.PUBLIC.BOOKS VALUES ('x')",
    "SELECT * FROM SFDCR_OTHER.CLEANROOM.NOTES",
    "CREATE TABLE SFDCR_OTHER.CLEANROOM.NOTES (a INT)",
    "SELECT * FROM BRAND_DB.INFORMATION_SCHEMA.TABLES",
    # Writing to what is shared.
    f"INSERT INTO {LINKED} VALUES ('x', 'y')",
    f"DELETE FROM {LINKED}",
    f"DROP TABLE {LINKED}",
    f"CREATE OR REPLACE TABLE {LINKED} AS SELECT 1 AS a",
    # Statements that no job may send.
    "USE DATABASE BRAND_DB",
    "USE SCHEMA BRAND_DB.PUBLIC",
    "USE ROLE ACCOUNTADMIN",
    "USE WAREHOUSE COMPUTE_WH",
    "CREATE DATABASE STOLEN",
    "CREATE SCHEMA SFDCR_VAULT.MINE",
    "CREATE VIEW cleanroom.v AS SELECT 1 AS a",
    "CREATE STAGE cleanroom.permanent",
    "DROP DATABASE BRAND_DB",
    "DROP DATABASE SFDCR_VAULT",
    "SHOW DATABASES",
    "SHOW WAREHOUSES",
    "SHOW COMPUTE POOLS",
    "SHOW TABLES IN DATABASE BRAND_DB",
    "SHOW STAGES IN DATABASE BRAND_DB",
    "DESCRIBE TABLE BRAND_DB.PUBLIC.BOOKS",
    "DROP COMPUTE POOL POOL",
    "GRANT USAGE ON WAREHOUSE COMPUTE_WH TO APPLICATION SFDCR_VAULT",
    "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_COLLABORATIONS()",
    "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.LEAVE('vault')",
    "CALL cleanroom.probe_code$probe('POOL', 1, 'COMPUTE_WH', '{}')",
    "BEGIN CREATE DATABASE STOLEN; END",
    "EXECUTE IMMEDIATE $$ BEGIN DROP DATABASE BRAND_DB; END $$",
    # Stages: the code's, the account's, the user's; files of the machine.
    "LIST @SHOP_DB.PUBLIC.CODE",
    "LIST @BRAND_DB.PUBLIC.MINE",
    "LIST @~",
    "GET @SHOP_DB.PUBLIC.CODE/vault/probe.py file:///tmp/",
    "PUT file:///etc/passwd @BRAND_DB.PUBLIC.MINE",
    "PUT file:///etc/passwd @~",
    "SELECT $1 FROM @SHOP_DB.PUBLIC.CODE/vault/probe.py",
    "SELECT * FROM read_csv_auto('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
)
NONE_OF_THEIRS = ("SHOW SCHEMAS", "SHOW TABLES IN ACCOUNT", "SELECT * FROM INFORMATION_SCHEMA.TABLES")


def tried(world: World, statements: tuple[str, ...]) -> dict[str, tuple[bool, Any]]:
    """What each statement gave a job whose run has one table."""
    answers = world.job(TRY_SQL, options=json.dumps(statements), tables=(LINKED,))
    return {statement: (worked, told) for statement, (worked, told) in answers.items()}


@pytest.fixture(scope="module")
def other_room(world_here: World, front: Front) -> None:
    """Another collaboration of the same two, with a table that a job left there."""
    spec = world_here.directory / "other.yaml"
    spec.write_text((world_here.directory / "collaboration.yaml").read_text().replace("name: vault", "name: other"))
    collaborations.create(world_here.shop, collaborations.read(spec))
    collaborations.join(
        world_here.brand, "other", owner_account=collaborations.find(world_here.brand, "other").owner_account
    )
    held = front.engine.storage.tables.get(Key("BRAND", "BRAND_DB", "PUBLIC", "BOOKS"))
    assert held is not None
    kept = Key("BRAND", "SFDCR_OTHER", "CLEANROOM", "NOTES")
    front.engine.storage.tables.commit([CreateTable(kept, held.columns, objects=held.objects)])


def test_a_jobs_sql_reaches_its_run_and_its_room(world_here: World, other_room: None) -> None:
    allowed = (
        f"SELECT COUNT(*) FROM {LINKED}",
        "CREATE OR REPLACE TABLE cleanroom.scratch AS SELECT 7 AS a",
        "SELECT a FROM SFDCR_VAULT.CLEANROOM.SCRATCH",
    )
    answers = tried(world_here, (*allowed, *BY_SQL, *NONE_OF_THEIRS))
    assert [answers[each] for each in allowed[::2]] == [(True, [["3"]]), (True, [["7"]])]
    assert {each: answers[each] for each in BY_SQL if answers[each][0]} == {}
    told = str([answers[each] for each in (*BY_SQL, *NONE_OF_THEIRS)])
    for secret in ("hidden", "of the brand", "root:", str(world_here.home.path), "Traceback"):
        assert secret not in told
    for each in NONE_OF_THEIRS:
        assert "BOOKS" not in str(answers[each])
        assert "SHOP_DB" not in str(answers[each])
    assert world_here.brand.execute("SELECT * FROM BRAND_DB.PUBLIC.BOOKS") == [{"secret": "of the brand"}]


def test_without_its_catalog_a_job_reads_everybodys_tables(
    world_here: World, front: Front, other_room: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, narrow = front.engine.storage, RoomCatalog.source

    def everything(self: RoomCatalog, parts: tuple[str, ...]) -> Any:
        if len(parts) == 3:
            for account in ("SHOP", "BRAND"):
                found = storage.tables.get(Key(account, *parts))
                if found is not None:
                    return table_source(found, writable=True)
        return narrow(self, parts)

    monkeypatch.setattr(RoomCatalog, "source", everything)
    monkeypatch.setattr(policy, "check", lambda *_, **__: None)
    monkeypatch.setattr(catalog, "view_text", lambda detail: "SELECT * FROM SHOP_DB.PUBLIC.VISITS")
    attacks = (
        "SELECT CITY FROM SHOP_DB.PUBLIC.SALARIES",
        "SELECT * FROM BRAND_DB.PUBLIC.BOOKS",
        "SELECT * FROM SFDCR_OTHER.CLEANROOM.NOTES",
        f"SELECT DISTINCT UNLISTED FROM {LINKED}",
        "CREATE DATABASE STOLEN",
    )
    answers = tried(world_here, attacks)
    assert [answers[each] for each in attacks[:4]] == [
        (True, [["Bern"]]),
        (True, [["of the brand"]]),
        (True, [["of the brand"]]),
        (True, [["hidden"]]),
    ]
    assert answers["CREATE DATABASE STOLEN"][0]
    monkeypatch.undo()
    world_here.brand.execute("DROP DATABASE STOLEN")


TRY_MACHINE = """
import ctypes, json, os, pathlib, socket
def connect(family, address):
    s = socket.socket(family, socket.SOCK_STREAM); s.settimeout(3); s.connect(address); return "connected"
def http(path, **headers):
    import urllib.request
    request = urllib.request.Request("http://127.0.0.1:8099" + path, headers=headers)
    return urllib.request.urlopen(request, timeout=5).read()[:100].decode()
def read(path):
    return open(path, "rb").read(60).decode("latin-1")
home = options["home"]
attacks = {
    "network": lambda: connect(socket.AF_INET, ("127.0.0.1", options["port"])),
    "network, outside": lambda: connect(socket.AF_INET, ("1.1.1.1", 53)),
    "network, name": lambda: socket.getaddrinfo("example.com", 80),
    "host files": lambda: read(options["etc"]),
    "shadow": lambda: read("/etc/shadow"),
    "root's home": lambda: os.listdir("/root/.ssh"),
    "HOME": lambda: read(os.path.join(options["person"], ".bashrc")),
    "the home": lambda: os.listdir(home),
    "the catalog": lambda: read(home + "/catalog.sqlite"),
    "the store": lambda: os.listdir(home + "/objects"),
    "the operator": lambda: read(home + "/operator.secret"),
    "jobs": lambda: os.listdir(home + "/jobs"),
    "another job": lambda: read(home + "/jobs/" + options["other"] + "/stdout.log"),
    "another job's socket": lambda: connect(socket.AF_UNIX, home + "/jobs/" + options["other"] + "/job.sock"),
    "the front's socket": lambda: connect(socket.AF_UNIX, home + "/jobs/" + options["other"] + "/front.sock"),
    "through /proc": lambda: os.listdir("/proc/1/root" + home),
    "processes": lambda: read("/proc/%d/status" % options["pid"]),
    "environment": lambda: read("/proc/%d/environ" % options["pid"]),
    "kill": lambda: os.kill(options["pid"], 0),
    "its own code": lambda: open("probe.py", "a"),
    "admin": lambda: http("/cleanroom/admin/accounts"),
    "health": lambda: http("/cleanroom/health"),
    "by another name": lambda: http("/session/v1/login-request", Host="evil.example"),
}
__return__ = {}
for name, attack in attacks.items():
    try:
        __return__[name] = [True, str(attack())[:200]]
    except Exception as error:
        __return__[name] = [False, type(error).__name__]
"""


@pytest.fixture
def surroundings(world_here: World) -> dict[str, Any]:
    """Where a hostile job would look."""
    if not any(path.name.startswith("MLJOB") for path in world_here.home.jobs.iterdir()):
        world_here.job("__return__ = 'another job'")
    other = next(path.name for path in sorted(world_here.home.jobs.iterdir()) if path.name.startswith("MLJOB"))
    etc = next(path for path in ("/etc/debian_version", "/etc/hostname", "/etc/os-release") if Path(path).exists())
    port = (world_here.home.description_values() or {})["port"]
    return {
        "home": str(world_here.home.path),
        "port": port,
        "etc": etc,
        "person": str(Path.home()),
        "other": other,
        "pid": os.getpid(),
    }


def test_a_job_is_alone_on_the_machine(world_here: World, surroundings: dict[str, Any]) -> None:
    answers = world_here.job(TRY_MACHINE, options=json.dumps(surroundings))
    assert {name: told for name, (worked, told) in answers.items() if worked} == {}
    assert len(answers) == 23


def weaken(patch: pytest.MonkeyPatch, *controls: str) -> None:
    """From now on the supervisors that this process starts leave these controls of the sandbox out."""

    def start(self: Supervisors, directory: Path) -> tuple[int, int]:
        weak = Path(__file__).with_name("guarantees_weak_supervisor.py")
        with open(directory / files.SUPERVISOR_LOG, "ab") as log:
            process = subprocess.Popen(
                [sys.executable, str(weak), str(directory), *controls],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
                start_new_session=True,
            )
        self._children[process.pid] = process
        return process.pid, start_time(process.pid) or 0

    patch.setattr(Supervisors, "start", start)


def end_what_was_not_walled_in() -> None:
    """Without a process namespace, what a job has started does not end with it."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            among_ours = (process / "ns/pid").readlink() == Path("/proc/self/ns/pid").readlink()
            if among_ours and str((process / "cwd").readlink()).startswith("/job"):
                os.kill(int(process.name), signal.SIGKILL)


def test_each_wall_is_what_holds(
    world_here: World, surroundings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    weaken(monkeypatch, "network", "host_files", "processes", "seccomp", "userns")
    try:
        answers = world_here.job(TRY_MACHINE, options=json.dumps(surroundings))
    finally:
        end_what_was_not_walled_in()
    assert {"network", "host files", "processes"} <= {name for name, (worked, _) in answers.items() if worked}, answers
    # Another lock each: the home's own mode, and the uid that is nobody's.
    assert not any(answers[name][0] for name in ("the catalog", "the operator", "shadow", "environment", "another job"))


def test_a_jobs_token_is_worth_nothing_outside(
    world_here: World, front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = world_here.submit("print('begun', flush=True)\nimport time\ntime.sleep(300)")
    world_here.wait_log(job_id, "begun")
    token = (world_here.home.jobs / job_id / files.TOKEN).read_text()
    port = (world_here.home.description_values() or {})["port"]

    def outside() -> Any:
        with snowflake.connector.connect(
            account="BRAND", user="ADMIN", authenticator="oauth", token=token, host="127.0.0.1", port=port,
            protocol="http", login_timeout=5,
        ) as connection:  # fmt: skip
            return connection.cursor().execute(f"SELECT COUNT(*) FROM {LINKED}").fetchone()  # type: ignore[union-attr]

    try:
        with pytest.raises(snowflake.connector.errors.Error, match="Invalid OAuth"):
            outside()
        opened: list[str] = []

        def any_socket(self: Logins, request: Any, *, job_id: str | None) -> Any:
            session, tokens = self._open_job(request, wanted)
            opened.append(session.id)
            return session, tokens

        wanted = job_id
        monkeypatch.setattr(Logins, "open", any_socket)
        with pytest.raises(snowflake.connector.errors.Error, match="Session no longer exists"):
            outside()  # logged in; still, a job's session is not answered at the engine's address
        assert len(opened) >= 1

        async def any_session(self: Gate, headers: dict[str, str], job_id: str | None) -> Any:
            given = headers["authorization"].partition('"')[2].rstrip('"')
            return await self._in_thread(self._session_of, given)

        monkeypatch.setattr(Gate, "_session", any_session)
        assert outside() == (3,)
    finally:
        monkeypatch.undo()
        jobs.cancel(world_here.brand, ROOM, job_id)
