"""What a procedure's process sends is bounded before it is read; what is no request ends it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.types.sql_type import parse_type
from cleanroom_ml.engine.warehouse import procedure_frames as frames
from cleanroom_ml.engine.warehouse import procedure_values
from cleanroom_ml.engine.warehouse.python_procedures import MOST_DEPTH, ProcedureProcesses


@pytest.fixture
def line() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_a_request_and_its_answer_arrive(line: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = line
    frames.send_request(theirs, "POST", "/queries/v1/query-request?requestId=1", "gzip", b"body")
    head = frames.receive_head(ours)
    assert head == frames.Head("POST", "/queries/v1/query-request?requestId=1", "gzip", 4)
    assert frames.exactly(ours, 4) == b"body"
    ours.sendall(frames.ANSWER.pack(200, 2) + b"{}")
    assert frames.receive_answer(theirs) == (200, b"{}")
    theirs.close()
    assert frames.receive_head(ours) is None


@pytest.mark.attack
@pytest.mark.parametrize("head", [b"[1, 2, 3]", b'["GET", "/"]', b'{"method": "GET"}', b"[" * 10_000, b"\xff\xfe", b""])
def test_a_head_is_three_texts(head: bytes, line: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = line
    theirs.sendall(frames.REQUEST.pack(len(head), 0) + head)
    with pytest.raises(frames.BadFrame):
        frames.receive_head(ours)


@pytest.mark.attack
def test_a_heads_length_is_refused_before_it_is_read(
    line: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = line
    theirs.sendall(frames.REQUEST.pack(frames.MOST_HEAD + 1, 0))
    with pytest.raises(frames.BadFrame):
        frames.receive_head(ours)
    # Without the control it waits for as much as the other side likes to say.
    monkeypatch.setattr(frames, "MOST_HEAD", 1 << 32)
    theirs.sendall(frames.REQUEST.pack(1 << 31, 0))
    theirs.close()
    assert frames.receive_head(ours) is None


@pytest.mark.attack
def test_procedures_call_each_other_so_deep_and_no_deeper() -> None:
    """Refused before anything starts: no process is waited for."""
    with pytest.raises(SqlError, match="call each other"):
        ProcedureProcesses().call({}, (), lambda _: 0, lambda *_: None, seconds=1, depth=MOST_DEPTH)


# developer-guide/udf-stored-procedure-data-type-mapping: NUMBER is int without a scale and Decimal with one.
@pytest.mark.parametrize(
    ("value", "name", "wanted"),
    [
        (3, "NUMBER(38,0)", "3"),
        ({"$": "decimal", "v": "1.50"}, "NUMBER(10,2)", "Decimal('1.50')"),
        (3, "FLOAT", "3.0"),
        ('{"a":[1,null,"x"]}', "VARIANT", "{'a': [1, None, 'x']}"),
        ({"$": "date", "v": "2024-02-29"}, "DATE", "datetime.date(2024, 2, 29)"),
        ({"$": "bytes", "v": "YQ=="}, "BINARY", "b'a'"),
        (None, "VARCHAR", "None"),
    ],
)
def test_arguments_are_pythons_own_values(value: object, name: str, wanted: str) -> None:
    assert repr(procedure_values.given(value, parse_type(name))) == wanted


def test_a_value_that_sql_has_no_form_for_is_refused() -> None:
    assert json.dumps(procedure_values.plain({"a": [1, b"\x01", None]})) == '{"a": [1, "01", null]}'
    with pytest.raises(TypeError, match="no value that a procedure can return"):
        procedure_values.plain(object())
