"""The token: what waits is ended, what would wait later too, and whoever catches the error does not escape it."""

from __future__ import annotations

import threading

import pytest

from cleanroom_ml.engine.load import cancellation
from cleanroom_ml.engine.load.cancellation import Cancellation
from cleanroom_ml.engine.load.owners import ENGINE, Owner, owner
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.script.block import BlockResult, run_block


def test_what_waits_is_ended_and_what_would_wait_later() -> None:
    token = Cancellation(Owner("A"))
    first, later = threading.Event(), threading.Event()
    with token.ending(first.set):
        token.cancel(SqlError.cancelled())
        token.cancel(SqlError.timed_out(1))
        assert first.is_set()
    with token.ending(later.set):
        assert later.is_set()
    assert token._enders == []
    with pytest.raises(SqlError, match="canceled"):
        token.check()


def test_the_thread_that_does_the_work_finds_it() -> None:
    token = Cancellation(Owner("A", "J"))
    cancellation.check()
    with token.entered():
        assert cancellation.current() is token
        assert owner.get() == Owner("A", "J")
    assert owner.get() == ENGINE
    assert cancellation.current() is not token


@pytest.mark.parametrize(
    "block",
    [
        "WHILE (f) DO f := TRUE; END WHILE",
        "FOR i IN 1 TO 9000 DO f := NOT FALSE; END FOR",
        "FOR i IN 1 TO 9000 DO END FOR",
        "WHILE (f) DO FOR i IN 1 TO 50 DO BEGIN IF (f) THEN f := TRUE; END IF; END; END FOR; END WHILE",
    ],
)
def test_a_block_ends_between_any_two_steps(block: str) -> None:
    """What its statements wait for tells nobody that it was ended: here it is asked between them."""
    token = Cancellation()
    rounds = 0

    def run(text: str, variables: object) -> BlockResult:
        nonlocal rounds
        rounds += 1
        if rounds == 5:
            token.cancel(SqlError.cancelled())
        return BlockResult(("X",), ((9000 if "9000" in text else 50 if "50" in text else 1,),))

    with token.entered():
        if "f :=" not in block:
            token.cancel(SqlError.cancelled())
        with pytest.raises(SqlError) as caught:
            run_block(f"BEGIN LET f := TRUE; {block}; RETURN 1; END", run)
    assert caught.value.code == 604
    assert rounds <= 6
