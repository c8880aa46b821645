from __future__ import annotations

import json
import os
import socket

import pytest

from cleanroom_ml.engine.jobs.errors import MLJobResultTooLargeError
from cleanroom_ml.engine.jobs.results import MAX_DEPTH, RESULT_NAME, collect

LIMIT = 1000


@pytest.fixture
def leave(tmp_path):
    def leave(data: bytes) -> None:
        (tmp_path / RESULT_NAME).write_bytes(data)

    return leave


def test_no_result(tmp_path):
    assert collect(tmp_path, LIMIT).kind == "none"
    assert collect(tmp_path / "missing", LIMIT).kind == "none"


def test_a_document_is_written_anew(tmp_path, leave):
    leave(b' {"auc": 0.5, "n": [1, 2], "name": "\xc3\xa9\\u001b[31m"} ')
    got = collect(tmp_path, LIMIT)
    assert got.kind == "kept"
    assert json.loads(got.text) == {"auc": 0.5, "n": [1, 2], "name": "é\x1b[31m"}
    assert "\x1b" not in got.text


@pytest.mark.attack
@pytest.mark.parametrize(
    "data",
    [
        b"NaN",
        b"[Infinity]",
        b"{'a': 1}",
        b"",
        b"\xff\xfe",
        b"[" * 900,
        b'{"a": 1} trailing',
        b"9" * 999,
        b'"\\ud800"',
        b"1e999",
    ],
    ids=lambda data: repr(data[:12]),
)
def test_what_is_not_json_is_refused(tmp_path, leave, data):
    leave(data)
    got = collect(tmp_path, LIMIT)
    assert (got.kind, got.text) == ("invalid", "") or data == b"9" * 999
    if data == b"9" * 999:
        assert got.kind == "kept"


@pytest.mark.attack
def test_deep_nesting_does_not_reach_the_interpreters_limit(tmp_path, leave):
    leave(b"[" * 400_000 + b"]" * 400_000)
    assert collect(tmp_path, 1 << 20).kind == "invalid"


@pytest.mark.attack
@pytest.mark.parametrize("opened", [b"[", b'{"a":'])
def test_nothing_leaves_that_a_reader_could_not_read(tmp_path, leave, opened):
    """A reader is deeper in their own stack than the engine was when it parsed it."""
    closed = b"]" if opened == b"[" else b"}"
    leave(opened * (MAX_DEPTH + 1) + b"1" + closed * (MAX_DEPTH + 1))
    assert collect(tmp_path, 1 << 20).kind == "invalid"
    leave(opened * MAX_DEPTH + b"1" + closed * MAX_DEPTH)
    assert collect(tmp_path, 1 << 20).kind == "kept"


@pytest.mark.attack
def test_a_huge_number_is_refused_not_computed(tmp_path, leave):
    leave(b"9" * 100_000)
    assert collect(tmp_path, 1 << 20).kind == "invalid"


@pytest.mark.attack
def test_too_large_is_refused_without_being_read(tmp_path, leave):
    (tmp_path / RESULT_NAME).touch()
    os.truncate(tmp_path / RESULT_NAME, 1 << 40)
    got = collect(tmp_path, LIMIT)
    assert got.kind == "too_large"
    assert "1,099,511,627,776 bytes; at most 1,000 bytes" in got.message


def test_the_limit_is_of_what_leaves(tmp_path, leave):
    leave(b'"' + b"x" * (LIMIT - 2) + b'"')
    assert collect(tmp_path, LIMIT).kind == "kept"
    leave(b"[" + b"1," * 300 + b"1]")
    assert collect(tmp_path, 600).kind == "too_large"


GROWS = b"[" + b",".join([b"1e15"] * 150) + b"]"
"""750 bytes as the job left it, 2,850 once it is written anew: 1000000000000000.0"""


@pytest.mark.attack
def test_the_limit_is_of_the_text_that_is_written_anew(tmp_path, leave):
    leave(GROWS)
    got = collect(tmp_path, LIMIT)
    assert (got.kind, got.text) == ("too_large", "")
    assert "2,851 bytes; at most 1,000 bytes" in got.message
    assert collect(tmp_path, 2851).kind == "kept"
    leave(b"[1]" + b" " * 600)
    assert collect(tmp_path, LIMIT).text == "[1]"


@pytest.mark.attack
@pytest.mark.sandbox
def test_what_a_job_left_by_itself_meets_the_same_limit_and_bounds_its_reader(pools):
    """A result that grows, events that are nested to the limit and without end: read in bounded time and room."""
    script = f"""
import json, os
with open("/scratch/.events.jsonl", "wb") as file:
    for depth in range(900, 1000):
        params = b', "metrics": {{}}, "params": {{"a": ' + b"[" * depth + b"]" * depth + b"}}"
        file.write(b'{{"t": 1, "kind": "trial", "number": 1, "state": "done"' + params + b"}}\\n")
    file.truncate(60 << 20)
open("/scratch/.result.json", "wb").write({GROWS!r})
os.mkdir("/scratch/" + "d" * 255)
"""
    job_id = pools.submit(script, result_limit_bytes=LIMIT)
    status = pools.wait(job_id, seconds=30)
    assert (status.reason, "2,851 bytes; at most 1,000" in status.message) == ("result_refused", True), status
    with pytest.raises(MLJobResultTooLargeError):
        pools.service.result(job_id)
    assert not (pools.directory(job_id) / "result.json").exists()
    assert '"dropped"' in pools.service.events(job_id)
    assert "Traceback" not in (pools.directory(job_id) / "supervisor.log").read_text()


@pytest.mark.attack
def test_links_and_special_files_are_not_followed(tmp_path):
    secret = tmp_path / "secret.json"
    secret.write_text('"the other party\'s"')
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    path = scratch / RESULT_NAME

    path.symlink_to(secret)
    assert (collect(scratch, LIMIT).kind, "symbolic link" in collect(scratch, LIMIT).message) == ("invalid", True)
    path.unlink()
    path.hardlink_to(secret)
    assert "more than one name" in collect(scratch, LIMIT).message
    path.unlink()
    os.mkfifo(path)
    assert collect(scratch, LIMIT).kind == "invalid"
    path.unlink()
    path.mkdir()
    assert collect(scratch, LIMIT).kind == "invalid"
    path.rmdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        assert collect(scratch, LIMIT).kind == "invalid"
    path.unlink()
    path.write_text("1")
    (tmp_path / "elsewhere").symlink_to(scratch)
    with pytest.raises(OSError):
        collect(tmp_path / "elsewhere", LIMIT)
