"""Blocks are interpreted in the front, the trusted process: no text of a client's may keep it busy for ever."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import pytest

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.script.block import BlockResult, run_block


def _true(text: str, variables: Mapping[str, Any]) -> BlockResult:
    return BlockResult(
        ("X",), ((False if "NOT" in text else True if "TRUE" in text else 10**15 if "1000" in text else 1,),)
    )


def _outcome(text: str) -> BaseException | None:
    """How the block ended, within ten seconds: one that does not end must fail the test, not hang it."""
    ended: list[BaseException | None] = []

    def run() -> None:
        try:
            run_block(text, _true)
        except SqlError as error:
            ended.append(error)
        else:
            ended.append(None)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(10)
    assert ended, "the block is still running"
    return ended[0]


@pytest.mark.attack
@pytest.mark.parametrize(
    "loop",
    [
        "WHILE f DO END WHILE",
        "WHILE (f) DO END WHILE",
        "FOR i IN 1 TO 1000000000000000 DO END FOR",
        "FOR i IN 1 TO 1000000000000000 DO IF (NOT f) THEN RETURN 1; END IF; END FOR",
        "WHILE f DO FOR i IN 1 TO 1000000000000000 DO END FOR; END WHILE",
    ],
)
def test_a_loop_without_a_body_is_ended(loop: str) -> None:
    error = _outcome(f"BEGIN LET f := TRUE; {loop}; RETURN 1; END")
    assert isinstance(error, SqlError)
    assert "too many steps" in error.message


@pytest.mark.attack
@pytest.mark.parametrize("value", ["a", None, float("nan"), float("inf"), [1], "9" * 5000])
def test_a_bound_that_is_no_number_is_an_error_of_the_block(value: Any) -> None:
    """Not of the engine: an internal error is logged, and tells its writer nothing."""
    with pytest.raises(SqlError, match="two whole numbers"):
        run_block("begin for i in x to y do let z := 1; end for; end", lambda *_: BlockResult(("X",), ((value,),)))
