"""Events of a job: what its processes append in the sandbox is taken over line by line, as hostile as it is."""

from __future__ import annotations

import json
import os
import socket
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jobs_harness import Pools

from cleanroom_ml.engine.contracts.job import JobState
from cleanroom_ml.engine.contracts.limits import MAX_NESTING_OF_JSON
from cleanroom_ml.engine.jobs import events, files, logs
from cleanroom_ml.engine.jobs.events import EVENTS_NAME, EventCopy
from cleanroom_ml.engine.rooms import own_jobs

ROUND = {"t": 1.5, "kind": "round", "trainer": "xgboost", "iteration": 1, "total": 9, "metrics": {"train-auc": 0.5}}


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    (tmp_path / "scratch").mkdir()
    return tmp_path / "scratch"


@pytest.fixture
def copy(scratch: Path, tmp_path: Path) -> EventCopy:
    return EventCopy(scratch, tmp_path)


def add(scratch: Path, *lines: Any) -> None:
    """Append lines as a job's process does; what is not bytes already is written as JSON."""
    with (scratch / EVENTS_NAME).open("ab") as file:
        file.writelines((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines)


def kept(directory: Path, offset: int = 0) -> list[dict[str, Any]]:
    return [json.loads(line) for line in events.read(directory, offset).splitlines()]


# -- a real job ------------------------------------------------------------------------------------------------------

TELLS = """
import time
from cleanroom_runtime.events import emit
emit("stage", name="read", seconds=0.25, rows=1000)
from cleanroom_runtime.events import of_trial
with of_trial(1):
    emit("metrics", source="fold 1", metrics={"loss": 2, "note": "text"})
for iteration in range(3):
    emit("round", trainer="xgboost", iteration=iteration, total=3, metrics={"train-auc": 0.5, "eval-auc": float("nan")})
emit("trial", number=1, total=2, state="done", params={"eta": 0.1, "booster": "dart", "layers": [4, 2]},
     metrics={"auc": 0.9}, seconds=1.5, metric="auc", mode="max")
emit("trial", number=2, total=2, state="failed", params={"eta": 9}, metrics={}, error="diverged")
emit("metrics", source="worker 0", metrics={"loss": 2})
emit("importance", trainer="xgboost", values={"AGE": 3.5})
emit("nodes", nodes=[{"address": "127.0.0.1", "cpus": 2, "memory": 1 << 30}])
print("told")
time.sleep(2)
"""


@pytest.mark.sandbox
def test_what_a_job_emits_is_told_while_it_runs_and_kept_when_it_is_over(pools: Pools) -> None:
    job_id = pools.submit(TELLS)
    pools.wait_log(job_id, "told")
    pools.until(lambda: pools.service.events(job_id), lambda text: "importance" in text, seconds=5)
    assert pools.service.status(job_id).status is JobState.RUNNING
    assert pools.wait(job_id).status is JobState.DONE
    text = pools.service.events(job_id)
    told = [json.loads(line) for line in text.splitlines()]
    kinds = ["stage", "metrics", *["round"] * 3, *["trial"] * 2, "metrics", "importance", "nodes"]
    assert [event["kind"] for event in told] == kinds
    assert told[0] | {"t": 0} == {"t": 0, "kind": "stage", "name": "read", "seconds": 0.25, "rows": 1000}
    assert (told[1]["trial"], told[1]["metrics"]) == (1, {"loss": 2})
    assert told[2]["metrics"] == {"train-auc": 0.5}  # NaN is no number of JSON's
    assert "trial" not in told[2]
    assert told[5]["params"] == {"eta": 0.1, "booster": "dart", "layers": "[4, 2]"}
    assert told[6]["error"] == "diverged"
    first = len(text.splitlines(keepends=True)[0])
    assert pools.service.events(job_id, first) == text[first:]
    assert pools.service.events(job_id, 10**9) == ""


@pytest.mark.sandbox
def test_trouble_with_the_events_is_never_the_jobs(pools: Pools) -> None:
    """Where they should go is something that cannot be written: the job ends well, and we are told."""
    script = "import time, pathlib\nfrom cleanroom_runtime.events import emit\nprint('begun')\n"
    script += "time.sleep(1)\nemit('stage', name='read')\ntime.sleep(1)\n__return__ = 7"
    job_id = pools.submit(script)
    pools.wait_log(job_id, "begun")
    (pools.directory(job_id) / files.EVENTS).mkdir()
    assert (pools.wait(job_id).status, pools.service.result(job_id)) == (JobState.DONE, "7")
    assert "IsADirectoryError" in (pools.directory(job_id) / files.SUPERVISOR_LOG).read_text()


# -- hostile lines ---------------------------------------------------------------------------------------------------

NO_EVENTS = {
    "not JSON": b"{",
    "not UTF-8": b'{"t": 1, "kind": "stage", "name": "\xff"}',
    "a list": [ROUND],
    "no kind": {"t": 1},
    "an unknown kind": {"t": 1, "kind": "approved", "by": "everybody"},
    "a kind of ours": {"t": 1, "kind": "dropped", "count": 0},
    "a kind that is no text": {"t": 1, "kind": ["stage"], "name": "x"},
    "no time": {"kind": "stage", "name": "x"},
    "a time that is text": {"t": "1", "kind": "stage", "name": "x"},
    "a time that is a truth value": {"t": True, "kind": "stage", "name": "x"},
    "NaN": b'{"t": NaN, "kind": "stage", "name": "x"}',
    "infinity as JSON": b'{"t": 1e999, "kind": "stage", "name": "x"}',
    "a number beyond any": b'{"t": 1' + b"0" * 400 + b', "kind": "stage", "name": "x"}',
    "digits beyond Python's limit": b'{"t": 1' + b"0" * 5000 + b', "kind": "stage", "name": "x"}',
    "nested deeply": b'{"t": 1, "kind": "stage", "name": ' + b"[" * 8000 + b"]" * 8000 + b"}",
    "a field of another shape": ROUND | {"metrics": ["auc", 0.5]},
    "a negative count": ROUND | {"iteration": -1},
    "a broken count": ROUND | {"iteration": 1.5},
    "a missing field": {key: value for key, value in ROUND.items() if key != "metrics"},
    "an unknown state": {"t": 1, "kind": "trial", "number": 1, "state": "won", "params": {}, "metrics": {}},
    "nodes that are none": {"t": 1, "kind": "nodes", "nodes": ["127.0.0.1"]},
    "too many metrics": ROUND | {"metrics": {str(number): 1 for number in range(501)}},
    "a line beyond 16 KiB": {"t": 1, "kind": "stage", "name": "x" * 17_000},
}


@pytest.mark.attack
@pytest.mark.parametrize("line", NO_EVENTS.values(), ids=NO_EVENTS)
def test_what_is_no_event_is_counted_and_not_kept(line: Any, scratch: Path, copy: EventCopy, tmp_path: Path) -> None:
    add(scratch, ROUND, line, ROUND)
    copy.finish()
    *both, dropped = kept(tmp_path)
    assert both == [ROUND, ROUND]
    assert (dropped["kind"], dropped["count"]) == ("dropped", 1)


@pytest.mark.attack
def test_what_is_nested_deeply_is_dropped_at_every_depth(scratch: Path, copy: EventCopy, tmp_path: Path) -> None:
    """Between what can be read and what could be written again there are depths that only fail when written, and
    interpreters differ in where.
    """
    for depth in (MAX_NESTING_OF_JSON, *range(850, 1010), 1600, 20_000):
        value = b'{"deep": ' + b"[" * depth + b"]" * depth + b"}"
        add(
            scratch, b'{"t": 1, "kind": "trial", "number": 1, "state": "done", "metrics": {}, "params": ' + value + b"}"
        )
    add(scratch, ROUND)
    copy.finish()
    assert ROUND in kept(tmp_path)
    assert kept(tmp_path)[-1]["kind"] == "dropped"


def test_what_is_kept_is_written_anew(scratch: Path, copy: EventCopy, tmp_path: Path) -> None:
    add(
        scratch,
        ROUND
        | {"html": "<script>", "account": "ACME"}
        | {"metrics": {"a" * 5000: 1, "\ud800": 2, "text": "<b>1</b>", "true": True, "list": [1], "null": None}},
        b'  {"kind":"stage",  "t":1, "name":"\\ud800\\u202e\\u001b[2J", "name":"twice \xc3\xa9"}  ',
    )
    copy.finish()
    rounds, stage = kept(tmp_path)
    assert rounds == ROUND | {"metrics": {"a" * 200: 1, "?": 2}}
    assert stage == {"t": 1, "kind": "stage", "name": "twice é"}
    assert events.read(tmp_path, 0).isascii()


def test_a_line_counts_once_it_is_whole(scratch: Path, copy: EventCopy, tmp_path: Path) -> None:
    line = json.dumps(ROUND).encode()
    with (scratch / EVENTS_NAME).open("ab", buffering=0) as file:
        for part in (line[:10], line[10:], b"\n" + line[:5]):
            file.write(part)
            copy.copy()
            assert kept(tmp_path) == ([ROUND] if part[0] == 10 else [])
        copy.finish()
    assert [event["kind"] for event in kept(tmp_path)] == ["round", "dropped"]


def test_a_line_that_never_ends_takes_no_room(scratch: Path, copy: EventCopy, tmp_path: Path) -> None:
    with (scratch / EVENTS_NAME).open("wb") as file:
        file.truncate(3 << 20)  # a hole: three reads of nothing but zeros
    add(scratch, b"", ROUND)
    while copy.copy():
        assert len(copy._rest) <= events.MAX_LINE_BYTES
    copy.finish()
    assert [(event["kind"], event.get("count")) for event in kept(tmp_path)] == [("round", None), ("dropped", 1)]


@pytest.mark.attack
@pytest.mark.parametrize("cap", ["MAX_EVENTS", "MAX_BYTES"])
def test_a_flood_is_cut_and_counted(
    cap: str, scratch: Path, copy: EventCopy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = {"t": 1, "kind": "stage", "name": "x"}
    size = len(json.dumps(stage, separators=(",", ":"))) + 1
    monkeypatch.setattr(events, cap, 100 if cap == "MAX_EVENTS" else 100 * size)
    add(scratch, *[stage] * 5000)
    copy.finish()
    *some, dropped = kept(tmp_path)
    assert some == [stage] * 100
    assert dropped["count"] == 4900


def test_of_many_rounds_ever_fewer_are_kept_and_always_the_last(scratch: Path, copy: EventCopy, tmp_path: Path) -> None:
    add(scratch, *[ROUND | {"iteration": number} for number in range(9_999)])
    add(scratch, *[ROUND | {"iteration": number, "trial": 2} for number in range(500)])
    copy.finish()
    told = kept(tmp_path)
    first = [event["iteration"] for event in told if "trial" not in event]
    assert first[:1000] == list(range(1000))
    assert first[1000:1003] == [1000, 1002, 1004]
    assert first[-1] == 9_998
    assert 3_000 < len(first) < 4_500
    assert sum(event.get("trial") == 2 for event in told) == 500


def test_a_file_that_was_cut_or_replaced_is_read_from_its_start(scratch: Path, copy: EventCopy, tmp_path: Path) -> None:
    add(scratch, ROUND, ROUND)
    copy.copy()
    (scratch / EVENTS_NAME).write_bytes(b"")
    add(scratch, ROUND | {"iteration": 2})
    copy.copy()
    (scratch / EVENTS_NAME).unlink()
    copy.copy()
    add(scratch, ROUND | {"iteration": 3})
    copy.copy()
    assert [event["iteration"] for event in kept(tmp_path)] == [1, 1, 2, 3]


# -- a hostile file --------------------------------------------------------------------------------------------------


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """Events of somebody else's job, which this job's sandbox cannot see but whose path it may guess."""
    path = tmp_path / "theirs.jsonl"
    path.write_text(json.dumps(ROUND | {"trainer": "theirs"}) + "\n")
    return path


@pytest.mark.attack
@pytest.mark.parametrize("control", [True, False], ids=["held", "without the control"])
def test_a_link_to_anothers_events_is_not_followed(
    control: bool, scratch: Path, copy: EventCopy, secret: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (scratch / EVENTS_NAME).symlink_to(secret)
    if not control:
        monkeypatch.setattr(os, "O_NOFOLLOW", 0)
    copy.finish()
    assert [event["trainer"] for event in kept(tmp_path)] == ([] if control else ["theirs"])


@pytest.mark.attack
@pytest.mark.parametrize("control", [True, False], ids=["held", "without the control"])
def test_a_second_name_of_anothers_events_is_not_read(
    control: bool, scratch: Path, copy: EventCopy, secret: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (scratch / EVENTS_NAME).hardlink_to(secret)
    if not control:
        told = secret.stat()
        fields = {name: getattr(told, name) for name in ("st_mode", "st_dev", "st_ino", "st_size")}
        monkeypatch.setattr(events.os, "fstat", lambda fd: SimpleNamespace(**fields, st_nlink=1))
    copy.finish()
    assert [event["trainer"] for event in kept(tmp_path)] == ([] if control else ["theirs"])


@pytest.mark.attack
@pytest.mark.parametrize("kind", ["pipe", "socket", "directory", "a link to a terminal", "a scratch that is a link"])
def test_what_is_no_plain_file_holds_nobody_up(
    kind: str, scratch: Path, copy: EventCopy, secret: Path, tmp_path: Path
) -> None:
    place = scratch / EVENTS_NAME
    match kind:
        case "pipe":
            os.mkfifo(place)
        case "socket":
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(str(place))
        case "directory":
            place.mkdir()
        case "a link to a terminal":
            place.symlink_to("/dev/tty")
        case _:
            elsewhere = tmp_path / "elsewhere"
            elsewhere.mkdir()
            secret.rename(elsewhere / EVENTS_NAME)
            scratch.rmdir()
            scratch.symlink_to(elsewhere)
    copy.copy()
    copy.finish()
    assert kept(tmp_path) == []
    assert not (tmp_path / files.EVENTS).exists()


def test_ours_is_readable_by_nobody_else(scratch: Path, copy: EventCopy, tmp_path: Path) -> None:
    add(scratch, ROUND)
    copy.finish()
    assert stat.S_IMODE((tmp_path / files.EVENTS).stat().st_mode) == 0o600


# -- how much is answered at once ------------------------------------------------------------------------------------


@pytest.mark.attack
def test_a_log_is_told_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each answer is in the front's memory and in its catalog: a loop of logs, 16 MiB each, was more than both hold."""
    monkeypatch.setattr(files, "MAX_PIECE", 10)
    whole = "0123456789" * 3 + "ä" * 15 + "\U0001f600" * 12 + "end"
    data = whole.encode() + b"\xf0\x9f"  # the last character has begun
    (tmp_path / files.LOG).write_bytes(data)
    for ended, told in ((False, whole), (True, f"{whole}\ufffd")):
        pieces, at = [], 0
        while piece := logs.read(tmp_path, at, ended=ended):
            pieces.append(piece)
            at += len(piece)
        assert "".join(pieces) == told
        assert max(map(len, pieces)) == 10
    assert logs.read(tmp_path, len(whole) - 3, ended=False) == "end"
    assert logs.read(tmp_path, 10_000, ended=True) == ""
    assert logs.read(tmp_path, -5, ended=True) == whole[:10]


@pytest.mark.attack
def test_events_are_told_in_pieces_of_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_PIECE", 50)
    lines = [f'{{"t": {number}}}' for number in range(20)]
    (tmp_path / files.EVENTS).write_text("\n".join(lines) + '\n{"half')
    told, at = "", 0
    while piece := events.read(tmp_path, at):
        assert len(piece) <= 50
        told, at = told + piece, at + len(piece)
    assert told.splitlines() == lines


def test_a_piece_holds_the_longest_line_and_is_known_to_be_cut() -> None:
    assert files.MAX_PIECE - events.MAX_LINE_BYTES >= own_jobs.FULL_PIECE
