from __future__ import annotations

import os
from pathlib import Path

import pytest

from cleanroom_ml.engine.sandbox.masking import Mask
from cleanroom_ml.engine.sandbox.policy import SandboxSpec
from cleanroom_ml.engine.sandbox.process import SandboxProcess

PATHS = {"/home/ana/.venv": "/image", "/home/ana/.venv/lib/ours": "/ours", "/opt/python": "/python"}
TEXT = b'File "/home/ana/.venv/lib/x.py", "/home/ana/.venv/lib/ours/y.py" /opt/pytho /opt/python3 /home/ana/.ven'
SHOWN = b'File "/image/lib/x.py", "/ours/y.py" /opt/pytho /python3 /home/ana/.ven'


@pytest.mark.parametrize("size", [1, 2, 3, 7, 16, 1000])
def test_wherever_the_pieces_end(size: int) -> None:
    mask = Mask(PATHS)
    pieces = [mask.feed(TEXT[start : start + size]) for start in range(0, len(TEXT), size)]
    assert b"".join(pieces) + mask.end() == SHOWN


OVERLAPPING = [
    ({"/opt/ml/opt": "#"}, b"x /opt/ml/opt/ml/opt y"),
    ({"/a/bb/a": "1", "/a/bb/a/c": "2", "/bb": "3"}, b"/a/bb/a/bb/a/c/a/bb/a/b/a"),
    ({"//": "1", "/a": "2", "//a/b": "3"}, b"/a//a//a/b//a/"),
]


@pytest.mark.attack
@pytest.mark.parametrize(("paths", "text"), OVERLAPPING)
def test_a_path_that_ends_as_one_begins_does_not_slip_through_between_two_writes(
    paths: dict[str, str], text: bytes
) -> None:
    whole = Mask(paths)
    expected = whole.feed(text) + whole.end()
    assert not any(path.encode() in expected for path in paths)
    for first in range(len(text)):
        for second in range(first, len(text)):
            mask = Mask(paths)
            pieces = (text[:first], text[first:second], text[second:])
            assert b"".join(map(mask.feed, pieces)) + mask.end() == expected


def test_without_paths_nothing_is_kept_back() -> None:
    mask = Mask({})
    assert (mask.feed(b"/home"), mask.end()) == (b"/home", b"")


def test_what_could_not_be_a_path_is_written_at_once() -> None:
    mask = Mask(PATHS)
    assert mask.feed(b"done\n") == b"done\n"
    assert mask.feed(b"see /home") == b"see "
    assert mask.feed(b"work\n") == b"/homework\n"


@pytest.mark.sandbox
def test_a_sandboxs_output_is_masked(tmp_path: Path) -> None:
    argv = ("/bin/sh", "-c", "printf 'at /opt/py'; sleep 0.1; printf 'thon/lib and /opt/pyt'")
    log = tmp_path / "log"
    with log.open("wb") as output:
        with SandboxProcess.start(SandboxSpec(argv=argv, masked=PATHS), output=output.fileno()) as process:
            outcome = process.wait()
        os.fsync(output.fileno())
    assert outcome is not None
    assert log.read_bytes() == b"at /python/lib and /opt/pyt"
    assert outcome.log_total_bytes == len("at /opt/python/lib and /opt/pyt")
