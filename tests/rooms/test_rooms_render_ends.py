"""A rendering ends with the CALL that it is for, and one account's templates leave another a renderer."""

from __future__ import annotations

import threading
import time

import pytest

from cleanroom_ml.engine.load.cancellation import Cancellation
from cleanroom_ml.engine.load.owners import Owner
from cleanroom_ml.engine.rooms.render import SandboxedRenderer, render
from cleanroom_ml.engine.sql.errors import SqlError

pytestmark = pytest.mark.sandbox

BOMB = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}SELECT 1"


@pytest.mark.attack
def test_a_rendering_ends_with_its_call(renderer: SandboxedRenderer) -> None:
    """One renders, and one waits until it may: both end as soon as they are ended."""
    ended: list[tuple[int, float]] = []
    tokens = [Cancellation(Owner("A")) for _ in range(2)]

    def run(token: Cancellation) -> None:
        with token.entered():
            try:
                render(renderer, BOMB, {})
            except SqlError as error:
                ended.append((error.code, time.monotonic()))

    threads = [threading.Thread(target=run, args=(token,)) for token in tokens]
    for thread in threads:
        thread.start()
        time.sleep(0.2)
    began = time.monotonic()
    for token in reversed(tokens):
        token.cancel(SqlError.cancelled())
    for thread in threads:
        thread.join(20)
    assert [code for code, _ in ended] == [604, 604]
    assert max(when for _, when in ended) - began < 3
    assert render(renderer, "SELECT {{ x }}", {"x": 1}).sql == "SELECT :CLEANROOM_BIND_0"
