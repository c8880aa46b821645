"""Ended means ended: however a statement ends, its thread, its worker and its descriptors are free a moment later."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator

import pytest
from guarantees_front import Front
from guarantees_load import BLOCK, FOREVER, Client, Use, client, until
from guarantees_world import LINKED, ROOM, World, login

from cleanroom_ml.connection.session import Connection
from cleanroom_ml.engine.protocol.queries import parse_query
from cleanroom_ml.engine.queries import service as queries
from cleanroom_ml.engine.queries.requests import fingerprint

pytestmark = pytest.mark.sandbox

SOON = 5.0
"""Promised are two seconds; a machine that runs other tests as well may need more."""


@pytest.fixture
def connection(front: Front, world_here: World) -> Iterator[Connection]:
    """A session of its own, which the test may lose."""
    opened = login(front.home, "brand")
    yield opened
    opened.close()


@pytest.fixture
def brand(front: Front, connection: Connection) -> Client:
    return client(front, connection)


@pytest.fixture
def use(front: Front, world_here: World) -> Iterator[Use]:
    """Nothing is in use before, and nothing after."""
    world_here.brand.execute("SELECT 1 AS a")
    found = Use(front)
    yield found
    until(found.none)


def by_cancel(brand: Client, connection: Connection, query_id: str) -> None:
    assert brand.cancel(query_id)


def by_logout(brand: Client, connection: Connection, query_id: str) -> None:
    brand.json("POST", "/session?delete=true", {})


def by_lost_session(front: Front, brand: Client) -> None:
    """As when it was idle for too long: nobody asks for its end."""
    session = front.engine.storage.sessions.by_token(brand.token)
    front.engine.storage.sessions.close(session.id)


ENDLESS = {
    "a query": FOREVER,
    "a block of short statements": BLOCK,
    "a block of one statement": f"BEGIN LET n := ({FOREVER}); RETURN n; END",
    "one of several": f"SELECT 1; {FOREVER}; SELECT 2",
    "a write": f"CREATE OR REPLACE TABLE BRAND_DB.PUBLIC.NEVER AS {FOREVER}",
}
RUN = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.RUN"
End = Callable[[Client, Connection, str], None]


@pytest.mark.attack
@pytest.mark.parametrize("end", [by_cancel, by_logout])
@pytest.mark.parametrize("kind", ENDLESS)
def test_a_statement_that_runs(brand: Client, connection: Connection, use: Use, kind: str, end: End) -> None:
    query_id = brand.begin(ENDLESS[kind], parameters={"MULTI_STATEMENT_COUNT": 0} if "several" in kind else {})
    until(lambda: use.workers == 1)
    time.sleep(0.1)
    end(brand, connection, query_id)
    until(use.none, SOON)


@pytest.mark.attack
def test_statements_that_wait_for_a_worker_and_behind_others(brand: Client, use: Use, front: Front) -> None:
    """More than there are workers, in sessions of their own; then more behind each of these."""
    sessions = [login(front.home, "brand") for _ in range(4)]
    clients = [client(front, session) for session in sessions]
    running = [each.begin(FOREVER) for each in clients]
    waiting = [each.begin(BLOCK) for each in clients for _ in range(3)]
    until(lambda: len(front.engine.warehouse._workers._waiting) == 2)
    for query_id in (*waiting, *running[2:]):
        assert brand.cancel(query_id)
    until(lambda: use.statements == 2, SOON)
    assert front.engine.warehouse._workers._waiting == set(), "nobody waits any more who was ended"
    for session in sessions:
        session.close()
    until(use.none, SOON)


@pytest.mark.attack
@pytest.mark.parametrize(
    "kind",
    [
        "a block of short statements",
        *(pytest.param(each, marks=pytest.mark.slow) for each in ("a query", "one of several")),
    ],
)
def test_its_time_is_over(brand: Client, use: Use, kind: str) -> None:
    several = {"MULTI_STATEMENT_COUNT": 0} if "several" in kind else {}
    began = time.monotonic()
    answer = brand.send(ENDLESS[kind], asynchronous=False, parameters={"STATEMENT_TIMEOUT_IN_SECONDS": 1, **several})
    assert (answer["success"], answer["code"]) == (False, "000630")
    assert time.monotonic() - began < 1 + SOON
    until(use.none, SOON)


@pytest.mark.attack
def test_its_time_is_over_while_it_waits(brand: Client, front: Front, use: Use) -> None:
    """The first takes all of the account's workers, the second waits for one, the third for its session's turn."""
    sessions = [login(front.home, "brand") for _ in range(2)]
    for session in sessions:
        client(front, session).begin(FOREVER)
    until(lambda: use.workers == 2)
    brand.begin(FOREVER)
    for session in (brand, client(front, sessions[0])):
        began = time.monotonic()
        answer = session.send("SELECT 1", asynchronous=False, parameters={"STATEMENT_TIMEOUT_IN_SECONDS": 1})
        assert answer["code"] == "000630"
        assert time.monotonic() - began < 1 + SOON
    brand.json("POST", "/session?delete=true", {})
    for session in sessions:
        session.close()
    until(use.none, SOON)


def test_a_session_that_went_away_by_itself(brand: Client, use: Use, front: Front) -> None:
    brand.begin(FOREVER)
    until(lambda: use.workers == 1)
    by_lost_session(front, brand)
    until(use.none, SOON)


def test_a_client_that_left_keeps_nothing_and_finds_its_statement_again(brand: Client, use: Use, front: Front) -> None:
    """Its connection breaks: what the front held for that is let go, and the request, repeated, is the same one."""
    loop = front.engine._sockets._server._loop  # type: ignore[union-attr]
    tasks = len(asyncio.all_tasks(loop))
    request_id = str(uuid.uuid4())
    body = json.dumps({"sqlText": FOREVER}).encode()
    with socket.create_connection((brand.host, brand.port)) as lost:
        lost.sendall(
            f"POST /queries/v1/query-request?requestId={request_id} HTTP/1.1\r\nHost: {brand.host}:{brand.port}\r\n"
            f'Authorization: Snowflake Token="{brand.token}"\r\nContent-Length: {len(body)}\r\n\r\n'.encode()
            + body
        )
        until(lambda: use.workers == 1)
        assert len(asyncio.all_tasks(loop)) > tasks
    until(lambda: len(asyncio.all_tasks(loop)) <= tasks, SOON)
    assert use.workers == 1, "it goes on"
    answered: list[str] = []
    again = threading.Thread(
        target=lambda: answered.append(brand.send(FOREVER, asynchronous=False, request_id=request_id)["code"])
    )
    again.start()
    time.sleep(0.2)
    (running,) = front.engine.queries._under_way.all()
    assert brand.cancel(running.query_id)
    again.join(20)
    assert answered == ["000604"]
    until(use.none, SOON)


def test_one_of_several_is_cancelled_by_its_own_id(brand: Client, use: Use, front: Front) -> None:
    several = brand.begin(f"SELECT 1; {FOREVER}", parameters={"MULTI_STATEMENT_COUNT": 0})

    def begun() -> list[str]:
        return [record.query_id for record in front.engine.storage.queries.history("BRAND", limit=3)]

    until(lambda: begun()[-1] == several)  # before that the newest is the first of the two, which ends by itself
    until(lambda: use.workers == 1)
    assert brand.cancel(begun()[0])
    until(use.none, SOON)


def test_an_account_has_so_many_statements_under_way(brand: Client, use: Use) -> None:
    accepted = [brand.begin(FOREVER) for _ in range(queries.MAX_IN_FLIGHT)]
    refused = brand.send("SELECT 1", asynchronous=False)
    assert refused["code"] == "000625"
    assert "24 statements under way" in refused["message"]
    assert brand.cancel(accepted[0])
    until(lambda: use.statements == queries.MAX_IN_FLIGHT - 1)
    assert brand.cancel(brand.begin("SELECT 1")), "it is under way, and waits"
    brand.json("POST", "/session?delete=true", {})


@pytest.mark.parametrize(
    ("text", "again"),
    [
        ("INSERT INTO BRAND_DB.PUBLIC.ONCE VALUES (1)", True),
        ("BEGIN INSERT INTO BRAND_DB.PUBLIC.ONCE VALUES (1); RETURN 1; END", False),
        ("CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.CREATE_REGISTRY('once', 'TEMPLATE')", False),
    ],
)
def test_what_an_engine_left_half_done_runs_again_only_where_it_was_one_commit(
    front: Front, world_here: World, brand: Client, text: str, again: bool
) -> None:
    """A client repeats its request, as it does when its engine went away in the middle."""
    world_here.brand.execute("CREATE OR REPLACE TABLE BRAND_DB.PUBLIC.ONCE (N NUMBER)")
    storage, service = front.engine.storage, front.engine.queries
    session = storage.sessions.by_token(brand.token)
    request = parse_query({"requestId": "8d1a1a8e-1f0d-4a57-9d2a-0c9a5a2b7c11"}, {"sqlText": text})
    record, _ = storage.queries.start("interrupted-" + text[:4], session.id, request.request_id, fingerprint(request))
    storage.queries.fail(record.query_id, code=queries.INTERRUPTED_CODE, sqlstate="57P01", message=queries.INTERRUPTED)
    assert service.submit(session, request) == record.query_id
    done = service.wait(record.query_id)
    if done is not None:
        done.result(30)
    now = storage.queries.get(record.query_id)
    assert now is not None
    assert (now.state == "SUCCESS") is again
    assert world_here.brand.execute("SELECT COUNT(*) AS N FROM BRAND_DB.PUBLIC.ONCE") == [{"n": int(again)}]
    assert again or now.code == queries.INTERRUPTED_CODE


@pytest.mark.attack
@pytest.mark.parametrize("end", [by_cancel, by_logout])
def test_a_run_that_was_ended_starts_no_job(
    brand: Client,
    connection: Connection,
    use: Use,
    front: Front,
    world_here: World,
    monkeypatch: pytest.MonkeyPatch,
    end: End,
) -> None:
    """It is ended while the image of its job is looked at, and only has to write the job down."""
    looking, ended = threading.Event(), threading.Event()

    def check(_: object) -> dict[str, str]:
        looking.set()
        assert ended.wait(30)
        return {}

    def jobs() -> set[str]:
        return {job.job_id for job in front.engine.jobs.list("BRAND", ROOM)}

    monkeypatch.setattr(front.engine.jobs.environments, "check", check)
    before = jobs()
    arguments = "OBJECT_CONSTRUCT('compute_pool', 'POOL', 'source', '__return__ = 1')"
    call = f"{RUN}('{ROOM}', 'probe_V1', ARRAY_CONSTRUCT('{LINKED}'), ARRAY_CONSTRUCT(), {arguments})"
    query_id = brand.begin(call)
    assert looking.wait(30)
    end(brand, connection, query_id)
    ended.set()
    until(use.none, SOON)
    assert jobs() == before
    sessions = front.engine.storage.sessions.list("BRAND")
    assert [each for each in sessions if each.kind == "room"] == []
    with front.engine.storage.database.read() as rows:
        assert rows.execute("SELECT 1 FROM room_activities WHERE status = 'RUNNING'").fetchall() == []


def test_a_run_that_was_ended_leaves_no_session(
    brand: Client, connection: Connection, use: Use, front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is put in order after it is put in order although it was ended."""
    running, ended = threading.Event(), threading.Event()
    executor = front.engine.executor
    execute = type(executor).execute_in

    def slowly(*args: object, **named: object) -> object:
        running.set()
        assert ended.wait(30)
        return execute(executor, *args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(executor, "execute_in", slowly)
    call = (
        f"{RUN}('{ROOM}', 'pick_V1', ARRAY_CONSTRUCT('{LINKED}'), ARRAY_CONSTRUCT(), OBJECT_CONSTRUCT('city', 'Bern'))"
    )
    query_id = brand.begin(call)
    assert running.wait(30)
    by_cancel(brand, connection, query_id)
    ended.set()
    until(use.none, SOON)
    assert [each for each in front.engine.storage.sessions.list("BRAND") if each.kind == "room"] == []
    with front.engine.storage.database.read() as rows:
        assert rows.execute("SELECT 1 FROM room_activities WHERE status = 'RUNNING'").fetchall() == []
