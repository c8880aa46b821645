"""The engine's front inside of the test process, so that a test can take one control away and put it back."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from cleanroom_ml.engine.assembly.engine import Engine
from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.engine.http.server import serve
from cleanroom_ml.local import engine as local_engine


class Front:
    """`serve` on a thread. Everything else (workers, supervisors, sandboxes) is a process of its own, as always."""

    def __init__(self, home: Home, patch: pytest.MonkeyPatch) -> None:
        self.home = home
        self._engine: Engine | None = None
        ready = threading.Event()
        start = Engine.start

        def remember(engine: Engine, sockets: Any) -> None:
            start(engine, sockets)
            self._engine = engine
            ready.set()

        patch.setattr(Engine, "start", remember)
        loop = asyncio.unix_events._UnixSelectorEventLoop  # type: ignore[attr-defined]
        # Signal handlers belong to the main thread; the operator's stop ends this front.
        patch.setattr(loop, "add_signal_handler", lambda *_: None)
        self._thread = threading.Thread(
            target=serve, args=(home,), kwargs={"host": "127.0.0.1", "port": None, "isolated": True}
        )
        self._thread.start()
        assert ready.wait(60)

    @property
    def engine(self) -> Engine:
        assert self._engine is not None
        return self._engine

    def stop(self) -> None:
        local_engine.stop(self.home)
        self._thread.join(30)
        assert not self._thread.is_alive()
