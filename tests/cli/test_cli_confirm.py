"""What cannot be undone is asked for; without a terminal only `--yes` says yes."""

from __future__ import annotations

import os
import pty
import shlex
import subprocess
import sys
from typing import Any

import pytest

from cleanroom_ml.cli.confirm import confirm
from cleanroom_ml.cli.settings import settings
from cleanroom_ml.errors import UsageError

ASK = """
import sys
from cleanroom_ml.cli import confirm, main
from cleanroom_ml.cli.output import Output
def ask(arguments):
    confirm.confirm("Approve \\x1b[2Jtrain?", yes=False)
    return Output({}, "agreed")
main.invoke = ask
sys.exit(main.run(sys.argv[1:]))
"""


def answered(answer: bytes) -> tuple[int, str]:
    """What a person at a real terminal gets who answers so."""
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", ASK], stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, start_new_session=True
        )
        os.write(ours, answer)
        out, _ = process.communicate(timeout=30)
        seen = os.read(ours, 65536).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    return process.returncode, seen + out.decode()


@pytest.mark.parametrize(
    ("typed", "held", "cure"),
    [
        ("pool drop P -c me", {}, "pool drop P -c me --yes"),
        ("activate --segment 'of mine'", {}, "activate --segment 'of mine' --yes"),
        (
            "reject train --reason no",
            {"typed": "train", "displayed": "request_1"},
            "reject request_1 --reason no --yes",
        ),
        ("reject -c me", {"displayed": "request_1"}, "reject -c me request_1 --yes"),
        ("template withdraw t", {"typed": "t", "displayed": "request_1"}, "template withdraw request_1 --yes"),
        (
            "approve",
            {"displayed": "r", "pins": ("--expect-digest", "sha256:0")},
            "approve r --expect-digest sha256:0 --yes",
        ),
    ],
)
def test_without_a_terminal_the_cure_is_what_was_typed_held_to_what_was_shown(
    typed: str, held: dict[str, Any], cure: str
) -> None:
    settings().typed = tuple(shlex.split(typed))
    with pytest.raises(UsageError) as caught:
        confirm("Sure?", yes=False, **held)
    assert caught.value.exit_code == 2
    assert caught.value.fix == f"cleanroom-ml {cure}"


def test_the_command_line_knows_what_was_typed(cli) -> None:
    cli("status", "--format", "json")
    assert settings().typed == ("status", "--format", "json")


def test_yes_is_yes() -> None:
    confirm("Sure?", yes=True)


@pytest.mark.parametrize(("answer", "code"), [(b"y\n", 0), (b"n\n", 1), (b"\n", 1), (b"\x04", 130)])
def test_at_a_terminal_the_answer_decides(answer: bytes, code: int) -> None:
    returned, seen = answered(answer)
    assert returned == code
    assert ("agreed" in seen) == (code == 0)
    assert "\x1b[2J" not in seen


@pytest.mark.parametrize("arguments", [[], ["train_V1"]])
def test_approving_unseen_is_a_usage_error(cli, arguments: list[str]) -> None:
    ran = cli("approve", *arguments, "--yes", "--collaboration", "c")
    assert ran.code == 2
    assert "--reviewed DIR" in ran.err
    assert "--expect-digest" in ran.err
