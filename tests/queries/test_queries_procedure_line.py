"""What a procedure in Python may ask of the front: a few requests for its own session, and nothing else."""

from __future__ import annotations

import json
import socket
import time
import uuid

import pytest

from cleanroom_ml.engine.contracts.table import SELECT, Rows
from cleanroom_ml.engine.protocol.capabilities import Capabilities
from cleanroom_ml.engine.queries import python_procedures
from cleanroom_ml.engine.queries.answers import Answers
from cleanroom_ml.engine.queries.procedure_line import MOST_BODY, ProcedureLine
from cleanroom_ml.engine.sql.binds import Binds
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.statements.results import VARCHAR, StatementResult
from cleanroom_ml.engine.storage.keys import Key
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.engine.warehouse import procedure_frames as frames


class Asking:
    """A procedure's side of its line."""

    def __init__(self, storage: Storage, session: Session, home: tuple[str, str] | None = None) -> None:
        self.ran: list[tuple[str, object]] = []
        self.capabilities = Capabilities(b"k" * 32)
        answers = Answers(storage.queries.spool, self.capabilities)
        self.line = ProcedureLine(storage, answers, self.capabilities, session, self._run, home)

    def _run(self, text: str, binds: Binds | None, query_id: str, describe_only: bool) -> StatementResult:
        self.ran.append((text, None if binds is None else binds.positional))
        if text == "bad":
            raise SqlError.unsupported("this")
        return Rows((("A", VARCHAR),), ((text,),), SELECT)

    def ask(self, method: str, target: str, body: bytes = b"") -> tuple[int, bytes]:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.sendall(body)
            self.line.serve(ours, frames.Head(method, target, "", len(body)))
            ours.close()
            return frames.receive_answer(theirs)

    def sql(self, text: str, **more: object) -> dict[str, object]:
        body = json.dumps({"sqlText": text, **more}).encode()
        status, answer = self.ask("POST", f"/queries/v1/query-request?requestId={uuid.uuid4()}", body)
        assert status in {200, 405}
        found: dict[str, object] = json.loads(answer)
        return found


def session(storage: Storage, account: str = "ALPHA") -> Session:
    return storage.sessions.create(account, f"{account}_USER", database="D", schema="PUBLIC")[0]


def test_a_statement_is_run_by_the_one_function_and_recorded_as_the_sessions(storage: Storage) -> None:
    asking = Asking(storage, session(storage))
    answer = asking.sql("select ?", bindings={"1": {"type": "TEXT", "value": "x"}})
    assert answer["success"]
    assert asking.ran == [("select ?", ("x",))]
    data = answer["data"]
    assert isinstance(data, dict)
    assert data["rowset"] == [["select ?"]]
    query_id = str(data["queryId"])
    record = storage.queries.get(query_id)
    assert record is not None
    assert record.state == "SUCCESS"
    assert asking.line.result(query_id) is not None
    assert asking.line.result(str(uuid.uuid4())) is None
    # connector: get_results_from_sfqid and get_query_status
    assert json.loads(asking.ask("GET", f"/queries/{query_id}/result")[1])["data"]["rowset"] == [["select ?"]]
    assert json.loads(asking.ask("GET", f"/monitoring/queries/{query_id}")[1])["data"]["queries"][0]["id"] == query_id
    failed = asking.sql("bad")
    assert not failed["success"]
    assert failed["code"] == "000002"
    assert asking.sql("select 1", asyncExec=True)["code"] != "333334", "nothing runs behind the procedure's back"


@pytest.mark.attack
def test_the_results_of_other_sessions_and_accounts_are_not_there(storage: Storage) -> None:
    for other in (session(storage), session(storage, "BETA")):
        foreign = Asking(storage, other)
        data = foreign.sql("a secret")["data"]
        assert isinstance(data, dict)
        query_id = data["queryId"]
        asking = Asking(storage, session(storage))
        scan = f"select * from table(result_scan('{query_id}'))"
        assert "not yours" in json.dumps(asking.sql(scan)), "an answer that it may not see is none"
        for target in (f"/queries/{query_id}/result", f"/monitoring/queries/{query_id}", f"/chunks/{query_id}/0"):
            assert b"a secret" not in asking.ask("GET", target)[1]
        # Its own line gives it: the control is whose session it is.
        assert b"a secret" in foreign.ask("GET", f"/queries/{query_id}/result")[1]


@pytest.mark.attack
def test_with_its_owners_rights_a_procedure_sees_only_results_of_its_own(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the session before it may be of another role that the session had."""
    one = session(storage)
    data = Asking(storage, one).sql("a secret")["data"]
    assert isinstance(data, dict)
    target = f"/queries/{data['queryId']}/result"
    asking = Asking(storage, one, ("D", "PUBLIC"))
    assert b"not yours" in asking.ask("GET", target)[1]
    own = asking.sql("select 1")["data"]
    assert isinstance(own, dict)
    assert json.loads(asking.ask("GET", f"/queries/{own['queryId']}/result")[1])["data"]["rowset"] == [["select 1"]]
    monkeypatch.setattr(asking.line, "_home", None)
    assert b"a secret" in asking.ask("GET", target)[1], "without the control it does"


@pytest.mark.attack
@pytest.mark.parametrize("target", ["", "x", "/queries/\ud800/result", "/queries/%ED%A0%80/result\udfff"])
def test_what_is_no_path_ends_the_line(storage: Storage, target: str) -> None:
    with pytest.raises(frames.BadFrame):
        Asking(storage, session(storage)).ask("GET", target)


@pytest.mark.attack
@pytest.mark.parametrize("value", ["\ud800", ["\ud800"], {"\ud800": 1}])
def test_half_of_a_character_is_no_value(value: object) -> None:
    with pytest.raises(SqlError, match="half of a character"):
        python_procedures._value({"value": value})


@pytest.mark.attack
@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("POST", "/session/token-request"),
        ("GET", "/cleanroom/admin/accounts"),
        ("POST", "/cleanroom/admin/accounts"),
        ("POST", "/cleanroom/admin/stop"),
        ("GET", "/queries/v1/query-request"),
        ("GET", "/../../etc/passwd"),
        ("GET", "/chunks/x/../0"),
        ("PUT", "/stage/upload/x"),
        ("DELETE", "/session"),
    ],
)
def test_nothing_else_is_served(storage: Storage, method: str, target: str) -> None:
    status, answer = Asking(storage, session(storage)).ask(method, target)
    assert status >= 400, answer


@pytest.mark.attack
def test_a_request_id_is_one_statements(storage: Storage) -> None:
    asking = Asking(storage, session(storage))
    target = f"/queries/v1/query-request?requestId={uuid.uuid4()}"
    for text, status in (("a", 200), ("a", 200), ("b", 400)):
        assert asking.ask("POST", target, json.dumps({"sqlText": text}).encode())[0] == status
    assert [text for text, _ in asking.ran] == ["a"], "a repeated request is answered, not run again"
    with pytest.raises(frames.BadFrame, match="no URL"):
        asking.ask("GET", "http://[")


@pytest.mark.attack
@pytest.mark.parametrize("depth", [300, 100_000])
def test_a_value_of_endless_depth_is_refused(depth: int) -> None:
    value: list[object] = []
    for _ in range(depth):
        value = [value]
    with pytest.raises(SqlError, match="too"):
        python_procedures._value({"value": value})
    del value


@pytest.mark.attack
def test_files_go_by_urls_that_were_given_to_this_account(storage: Storage) -> None:
    mine, other = session(storage), session(storage, "BETA")
    sha256 = storage.objects.put_bytes(b"a secret")
    asking = Asking(storage, mine)

    def url(verb: str, owner: str, **claims: object) -> str:
        given = {"audience": "", "owner": owner, **claims}
        return f"/stage/{verb}/{asking.capabilities.issue(verb, given, expires=time.time() + 60)}/f"

    assert asking.ask("GET", url("download", "ALPHA", object=sha256, size=8)) == (200, b"a secret")
    assert asking.ask("GET", url("download", "BETA", object=sha256, size=8))[0] == 403
    assert asking.ask("GET", "/stage/download/made-up/f")[0] == 403
    for whose, status in ((mine, 200), (other, 403)):
        key = Key(whose.account, "D", "PUBLIC", "S")
        storage.stages.create(key)
        ticket = storage.stages.begin_upload(key, "", whose.id).ticket
        claims = {"ticket": ticket, "name": "f", "gzip": False}
        assert asking.ask("PUT", url("upload", whose.account, **claims), b"rows")[0] == status
        assert len(storage.stages.list_files(key)) == (status == 200)


@pytest.mark.attack
def test_a_body_is_refused_before_it_is_read(storage: Storage) -> None:
    line = Asking(storage, session(storage)).line
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(frames.BadFrame, match="too large"):
        line.serve(ours, frames.Head("POST", "/queries/v1/query-request", "", MOST_BODY + 1))
